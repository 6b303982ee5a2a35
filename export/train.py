"""Train the network on MNIST: `python -m export.train --version N --data DIR`.

First come pictures to train on, see `export.augment`: distorted digits of MNIST, and digits of other hands. Then
teachers, larger networks, learn these and MNIST's own from nothing, each from other weights. Last the network that
ships learns from both: what the pictures show, and what the teachers say about them. It starts with the weights of
the version before, which is a teacher as well, and what is kept is the mean of its weights before and after, see
`TRAINED_SHARE`.

Writes `training/N/model.keras`, which `export.export` turns into a SavedModel, and the log of the run beside it.
Stopped half-way, also by a full disk, it goes on from the last pictures made or the last epoch finished: `training/`
holds hours of work, and `make clean` leaves it alone.
"""

import argparse
import hashlib
import json
import os
import sys
import zipfile
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # twice as fast also where TensorFlow has it off, as on AVX2

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from export.augment import make_distorted, make_hands
from export.files import FileError, load_array, load_record, save_whole
from export.mnist import DataError, Digits, load_mnist
from export.network import CLASSES, STAGES, average_layers, build_model, read_layers, set_layers, trained_layers
from mnist_infer.config import ROOT
from mnist_infer.errors import ModelUnavailable
from mnist_infer.versions import find_version

HERE = Path(__file__).parent
TRAINING = Path("training")
"""One folder for each version of the model."""
BATCH = 128
PEAK_LEARNING_RATE = 1e-3
STEPS_PER_EPOCH = 250
TEACHER_STAGES = ((32, 32), (64, 64), (128, 128))
TAUGHT_SHARE = 0.5
"""Share of the teachers' mean answer in what is learnt of a picture; the rest is its label."""
TRAINED_SHARE = 0.5
"""Share of the trained weights in those that are kept; the rest is the weights of the version before.

Of 0.3, 0.5, 0.7, 0.85 and 1 it reads most of the suite of held-back digits, 99.41 %; the version before reads 99.37 %.
"""
_CHECKPOINT = "epoch_"
_SOURCES = [
    *(ROOT / "export" / name for name in ("augment.py", "hands.py")),
    *(ROOT / "mnist_infer" / name for name in ("background.py", "components.py", "decode.py", "normalise.py")),
]
"""What the pictures to train on depend on, beside the options."""


class TrainingError(Exception):
    """What there is of a training cannot be gone on with."""


def main() -> int:
    """Train with the settings of the command line, and return the exit status."""
    try:
        _train(_parser().parse_args())
    except (DataError, FileError, ModelUnavailable, OSError, TrainingError) as error:
        print(f"not trained: {error}", file=sys.stderr)
        return 1
    return 0


def _train(options: argparse.Namespace) -> None:
    start_folder = options.start or _version_before(options.version)
    if not (start_folder / "saved_model.pb").is_file():
        raise TrainingError(f"{start_folder} has no saved_model.pb")
    start = read_layers(start_folder / "saved_model.pb")
    folder = options.training / str(options.version)
    _begin(folder, options, start_folder)
    mnist = load_mnist(options.data)
    sets = [
        mnist.train,
        make_distorted(mnist.train, options.distorted, options.seed, folder),
        make_hands(options.hands, options.seed, folder),
    ]
    digits = Digits(np.concatenate([part.images for part in sets]), np.concatenate([part.labels for part in sets]))
    labels = _one_hot(digits.labels)
    tf.keras.utils.set_random_seed(options.seed)
    student = build_model(STAGES)
    set_layers(student, start)
    taught = [_predict(student, digits)]
    for number in range(options.teachers):
        answers = folder / f"teacher_{number}.npy"
        if not answers.exists():
            tf.keras.utils.set_random_seed(options.seed + number)
            teacher = build_model(TEACHER_STAGES)
            checkpoint = answers.with_suffix("")
            _fit(teacher, digits.images, labels, mnist.held_back, checkpoint, options.teacher_epochs)
            save_whole(answers, partial(np.save, arr=_predict(teacher, digits)))
            _drop_checkpoints(checkpoint)
        taught.append(load_array(answers))
    targets = (1 - TAUGHT_SHARE) * labels + TAUGHT_SHARE * np.mean(taught, axis=0, dtype=np.float32)
    tf.keras.utils.set_random_seed(options.seed)
    _fit(student, digits.images, targets, mnist.held_back, folder, options.epochs)
    set_layers(student, average_layers(start, trained_layers(student), TRAINED_SHARE))
    save_whole(folder / "model.keras", student.save)
    _drop_checkpoints(folder)


def _version_before(version: int) -> Path:
    before = [int(path.name) for path in HERE.iterdir() if path.name.isdecimal() and int(path.name) < version]
    return find_version(HERE, max(before, default=version - 1))


def _begin(folder: Path, options: argparse.Namespace, start: Path) -> None:
    """Write down what a training is made with, or see that it is the same as when it was begun.

    Raises:
        TrainingError: it is not: pictures and teachers would be of two kinds.
        FileError: what was written down cannot be read.
    """
    names = ("seed", "teachers", "teacher_epochs", "epochs", "distorted", "hands")
    run = {name: getattr(options, name) for name in names}
    run |= {"start": start.name, "taught_share": TAUGHT_SHARE, "trained_share": TRAINED_SHARE}
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in _SOURCES)).hexdigest()
    run |= {"tensorflow": tf.__version__, "sources": digest[:16]}
    file = folder / "run.json"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        save_whole(file, lambda path: path.write_text(json.dumps(run)))
        return
    begun = load_record(file, f"if the options are the same as before, delete it; if not, delete {folder}")
    if differing := [name for name, value in begun.items() if run.get(name) != value]:
        raise TrainingError(
            f"{folder} was begun with another {', '.join(differing)}: delete it, or take another --version"
        )


class _Jitter(tf.keras.layers.Layer):  # type: ignore[misc]  # TensorFlow comes without types
    """Turns, shifts and scales each picture a little, in training only."""

    TURN = 0.16  # radians
    SHIFT = 1.4  # pixels
    SCALE = 0.08

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return float32 [n, 28, 28, 1], as it came, but for a transformation of each picture's own."""
        if not training:
            return images
        turn, *shift, wider, taller = (
            tf.random.uniform([tf.shape(images)[0]], -most, most)
            for most in (self.TURN, self.SHIFT, self.SHIFT, self.SCALE, self.SCALE)
        )
        middle = (images.shape[1] - 1) / 2
        a, b = tf.cos(turn) * (1 + wider), -tf.sin(turn)
        c, d = tf.sin(turn), tf.cos(turn) * (1 + taller)
        across = middle - a * middle - b * middle + shift[0]
        down = middle - c * middle - d * middle + shift[1]
        nothing = tf.zeros_like(turn)
        return tf.raw_ops.ImageProjectiveTransformV3(
            images=images,
            transforms=tf.stack([a, b, across, c, d, down, nothing, nothing], axis=1),
            output_shape=images.shape[1:3],
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="CONSTANT",
        )


def _fit(
    network: tf.keras.Model,
    images: NDArray[np.uint8],
    targets: NDArray[np.float32],
    held_back: Digits,
    folder: Path,
    epochs: int,
) -> None:
    """Train a network, with its checkpoint and its log in the folder.

    Args:
        network: see `build_model`.
        images: uint8 [n, 28, 28], as the network sees them.
        targets: float32 [n, 10], the probabilities to learn.
        held_back: measured after every epoch.
        folder: for the files.
        epochs: of `STEPS_PER_EPOCH` batches.
    """
    folder.mkdir(exist_ok=True)
    steps = epochs * STEPS_PER_EPOCH
    model = tf.keras.Sequential([tf.keras.Input((28, 28, 1)), _Jitter(), network])
    model.compile(
        # The average of the weights is kept in the end: it is a little better than the last ones.
        optimizer=tf.keras.optimizers.Adam(
            tf.keras.optimizers.schedules.CosineDecay(
                0.0, steps, warmup_target=PEAK_LEARNING_RATE, warmup_steps=STEPS_PER_EPOCH
            ),
            use_ema=True,
            ema_momentum=0.995,
        ),
        loss=tf.keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    epoch = _restore(model, folder)
    log = folder / "log.csv"
    _cut_log(log, epoch)
    batches = tf.data.Dataset.from_tensor_slices((images, targets)).shuffle(len(images)).repeat().batch(BATCH)
    model.fit(
        batches.map(lambda image, target: (_scale(image), target)).prefetch(2),
        validation_data=(_scale(held_back.images), _one_hot(held_back.labels)),
        initial_epoch=epoch,
        epochs=epochs,
        steps_per_epoch=STEPS_PER_EPOCH,
        verbose=2,
        callbacks=[
            tf.keras.callbacks.CSVLogger(str(log), append=True),
            tf.keras.callbacks.LambdaCallback(on_epoch_end=lambda done, _: _keep(model, folder, done + 1)),
        ],
    )


def _keep(model: tf.keras.Model, folder: Path, epoch: int) -> None:
    """Keep what the epochs so far have learnt, in one file, and drop what fewer of them have."""
    # Not as Keras saves it: where the disk is full, HDF5's library ends the process.
    arrays = [variable.numpy() for variable in _state(model)]
    save_whole(folder / f"{_CHECKPOINT}{epoch:04}.npz", lambda path: np.savez(path, *arrays))
    for file in sorted(folder.glob(f"{_CHECKPOINT}*"))[:-1]:
        file.unlink()


def _restore(model: tf.keras.Model, folder: Path) -> int:
    """Give a network what was kept of it, and return of how many epochs that is."""
    file = max(folder.glob(f"{_CHECKPOINT}*"), default=None)
    if not file:
        return 0
    try:
        with np.load(file) as kept:
            for variable, name in zip(_state(model), kept.files, strict=True):
                variable.assign(kept[name])
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise FileError(f"{file} cannot be read: delete it, and this network begins with its first epoch") from error
    return int(file.stem.removeprefix(_CHECKPOINT))


def _state(model: tf.keras.Model) -> list[tf.Variable]:
    """Return everything that changes in training."""
    model.optimizer.build(model.trainable_variables)  # unless it is
    return [*model.weights, *model.optimizer.variables]


def _drop_checkpoints(folder: Path) -> None:
    for file in folder.glob(f"{_CHECKPOINT}*"):
        file.unlink()


def _cut_log(log: Path, epoch: int) -> None:
    """Leave of a log its whole rows of the epochs before this one: the others come again."""
    lines = log.read_text().splitlines(keepends=True) if log.exists() and epoch else []
    rows = [line for line in lines[1:] if line.endswith("\n") and line.partition(",")[0] in map(str, range(epoch))]
    save_whole(log, lambda path: path.write_text("".join(lines[:1] + rows)))


def _scale(images: tf.Tensor) -> tf.Tensor:
    """Return uint8 [n, 28, 28] as the network takes it, float32 [n, 28, 28, 1] in 0..1."""
    return tf.cast(images, tf.float32)[..., None] / 255.0


def _one_hot(labels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.eye(CLASSES, dtype=np.float32)[labels]


def _predict(network: tf.keras.Model, digits: Digits) -> NDArray[np.float32]:
    """Return a network's probabilities, float32 [n, 10]."""
    batches = tf.data.Dataset.from_tensor_slices(digits.images).batch(1000).map(_scale)
    return np.asarray(tf.nn.softmax(network.predict(batches, verbose=0)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m export.train", description="Train the network on MNIST.")
    parser.add_argument("--data", type=Path, help="folder of MNIST's IDX files (default: download them)")
    parser.add_argument("--version", type=int, required=True, help="of the model, the folder's name in export/")
    parser.add_argument("--training", type=Path, default=TRAINING, help="folder to work in, default: %(default)s")
    parser.add_argument("--start", type=Path, help="folder of a version to go on from (default: the one before)")
    parser.add_argument("--teachers", type=int, default=1, help="larger networks to learn from, default: %(default)s")
    parser.add_argument(
        "--teacher-epochs", type=int, default=36, help=f"of {STEPS_PER_EPOCH} steps, for each, default: %(default)s"
    )
    parser.add_argument("--epochs", type=int, default=16, help="the same of the network that ships: %(default)s")
    parser.add_argument("--distorted", type=int, default=120_000, help="pictures of MNIST's digits: %(default)s")
    parser.add_argument("--hands", type=int, default=30_000, help="digits of other hands, default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
