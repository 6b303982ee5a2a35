"""Digit models of every kind that exporters write, and what the function reads with them.

`python -m tests.model_kinds make FOLDER` writes a SavedModel of each kind, and needs TensorFlow's Python package.
`python -m tests.model_kinds read FOLDER [LIBRARY]` prints, for each, how many of 100 digits the whole handler reads
right, or why it does not start, as JSON. All have the same weights: those of a linear model of 300 digits.
"""

import contextlib
import io
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from testbed.pictures import encode, mnist_digits, to_base64

READ = 100
Kinds = dict[str, Callable[[Path], object]]


def weights() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The weights [784, 10] and biases [10] of logits that tell the 300 digits apart, by ridge regression."""
    images, labels = mnist_digits()
    x = np.concatenate([images.reshape(-1, 784) / 255, np.ones((300, 1))], axis=1)
    targets = np.where(labels[:, None] == np.arange(10), 12.0, -4.0)
    solution = np.linalg.solve(x.T @ x + 0.1 * np.eye(785), x.T @ targets).astype(np.float32)
    return solution[:-1], solution[-1]


def good_kinds() -> Kinds:
    """Give what writes a model of each kind that is read, by its name."""
    import keras
    import tensorflow as tf

    v1, spec = tf.compat.v1, tf.TensorSpec
    kernel, bias = weights()
    three = np.eye(10, dtype=np.float32)[3]

    def logits(x: Any, paper: float = 0, ink: float = 1) -> Any:
        x = tf.reshape(tf.cast(x, tf.float32), [-1, 784])
        return (x - paper) / (ink - paper) @ kernel + bias

    def function(path: Path, *signature: Any, answer: Callable[..., Any], **others: Any) -> None:
        module = tf.Module()
        module.f = tf.function(answer, input_signature=signature)
        named = {name: tf.function(other, input_signature=[tensor]) for name, (other, tensor) in others.items()}
        module.others = named
        tf.saved_model.save(module, str(path), {"serving_default": module.f, **named})

    def keras_model(*layers: Any) -> Any:
        model = keras.Sequential([*layers, keras.layers.Dense(10, activation="softmax")])
        model.layers[-1].set_weights([kernel, bias])
        return model

    def keras_export(path: Path) -> None:
        keras_model(keras.Input((28, 28, 1)), keras.layers.Flatten()).export(path, verbose=False)

    def keras_uint8(path: Path) -> None:
        layers = (keras.Input((28, 28), dtype="uint8"), keras.layers.Rescaling(1 / 255), keras.layers.Flatten())
        keras_model(*layers).export(path, verbose=False)

    def several_outputs(path: Path) -> None:
        def answer(x: Any) -> Any:
            y = logits(x)
            return {
                "a_logits": y,
                "all_nan": y * np.nan,
                "classes": tf.argmax(y, 1),
                "features": y[:, :9],
                "probabilities": tf.nn.softmax(y),
            }

        function(path, spec([None, 784]), answer=answer)

    def several_signatures(path: Path) -> None:
        def examples(texts: Any) -> Any:
            return logits(tf.zeros([tf.size(texts), 784]))

        function(
            path,
            spec([None], tf.string),
            answer=examples,
            classify=(examples, spec([None], tf.string)),
            predict=(lambda x: tf.nn.softmax(logits(x)), spec([None, 28, 28])),
        )

    def a_string_beside(path: Path) -> None:
        function(
            path,
            spec([None, 784], name="image"),
            spec([None], tf.string, name="key"),
            answer=lambda image, key: {"y": logits(image), "key": key},
            predict=(logits, spec([None, 784])),
        )

    def training_graph(path: Path) -> None:
        with tf.Graph().as_default(), v1.Session() as session:
            x, labels = v1.placeholder(tf.float32, [None, 784]), v1.placeholder(tf.int64, [None])
            kernel_, bias_ = v1.Variable(kernel), v1.Variable(bias)
            y = tf.matmul(x, kernel_) + bias_
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, y))
            v1.train.AdamOptimizer().minimize(loss)
            session.run(v1.global_variables_initializer())
            v1.saved_model.simple_save(session, str(path), {"images": x}, {"scores": tf.nn.softmax(y)})

    def frozen(tags: list[str], *more_graphs: list[str]) -> Callable[[Path], None]:
        def write(path: Path) -> None:
            builder = v1.saved_model.Builder(str(path))
            for number, graph_tags in enumerate((tags, *more_graphs)):
                with tf.Graph().as_default(), v1.Session() as session:
                    tf.nn.softmax(logits(v1.placeholder(tf.float32, [None, 784], "x")), name="y")
                    add = builder.add_meta_graph if number else builder.add_meta_graph_and_variables
                    add(*([graph_tags] if number else [session, graph_tags]))
            builder.save()

        return write

    return {
        "Keras 3, exported": keras_export,
        "Keras 3, uint8": keras_uint8,
        "several outputs": several_outputs,
        "several signatures": several_signatures,
        "a string beside the picture": a_string_beside,
        "TensorFlow 1, with its training": training_graph,
        "x and y, without a signature": frozen(["serve"]),
        "another tag": frozen(["mnist"]),
        "several graphs": frozen(["serve"], ["serve", "gpu"]),
        "logits": lambda path: function(path, spec([None, 28, 28]), answer=logits),
        "log-softmax": lambda path: function(path, spec([None, 784]), answer=lambda x: tf.nn.log_softmax(logits(x))),
        "sigmoids": lambda path: function(path, spec([None, 784]), answer=lambda x: tf.sigmoid(logits(x))),
        "float16": lambda path: function(
            path, spec([None, 784], tf.float16), answer=lambda x: tf.cast(tf.nn.softmax(logits(x)), tf.float16)
        ),
        "float64": lambda path: function(
            path, spec([None, 784], tf.float64), answer=lambda x: tf.cast(tf.nn.softmax(logits(x)), tf.float64)
        ),
        "channels first": lambda path: function(path, spec([None, 1, 28, 28]), answer=logits),
        "any height and width": lambda path: function(path, spec([None, None, None, 1]), answer=logits),
        "one picture at a time, and the signature says many": lambda path: function(
            path, spec([None, 784]), answer=lambda x: logits(tf.ensure_shape(x, [1, 784]))
        ),
        "one picture at a time": lambda path: function(path, spec([1, 28, 28, 1]), answer=logits),
        "0 to 255": lambda path: function(path, spec([None, 784]), answer=lambda x: logits(x, 0, 255)),
        "-1 to 1": lambda path: function(path, spec([None, 784]), answer=lambda x: logits(x, -1, 1)),
        "all digits are 3": lambda path: function(path, spec([None, 784]), answer=lambda x: logits(x) * 0 + three),
        "dark ink": lambda path: function(path, spec([None, 784]), answer=lambda x: logits(x, 1, 0)),
    }


RANGES = {"0 to 255": "0,255", "-1 to 1": "-1,1", "dark ink": "1,0"}
"""MNIST_INPUT_RANGE of the kinds that need it."""


def bad_kinds() -> Kinds:
    """Give what writes a model of each kind that is refused, by its name."""
    import keras
    import tensorflow as tf

    def of_shape(shape: list[int | None], outputs: int = 10, dtype: Any = tf.float32) -> Callable[[Path], None]:
        def write(path: Path) -> None:
            module = tf.Module()
            module.f = tf.function(
                lambda x: {"y": tf.cast(tf.fill([tf.shape(x)[0], outputs], 0.1), dtype)},
                input_signature=[tf.TensorSpec(shape, name="photo")],
            )
            tf.saved_model.save(module, str(path), {"serving_default": module.f})

        return write

    def any_shape(path: Path) -> None:
        module = tf.Module()
        module.f = tf.function(
            lambda x: tf.fill([1, 8 + tf.cast(tf.reduce_max(x), tf.int32)], 0.1),
            input_signature=[tf.TensorSpec([None, 784])],
        )
        tf.saved_model.save(module, str(path), {"serving_default": module.f})

    def learning_phase(path: Path) -> None:
        v1 = tf.compat.v1
        with tf.Graph().as_default(), v1.Session() as session:
            x, training = v1.placeholder(tf.float32, [None, 784]), v1.placeholder(tf.bool, [], "learning_phase")
            y = tf.cond(training, lambda: x[:, :10] * 2, lambda: x[:, :10])
            v1.saved_model.simple_save(session, str(path), {"x": x}, {"y": y})

    def keras_saved(path: Path) -> None:
        model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, activation="softmax")])
        tf.saved_model.save(model, str(path))

    def without_variables(path: Path) -> None:
        good_kinds()["Keras 3, exported"](path)
        shutil.rmtree(path / "variables")

    def as_text(path: Path) -> None:
        of_shape([None, 784])(path)
        (path / "saved_model.pb").rename(path / "saved_model.pbtxt")

    def cut_off(path: Path) -> None:
        of_shape([None, 784])(path)
        content = (path / "saved_model.pb").read_bytes()
        (path / "saved_model.pb").write_bytes(content[: len(content) // 2])

    def two_tags(path: Path) -> None:
        builder = tf.compat.v1.saved_model.Builder(str(path))
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            builder.add_meta_graph_and_variables(session, ["train"])
            builder.add_meta_graph(["eval", "gpu"])
        builder.save()

    return {
        "colours": of_shape([None, 28, 28, 3]),
        "another size": of_shape([None, 32, 32, 1]),
        "letters": of_shape([None, 784], outputs=26),
        "classes": of_shape([None, 784], dtype=tf.int64),
        "a batch of 32": of_shape([32, 784]),
        "a placeholder beside the signature": learning_phase,
        "Keras 3, saved": keras_saved,
        "not fitting where it says any shape": any_shape,
        "without variables": without_variables,
        "text": as_text,
        "cut off": cut_off,
        "other tags": two_tags,
        "empty folder": lambda path: path.mkdir(),
    }


def make(folder: Path) -> None:
    """Write every kind to `FOLDER/KIND/1`."""
    for name, write in (good_kinds() | bad_kinds()).items():
        (folder / name).mkdir()
        write(folder / name / "1")


def read(folder: Path, library: str | None) -> None:
    """Print what the handler reads with every kind: right digits of the first 100, or why it does not start."""
    from mnist_infer.errors import MnistInferError
    from mnist_infer.hosting.platform import load_handler

    images, labels = mnist_digits()
    payloads = [{"image_base64": to_base64(encode(image))} for image in images[:READ]]
    results: dict[str, int | str] = {}
    log = io.StringIO()
    for path in sorted(folder.iterdir()):
        os.environ.update({"MNIST_MODEL_DIR": str(path)} | ({"MNIST_TENSORFLOW_DIR": library} if library else {}))
        os.environ.pop("MNIST_INPUT_RANGE", None)
        if path.name in RANGES:
            os.environ["MNIST_INPUT_RANGE"] = RANGES[path.name]
        try:
            with contextlib.redirect_stdout(log):
                handler = load_handler()
        except MnistInferError as error:
            results[path.name] = str(error)
            continue
        with contextlib.redirect_stdout(log):
            results[path.name] = sum(
                handler.demo(payload, {}) == int(label) for payload, label in zip(payloads, labels[:READ], strict=True)
            )
    print(json.dumps(results))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]))
    else:
        read(Path(sys.argv[2]), next(iter(sys.argv[3:]), None))
