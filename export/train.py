"""Train the network on MNIST: `python -m export.train --data DIR`.

Writes `build/training/model.keras`, which `export.export` turns into a SavedModel, and the log
of the run beside it. Stopped half-way, it goes on from the last finished epoch.
"""

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf

from export.mnist import Digits, load_mnist
from export.network import build_model

BATCH = 128
PEAK_LEARNING_RATE = 4e-3


def main() -> None:
    """Train with the settings of the command line."""
    options = _parser().parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    tf.keras.utils.set_random_seed(options.seed)
    mnist = load_mnist(options.data)
    model = build_model()
    steps = options.epochs * (len(mnist.train) // BATCH)
    model.compile(
        optimizer=tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.CosineDecay(PEAK_LEARNING_RATE, steps)),
        loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(
        _augmented(mnist.train, options.seed),
        validation_data=(mnist.held_back.images[..., None] / 255.0, mnist.held_back.labels),
        epochs=options.epochs,
        callbacks=[
            tf.keras.callbacks.BackupAndRestore(str(options.output / "checkpoint")),
            tf.keras.callbacks.CSVLogger(str(options.output / "log.csv"), append=True),
        ],
    )
    model.save(options.output / "model.keras")
    run = {"seed": options.seed, "epochs": options.epochs, "tensorflow": tf.__version__}
    (options.output / "run.json").write_text(json.dumps(run))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m export.train", description="Train the network on MNIST.")
    parser.add_argument("--data", type=Path, help="folder of MNIST's IDX files (default: download them)")
    parser.add_argument("--output", type=Path, default=Path("build/training"), help="default: %(default)s")
    parser.add_argument("--epochs", type=int, default=10, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    return parser


def _augmented(digits: Digits, seed: int) -> tf.data.Dataset:
    """Return the digits in batches, each digit a little turned, shifted and scaled at every epoch."""
    distort = tf.keras.Sequential(
        [
            tf.keras.layers.RandomRotation(0.04, fill_mode="constant", seed=seed),
            tf.keras.layers.RandomTranslation(0.08, 0.08, fill_mode="constant", seed=seed + 1),
            tf.keras.layers.RandomZoom(0.1, 0.1, fill_mode="constant", seed=seed + 2),
        ]
    )

    def prepare(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return distort(tf.cast(images, tf.float32)[..., None] / 255.0, training=True), labels

    dataset = tf.data.Dataset.from_tensor_slices((digits.images, digits.labels))
    dataset = dataset.shuffle(len(digits), seed=seed).batch(BATCH, drop_remainder=True)
    return dataset.map(prepare).prefetch(4)


if __name__ == "__main__":
    main()
