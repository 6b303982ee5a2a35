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

from export.augment import make_variant
from export.mnist import load_mnist
from export.network import build_model

TRAINING = Path("training")
"""One folder for each version of the model."""
BATCH = 128
PEAK_LEARNING_RATE = 4e-3
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
        make_variant(mnist.train, options.seed + variant, folder / "variants")
        for variant in tqdm(range(options.variants), "variants of each digit")
    ]
    model = build_model()
    steps = options.epochs * (len(mnist.train) // BATCH)
    model.compile(
        # The average of the weights is kept in the end: it is a little better than the last ones.
        optimizer=tf.keras.optimizers.Adam(
            tf.keras.optimizers.schedules.CosineDecay(PEAK_LEARNING_RATE, steps), use_ema=True, ema_momentum=0.999
        ),
        loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(
        _batches([mnist.train.images, *variants], mnist.train.labels, options.seed),
        validation_data=(mnist.held_back.images[..., None] / 255.0, mnist.held_back.labels),
        epochs=options.epochs,
        callbacks=[
            tf.keras.callbacks.BackupAndRestore(str(folder / "checkpoint")),
            tf.keras.callbacks.CSVLogger(str(folder / "log.csv"), append=True),
        ],
    )
    model.save(folder / "model.keras")
    run = {"seed": options.seed, "epochs": options.epochs, "variants": options.variants, "tensorflow": tf.__version__}
    (folder / "run.json").write_text(json.dumps(run))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m export.train", description="Train the network on MNIST.")
    parser.add_argument("--data", type=Path, help="folder of MNIST's IDX files (default: download them)")
    parser.add_argument("--version", type=int, required=True, help="of the model, the folder's name in export/")
    parser.add_argument("--training", type=Path, default=TRAINING, help="folder to work in, default: %(default)s")
    parser.add_argument("--epochs", type=int, default=50, help="default: %(default)s")
    parser.add_argument("--variants", type=int, default=8, help="pictures made of each digit, default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    return parser


def _batches(variants: Sequence[NDArray[np.uint8]], labels: NDArray[np.uint8], seed: int) -> tf.data.Dataset:
    """Return every digit once, in one of its variants, a little turned, shifted and scaled.

    Args:
        variants: uint8 [n, 28, 28] each, the first as MNIST has them.
        labels: uint8 [n].
        seed: of the order, of the choice and of the distortion.
    """
    pictures = tf.constant(np.stack(variants))
    distort = tf.keras.Sequential(
        [
            tf.keras.layers.RandomRotation(0.025, fill_mode="constant", seed=seed),
            tf.keras.layers.RandomTranslation(0.05, 0.05, fill_mode="constant", seed=seed + 1),
            tf.keras.layers.RandomZoom(0.08, 0.08, fill_mode="constant", seed=seed + 2),
        ]
    )

    def prepare(digits: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        chosen = tf.random.uniform(tf.shape(digits), 0, 1, seed=seed)
        drawn = tf.cast((chosen - AS_MNIST) / (1 - AS_MNIST) * (len(variants) - 1), tf.int64)
        variant = tf.where(chosen < AS_MNIST, tf.zeros_like(drawn), 1 + drawn)
        images = tf.gather_nd(pictures, tf.stack([variant, digits], axis=1))
        return distort(tf.cast(images, tf.float32)[..., None] / 255.0, training=True), labels

    dataset = tf.data.Dataset.from_tensor_slices((np.arange(len(labels)), labels))
    dataset = dataset.shuffle(len(labels), seed=seed).batch(BATCH, drop_remainder=True)
    return dataset.map(prepare).prefetch(4)


if __name__ == "__main__":
    main()
