"""Train the network on MNIST: `python -m export.train --version N --data DIR`.

First come distorted pictures of the digits, see `export.augment`, a few variants of each; then the epochs, each
with every digit once, as it is or in one of its variants. Writes `training/N/model.keras`, which
`export.export` turns into a SavedModel, and the log of the run beside it. Stopped half-way, it goes on from the
last pictures made or the last epoch finished: `training/` holds hours of work, and `make clean` leaves it alone.
"""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tqdm import tqdm

from export.augment import make_hands, make_variant
from export.mnist import Digits, load_mnist
from export.network import build_model, read_layers, start_from
from mnist_infer.versions import find_version

HERE = Path(__file__).parent
TRAINING = Path("training")
"""One folder for each version of the model."""
BATCH = 128
PEAK_LEARNING_RATE = 1e-3
CHECKPOINT_STEPS = 200
AS_MNIST = 0.45
"""Share of the digits that are shown as MNIST has them."""


def main() -> None:
    """Train with the settings of the command line."""
    options = _parser().parse_args()
    folder = options.training / str(options.version)
    folder.mkdir(parents=True, exist_ok=True)
    tf.keras.utils.set_random_seed(options.seed)
    mnist = load_mnist(options.data)
    variants = [
        make_variant(mnist.train, options.seed + variant, folder / "pictures")
        for variant in tqdm(range(options.variants), "variants of each digit")
    ]
    hands = make_hands(options.hands, options.seed, folder / "pictures")
    model = build_model()
    start_from(
        model, read_layers(options.start / "saved_model.pb"), mnist.train.images[:1000, ..., None] / np.float32(255)
    )
    steps = options.epochs * ((len(mnist.train) + len(hands)) // BATCH)
    model.compile(
        # The average of the weights is kept in the end: it is a little better than the last ones.
        optimizer=tf.keras.optimizers.Adam(
            tf.keras.optimizers.schedules.CosineDecay(PEAK_LEARNING_RATE, steps), use_ema=True, ema_momentum=0.999
        ),
        loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(
        _batches(mnist.train, variants, hands, options.seed),
        validation_data=(mnist.held_back.images[..., None] / 255.0, mnist.held_back.labels),
        epochs=options.epochs,
        callbacks=[
            tf.keras.callbacks.BackupAndRestore(str(folder / "checkpoint"), save_freq=CHECKPOINT_STEPS),
            tf.keras.callbacks.CSVLogger(str(folder / "log.csv"), append=True),
        ],
    )
    model.save(folder / "model.keras")
    run = {name: getattr(options, name) for name in ("seed", "epochs", "variants", "hands")}
    run |= {"start": options.start.name, "tensorflow": tf.__version__}
    (folder / "run.json").write_text(json.dumps(run))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m export.train", description="Train the network on MNIST.")
    parser.add_argument("--data", type=Path, help="folder of MNIST's IDX files (default: download them)")
    parser.add_argument("--version", type=int, required=True, help="of the model, the folder's name in export/")
    parser.add_argument("--training", type=Path, default=TRAINING, help="folder to work in, default: %(default)s")
    parser.add_argument(
        "--start", type=Path, default=find_version(HERE, None), help="a version to go on from: %(default)s"
    )
    parser.add_argument("--epochs", type=int, default=6, help="default: %(default)s")
    parser.add_argument("--variants", type=int, default=1, help="pictures made of each digit, default: %(default)s")
    parser.add_argument("--hands", type=int, default=24000, help="digits of other hands, default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    return parser


def _batches(mnist: Digits, variants: Sequence[NDArray[np.uint8]], hands: Digits, seed: int) -> tf.data.Dataset:
    """Return every digit once, of MNIST's in one of its variants, a little turned, shifted and scaled.

    Args:
        mnist: its digits.
        variants: uint8 [n, 28, 28] each, the same digits distorted.
        hands: digits of other hands.
        seed: of the order, of the choice and of the distortion.
    """
    n = len(mnist)
    pictures = tf.constant(np.concatenate([mnist.images, *variants, hands.images]))
    labels = tf.constant(np.concatenate([mnist.labels, hands.labels]))
    distort = tf.keras.Sequential(
        [
            tf.keras.layers.RandomRotation(0.025, fill_mode="constant", seed=seed),
            tf.keras.layers.RandomTranslation(0.05, 0.05, fill_mode="constant", seed=seed + 1),
            tf.keras.layers.RandomZoom(0.08, 0.08, fill_mode="constant", seed=seed + 2),
        ]
    )

    def prepare(digits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        chosen = tf.random.uniform(tf.shape(digits), 0, 1, seed=seed)
        drawn = tf.cast((chosen - AS_MNIST) / (1 - AS_MNIST) * len(variants), tf.int64)
        variant = tf.where(chosen < AS_MNIST, tf.zeros_like(drawn), 1 + drawn)
        # The pictures stand one set after the other: MNIST, its variants, and the other hands, which have none.
        index = tf.where(digits < n, variant * n + digits, len(variants) * n + digits)
        images = tf.cast(tf.gather(pictures, index), tf.float32)[..., None] / 255.0
        return distort(images, training=True), tf.gather(labels, digits)

    dataset = tf.data.Dataset.range(len(labels))
    dataset = dataset.shuffle(len(labels), seed=seed).batch(BATCH, drop_remainder=True)
    return dataset.map(prepare).prefetch(4)


if __name__ == "__main__":
    main()
