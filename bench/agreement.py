"""Whether the function's session and TensorFlow's own give the same answers."""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from bench.report import progress, table
from export.mnist import DataError, load_mnist
from mnist_infer.config import Settings
from mnist_infer.session import PIXELS, SavedModelSession, session_config
from mnist_infer.versions import find_version

BATCH = 500


def section(options: argparse.Namespace) -> str:
    """Compare the two sessions on MNIST's test images."""
    title = "## Agreement"
    if options.data is None:
        return f"{title}\n\nNot measured: it needs MNIST's files, `make bench DATA=folder`."
    try:
        test = load_mnist(options.data).test
    except DataError as error:
        progress(str(error))
        return f"{title}\n\nNot measured: MNIST's files could not be read."
    x = test.images.reshape(-1, PIXELS).astype(np.float32) / 255
    ours, theirs = _ours(x), _theirs(x)
    digits, expected = ours.argmax(1), theirs.argmax(1)
    row = (
        f"{len(x)}",
        f"{(digits != expected).sum()}",
        f"{np.abs(ours - theirs).max():.1e}",
        f"{(digits == test.labels).mean():.4f}",
    )
    columns = ("test images", "digits that differ", "largest difference of a probability", "read right")
    how = f"The C library against `tf.compat.v1.Session`, MNIST's test images as they are, in batches of {BATCH}."
    return f"{title}\n\n{table(columns, [row], how)}"


def _ours(x: NDArray[np.float32]) -> NDArray[np.float32]:
    config = session_config(intra_op_threads=1, inter_op_threads=0, hide_gpus=True)
    session = SavedModelSession(find_version(Settings().model_dir, None), config)
    return np.concatenate([session.predict(batch) for batch in _batches(x)])


def _theirs(x: NDArray[np.float32]) -> NDArray[np.float32]:
    v1 = tf.compat.v1
    v1.logging.set_verbosity(v1.logging.ERROR)
    with v1.Session(graph=tf.Graph()) as session:
        model = find_version(Settings().model_dir, None)
        v1.saved_model.loader.load(session, [v1.saved_model.tag_constants.SERVING], str(model))
        return np.concatenate([session.run("y:0", {"x:0": batch}) for batch in _batches(x)])


def _batches(x: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return np.array_split(x, len(x) // BATCH)
