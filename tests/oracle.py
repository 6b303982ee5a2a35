"""What TensorFlow's own Python package says, and models that break the contract.

Runs as a process of its own, `python -m tests.oracle FOLDER`: the tests themselves never import
TensorFlow, as the function does not.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from testbed.pictures import FIXTURES, MODEL_DIR, mnist_digits

v1 = tf.compat.v1


def main(folder: Path) -> None:
    """Write `probabilities.npy`, `config_*.bin` and `models/` to the folder."""
    x = np.asarray(mnist_digits()[0].reshape(-1, 784).astype(np.float32) / 255, np.float32)
    np.save(folder / "probabilities.npy", _predict(MODEL_DIR, x))
    for name, devices, threads in (("cpu", {"GPU": 0}, 300), ("any", {}, -1)):
        config = v1.ConfigProto(
            device_count=devices,
            intra_op_parallelism_threads=3,
            inter_op_parallelism_threads=threads,
            gpu_options=v1.GPUOptions(allow_growth=True),
            allow_soft_placement=True,
        )
        config.graph_options.place_pruned_graph = True
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        (folder / f"config_{name}.bin").write_bytes(config.SerializeToString())
    for name, graph in BROKEN_MODELS.items():
        _save(folder / "models" / name, graph)


def _predict(model: Path, x: NDArray[np.float32]) -> NDArray[np.float32]:
    with tf.Graph().as_default(), v1.Session() as session:
        v1.saved_model.load(session, ["serve"], str(model))
        probabilities: NDArray[np.float32] = session.run("y:0", {"x:0": x})
        return probabilities


def _x(dtype: tf.DType = tf.float32) -> tf.Tensor:
    return v1.placeholder(dtype, [None, 784], name="x")


def _fails_in_a_run() -> None:
    # The first run is of a stroke, which passes; a picture full of ink does not.
    x = _x()
    with tf.control_dependencies([v1.Assert(tf.reduce_mean(x) < 0.5, ["secret of the graph"])]):
        tf.identity(tf.fill([tf.shape(x)[0], 10], 0.1), name="y")


BROKEN_MODELS: dict[str, Callable[[], object]] = {
    "no_input": lambda: tf.fill([1, 10], 0.1, name="y"),
    "no_output": lambda: tf.reduce_sum(_x(), name="z"),
    "output_is_no_tensor": lambda: (_x(), tf.no_op(name="y")),
    "input_int64": lambda: tf.cast(_x(tf.int64)[:, :10], tf.float32, name="y"),
    "output_int64": lambda: tf.argmax(_x(), 1, name="y"),
    "nine_classes": lambda: tf.nn.softmax(_x()[:, :9], name="y"),
    "not_numbers": lambda: tf.math.log(_x()[:, :10] - 1, name="y"),
    "fails_in_a_run": _fails_in_a_run,
}


def _save(folder: Path, graph: Callable[[], object]) -> None:
    with tf.Graph().as_default(), v1.Session() as session:
        graph()
        builder = v1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(session, ["serve"])
        builder.save()


if __name__ == "__main__":
    assert FIXTURES.is_dir()
    main(Path(sys.argv[1]))
