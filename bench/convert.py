"""The served network for the peers' runtimes: `python -m bench.convert tflite|onnx TARGET`, a process of its own.

Both are made from the same SavedModel; `peers` holds what they answer against this function's answers.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from mnist_infer.config import load_settings
from mnist_infer.versions import find_version

v1 = tf.compat.v1


def main() -> None:
    """Write one file."""
    kind, target = sys.argv[1], Path(sys.argv[2])
    settings = load_settings()
    with v1.Session(graph=tf.Graph()) as session:
        v1.saved_model.loader.load(session, ["serve"], str(find_version(settings.model_dir, settings.model_version)))
        target.write_bytes({"tflite": _to_tflite, "onnx": _to_onnx}[kind](session))


def _to_tflite(session: Any) -> bytes:
    tensors = [session.graph.get_tensor_by_name(name) for name in ("x:0", "y:0")]
    content = v1.lite.TFLiteConverter.from_session(session, tensors[:1], tensors[1:]).convert()
    return bytes(content)


class _Step(NamedTuple):
    """A node of the ONNX graph: its operation, the constants after its first input, and its attributes."""

    operation: str
    constants: list[Any]
    attributes: dict[str, Any]


def _to_onnx(session: Any) -> bytes:
    """Return the network as ONNX has it: pictures as [n, channel, row, column], kernels as [out, in, row, column]."""
    from onnx import TensorProto, checker, helper, numpy_helper

    nodes, initializers, last = [], [], "x"
    for number, step in enumerate(_steps(session.graph.get_tensor_by_name("y:0").op)):
        names = [f"constant_{number}_{i}" for i in range(len(step.constants))]
        initializers += [
            numpy_helper.from_array(value, name) for value, name in zip(step.constants, names, strict=True)
        ]
        output = f"step_{number}"
        nodes.append(helper.make_node(step.operation, [last, *names], [output], **step.attributes))
        last = output
    nodes[-1].output[0] = "y"
    ports = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size]) for name, size in (("x", 784), ("y", 10))
    ]
    graph = helper.make_graph(nodes, "digits", ports[:1], ports[1:], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _steps(last: Any) -> list[_Step]:
    """Return the operations of a graph without branches, from its input to `last`; a bias joins what it is added to."""
    chain = [last]
    while chain[-1].inputs[:1]:
        chain.append(chain[-1].inputs[0].op)
    steps: list[_Step] = []
    for operation in reversed(chain):
        constants = [tf.get_static_value(tensor) for tensor in operation.inputs[1:]]
        if operation.type == "BiasAdd":
            steps[-1].constants.append(constants[0])
        elif operation.type in _CONVERTERS:
            steps.append(_CONVERTERS[operation.type](operation, constants))
        elif operation.type not in ("Placeholder", "Identity"):
            raise SystemExit(f"no ONNX is known for the operation {operation.type}")
    return steps


def _reshape(_: Any, constants: list[Any]) -> _Step:
    rows, columns, channels = constants[0][1:]
    return _Step("Reshape", [np.array([-1, channels, rows, columns], np.int64)], {})  # one channel: no order to change


def _conv(operation: Any, constants: list[Any]) -> _Step:
    strides = list(operation.get_attr("strides"))[1:3]
    padding = {b"SAME": "SAME_UPPER", b"VALID": "VALID"}[operation.get_attr("padding")]
    return _Step("Conv", [constants[0].transpose(3, 2, 0, 1)], {"strides": strides, "auto_pad": padding})


def _max_pool(operation: Any, _: list[Any]) -> _Step:
    sides = {
        "kernel_shape": list(operation.get_attr("ksize"))[1:3],
        "strides": list(operation.get_attr("strides"))[1:3],
    }
    return _Step("MaxPool", [], sides)


def _mean(_: Any, constants: list[Any]) -> _Step:
    axes = [{1: 2, 2: 3}[axis] for axis in constants[0].tolist()]
    return _Step("ReduceMean", [], {"axes": axes, "keepdims": 0})


_CONVERTERS: dict[str, Callable[[Any, list[Any]], _Step]] = {
    "Reshape": _reshape,
    "Conv2D": _conv,
    "MaxPool": _max_pool,
    "Mean": _mean,
    "Relu": lambda *_: _Step("Relu", [], {}),
    "MatMul": lambda _, constants: _Step("Gemm", constants, {}),
    "Softmax": lambda *_: _Step("Softmax", [], {"axis": 1}),
}


if __name__ == "__main__":
    main()
