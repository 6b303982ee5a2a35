"""Make one small graph for each operation, data type and shape: `python -m tests.verify_relink.graphs FOLDER`.

A process of its own, with TensorFlow's Python package. Each graph has an input x, of any shape and type, and
an output y; `inputs.npz` has what is put into x.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

v1, raw = tf.compat.v1, tf.raw_ops
FLOATS = ("float32", "float64", "float16", "bfloat16")
NUMBERS = (*FLOATS, "int32", "int64")
Build = Callable[[tf.Tensor], tf.Tensor]

# By operation: the data types, the shapes of x, and what y is.
_UNARY = {
    "Relu": NUMBERS, "Relu6": NUMBERS, "Elu": FLOATS, "Selu": FLOATS, "Tanh": FLOATS, "Sigmoid": FLOATS,
    "Softplus": FLOATS, "Neg": NUMBERS, "Square": NUMBERS, "Sqrt": FLOATS, "Rsqrt": FLOATS, "Exp": FLOATS,
    "Log": FLOATS, "Floor": FLOATS, "Abs": NUMBERS, "ZerosLike": NUMBERS, "OnesLike": NUMBERS,
}  # fmt: skip
_BINARY = {
    **dict.fromkeys(("Add", "AddV2", "Sub", "Mul", "Maximum", "Minimum", "SquaredDifference"), NUMBERS),
    **dict.fromkeys(("Equal", "Greater", "GreaterEqual", "Less"), NUMBERS),
    "RealDiv": FLOATS, "Div": NUMBERS, "Pow": ("float32", "float64", "int32"),
}  # fmt: skip
_REDUCTIONS = ("Mean", "Sum", "Max", "Min", "Prod")


def cases() -> Iterator[tuple[str, str, tuple[int, ...], Build]]:
    """Yield the operation, the type and shape of x, and what makes y of it."""
    for name, types in _UNARY.items():
        attribute = "features" if name in ("Relu", "Relu6", "Elu", "Selu", "Softplus") else "x"
        for dtype in types:
            for shape in ((7,), (3, 5, 16)):
                yield name, dtype, shape, lambda x, n=name, a=attribute: getattr(raw, n)(**{a: x})
    for name, types in _BINARY.items():
        for dtype in types:
            yield name, dtype, (4, 9), lambda x, n=name: getattr(raw, n)(x=x, y=x[:1] + 1)
            yield name, dtype, (33,), lambda x, n=name: getattr(raw, n)(x=x, y=x[::-1])
    for name in _REDUCTIONS:
        for dtype in NUMBERS:
            for axes in ([0], [1, 2], [0, 1, 2]):
                yield name, dtype, (4, 5, 6), lambda x, n=name, a=axes: getattr(raw, n)(input=x, axis=a)
    for dtype in NUMBERS:
        yield from _of_shapes(dtype)
    for dtype in FLOATS:
        yield from _of_layers(dtype)
    yield from _others()


def _of_shapes(dtype: str) -> Iterator[tuple[str, str, tuple[int, ...], Build]]:
    shape = (4, 6, 2)
    yield "Reshape", dtype, shape, lambda x: tf.reshape(x, [8, -1])
    yield "Shape", dtype, shape, lambda x: tf.shape(x)
    yield "StridedSlice", dtype, shape, lambda x: x[1:, ::2, -1]
    yield "Slice", dtype, shape, lambda x: tf.slice(x, [0, 1, 0], [2, 3, 2])
    yield "Squeeze", dtype, (4, 1, 2), lambda x: raw.Squeeze(input=x)
    yield "ExpandDims", dtype, shape, lambda x: tf.expand_dims(x, 1)
    yield "Pad", dtype, shape, lambda x: raw.Pad(input=x, paddings=[[1, 0], [2, 1], [0, 0]])
    yield (
        "PadV2",
        dtype,
        shape,
        lambda x: raw.PadV2(input=x, paddings=[[1, 0], [2, 1], [0, 0]], constant_values=x[0, 0, 0]),
    )
    yield "Transpose", dtype, shape, lambda x: tf.transpose(x, [2, 0, 1])
    yield "Concat", dtype, shape, lambda x: raw.Concat(concat_dim=1, values=[x, x])
    yield "ConcatV2", dtype, shape, lambda x: tf.concat([x, x[:, :2]], 1)
    yield "Pack", dtype, shape, lambda x: tf.stack([x, x], 1)
    yield "Unpack", dtype, shape, lambda x: tf.unstack(x, axis=1)[2]
    yield "Split", dtype, shape, lambda x: tf.split(x, 2, 1)[1]
    yield "SplitV", dtype, shape, lambda x: tf.split(x, [1, 5], 1)[1]
    yield "Tile", dtype, shape, lambda x: tf.tile(x, [1, 2, 3])
    yield "Fill", dtype, shape, lambda x: tf.fill([2, 3], x[0, 0, 0])
    yield "GatherV2", dtype, shape, lambda x: tf.gather(x, [2, 0, 2])
    yield "Gather", dtype, shape, lambda x: raw.Gather(params=x, indices=[2, 0, 2])
    yield "Size", dtype, shape, lambda x: tf.size(x)
    yield "Rank", dtype, shape, lambda x: raw.Rank(input=x)
    yield "Identity", dtype, shape, lambda x: tf.identity(x)
    yield "IdentityN", dtype, shape, lambda x: tf.identity_n([x, x])[1]
    yield "StopGradient", dtype, shape, lambda x: tf.stop_gradient(x)
    yield "PlaceholderWithDefault", dtype, shape, lambda x: v1.placeholder_with_default(x, shape)
    yield "AddN", dtype, shape, lambda x: tf.add_n([x, x, x])
    yield "ArgMax", dtype, shape, lambda x: tf.argmax(x, 1)
    yield "ArgMin", dtype, shape, lambda x: tf.argmin(x, 1)
    yield "TopKV2", dtype, shape, lambda x: tf.math.top_k(x[0], 2)[0]
    yield "Select", dtype, shape, lambda x: raw.Select(condition=x > x[0, 0, 0], x=x, y=-x)
    yield "SelectV2", dtype, shape, lambda x: tf.where(x > x[0, 0, 0], x, -x)
    yield "OneHot", dtype, (9,), lambda x: tf.one_hot(tf.cast(x, tf.int32), 5, dtype=x.dtype)
    yield "SpaceToBatchND", dtype, (1, 4, 6, 2), lambda x: tf.space_to_batch(x, [2, 2], [[0, 0], [0, 0]])
    yield "BatchToSpaceND", dtype, (4, 4, 6, 2), lambda x: tf.batch_to_space(x, [2, 2], [[0, 0], [0, 0]])
    for other in NUMBERS:
        yield "Cast", dtype, (17,), lambda x, o=other: tf.cast(x, o)


def _of_layers(dtype: str) -> Iterator[tuple[str, str, tuple[int, ...], Build]]:
    def weights(shape: tuple[int, ...]) -> tf.Tensor:
        return tf.constant(np.random.default_rng(7).normal(size=shape), dtype)

    for strides, padding, side in ((1, "SAME", 3), (2, "VALID", 5), (1, "VALID", 1)):
        parts = {"strides": [1, strides, strides, 1], "padding": padding}
        kernel = (side, side, 3, 8)
        yield "Conv2D", dtype, (2, 12, 12, 3), lambda x, k=kernel, p=parts: raw.Conv2D(input=x, filter=weights(k), **p)
        yield (
            "DepthwiseConv2dNative",
            dtype,
            (2, 12, 12, 3),
            lambda x, k=kernel, p=parts: raw.DepthwiseConv2dNative(input=x, filter=weights((*k[:3], 2)), **p),
        )
        window = {"ksize": [1, side, side, 1], **parts}
        yield "MaxPool", dtype, (2, 12, 12, 3), lambda x, w=window: raw.MaxPool(input=x, **w)
        yield "AvgPool", dtype, (2, 12, 12, 3), lambda x, w=window: raw.AvgPool(value=x, **w)
    yield "BiasAdd", dtype, (2, 5, 6), lambda x: tf.nn.bias_add(x, weights((6,)))
    yield "BiasAddV1", dtype, (2, 6), lambda x: raw.BiasAddV1(value=x, bias=weights((6,)))
    for rows in (1, 33):
        yield "MatMul", dtype, (rows, 48), lambda x: tf.matmul(x, weights((48, 10)))
    yield "BatchMatMul", dtype, (2, 5, 6), lambda x: raw.BatchMatMul(x=x, y=weights((2, 6, 4)))
    yield "BatchMatMulV2", dtype, (2, 5, 6), lambda x: raw.BatchMatMulV2(x=x, y=weights((6, 4)))
    yield "Softmax", dtype, (3, 10), lambda x: tf.nn.softmax(x)
    yield "LogSoftmax", dtype, (3, 10), lambda x: tf.nn.log_softmax(x)
    yield "LeakyRelu", dtype, (3, 10), lambda x: tf.nn.leaky_relu(x)
    if dtype in ("float32", "float16", "bfloat16"):
        yield "LRN", dtype, (2, 5, 5, 8), lambda x: raw.LRN(input=x)
        yield (
            "FusedBatchNormV3",
            dtype,
            (2, 6, 6, 3),
            lambda x: raw.FusedBatchNormV3(
                x=x,
                scale=tf.ones([3]),
                offset=tf.zeros([3]),
                mean=tf.fill([3], 0.1),
                variance=tf.ones([3]),
                is_training=False,
            )[0],
        )


def _others() -> Iterator[tuple[str, str, tuple[int, ...], Build]]:
    yield "All", "float32", (4, 5), lambda x: tf.reduce_all(x > 0, 1)
    yield "Any", "float32", (4, 5), lambda x: tf.reduce_any(x > 0, 1)
    yield "LogicalAnd", "float32", (4, 5), lambda x: (x > 0) & (x < 1)
    yield "LogicalNot", "float32", (4, 5), lambda x: ~(x > 0)
    yield "Range", "float32", (1,), lambda x: tf.range(x[0], x[0] + 5)
    yield (
        "FusedBatchNorm",
        "float32",
        (2, 6, 6, 3),
        lambda x: raw.FusedBatchNorm(
            x=x, scale=[1.0] * 3, offset=[0.0] * 3, mean=[0.1] * 3, variance=[1.0] * 3, is_training=False
        )[0],
    )
    yield "If", "float32", (4,), lambda x: tf.cond(x[0] > 0, lambda: x * 2, lambda: x - 1)
    yield "While", "float32", (4,), lambda x: tf.while_loop(lambda y: tf.reduce_sum(y) < 99, lambda y: [y + 3], [x])[0]
    yield "PartitionedCall", "float32", (4,), lambda x: tf.function(lambda y: y * 2 + 1)(x)
    yield "Assert", "float32", (4,), _asserted
    yield "RandomUniform", "float32", (4,), lambda x: x * 0 + tf.random.uniform([4], seed=7)
    yield "RandomStandardNormal", "float32", (4,), lambda x: x * 0 + tf.random.normal([4], seed=7)
    yield "TruncatedNormal", "float32", (4,), lambda x: x * 0 + tf.random.truncated_normal([4], seed=7)
    yield (
        "VariableV2",
        "float32",
        (4,),
        lambda x: x + v1.get_variable("v", [4], use_resource=False, initializer=v1.ones_initializer()),
    )
    yield (
        "VarHandleOp",
        "float32",
        (4,),
        lambda x: x + v1.get_variable("w", [4], use_resource=True, initializer=v1.ones_initializer()),
    )
    yield "Digamma", "float32", (4, 5), tf.math.digamma  # not in the list: must be refused


def _asserted(x: tf.Tensor) -> tf.Tensor:
    with tf.control_dependencies([v1.Assert(tf.reduce_sum(x) > 99, ["too dark"])]):
        return tf.identity(x)


def main(folder: Path) -> None:
    """Write the graphs, and what is put into them."""
    inputs, random = {}, np.random.default_rng(11)
    for number, (name, dtype, shape, build) in enumerate(cases()):
        case = f"{number:03}_{name}_{dtype}"
        v1.reset_default_graph()
        with tf.Graph().as_default(), v1.Session() as session:
            v1.set_random_seed(5)
            x = v1.placeholder(dtype, shape, name="x")
            tf.identity(build(x), name="y")
            if v1.global_variables():
                session.run(v1.global_variables_initializer())
            builder = v1.saved_model.Builder(str(folder / case))
            builder.add_meta_graph_and_variables(session, ["serve"])
            builder.save()
        values = random.normal(size=shape) * 2 if dtype in FLOATS else random.integers(1, 6, shape)
        inputs[case] = np.frombuffer(values.astype(tf.as_dtype(dtype).as_numpy_dtype).tobytes(), np.uint8)
        inputs[f"{case}:"] = np.array([tf.as_dtype(dtype).as_datatype_enum, *shape])
    np.savez(folder / "inputs.npz", allow_pickle=False, **inputs)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
