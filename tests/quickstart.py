"""The Python of the page of your own model, run as it stands: `python -m tests.quickstart FOLDER`.

Each block writes its SavedModel to `FOLDER/NAME/export/10`, and the answers of what it was made of, for the 300 digits,
to `FOLDER/NAME/answers.npy`. TensorFlow's MNIST, which would be downloaded, is five times these digits.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from testbed.pictures import mnist_digits
from tests.model_kinds import weights
from tests.pages import YOUR_MODEL, code_blocks


def main(folder: Path) -> None:
    """Run the blocks in folders of their names."""
    quickstart, in_front, tensorflow_1 = code_blocks(YOUR_MODEL, "python")
    images, labels = mnist_digits()
    x = (images / 255).astype(np.float32)
    digits = (np.tile(images, (5, 1, 1)), np.tile(labels, 5))
    tf.keras.datasets.mnist.load_data = lambda: (digits, (images, labels))
    with answers_in(folder / "quickstart") as answers:
        names: dict[str, Any] = {}
        exec(quickstart, names)
        answers.append(tf.nn.softmax(names["model"](x)).numpy())
    with answers_in(folder / "layers in front") as answers:
        exec(in_front, {"tf": tf, "model": model_of_colours()})
        answers.append(softmax_regression(x))
    with answers_in(folder / "TensorFlow 1") as answers:
        write_training_graph("old")
        exec(tensorflow_1, {})
        answers.append(softmax_regression(x))


@contextmanager
def answers_in(folder: Path) -> Iterator[list[NDArray[np.float32]]]:
    """Work in a folder, and write what the block of the page says there is to compare."""
    folder.mkdir(exist_ok=True)
    os.chdir(folder)
    answers: list[NDArray[np.float32]] = []
    yield answers
    np.save("answers.npy", answers[0])


def softmax_regression(x: NDArray[np.float32]) -> NDArray[np.float32]:
    kernel, bias = weights()
    answers: NDArray[np.float32] = tf.nn.softmax(x.reshape(-1, 784) @ kernel + bias).numpy()
    return answers


def model_of_colours() -> Any:
    """A model that takes 32×32 in three colours."""
    layers = tf.keras.layers
    grey = layers.Conv2D(1, 1, use_bias=False)
    dense = layers.Dense(10)
    model = tf.keras.Sequential([tf.keras.Input((32, 32, 3)), layers.Cropping2D(2), grey, layers.Flatten(), dense])
    grey.set_weights([np.full((1, 1, 3, 1), 1 / 3, np.float32)])
    dense.set_weights(weights())
    return model


def write_training_graph(path: str) -> None:
    """Write a SavedModel as programs of TensorFlow 1 did: no signature, and a placeholder for dropout."""
    v1 = tf.compat.v1
    kernel, bias = weights()
    with tf.Graph().as_default(), v1.Session() as session:
        keep_prob = v1.placeholder(tf.float32, [], "keep_prob")
        dropped = tf.nn.dropout(v1.placeholder(tf.float32, [None, 784], "images"), rate=1 - keep_prob)
        tf.add(tf.matmul(dropped, v1.get_variable("kernel", initializer=kernel)), bias, name="scores")
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(path)
        builder.add_meta_graph_and_variables(session, ["serve"])
        builder.save()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
