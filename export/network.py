"""The network: as Keras trains it, and as the plain graph that is exported."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.protobuf import saved_model_pb2

# Filters of the 3x3 convolutions between one halving of the picture and the next: 28x28, 14x14, 7x7.
STAGES = ((16, 16), (32, 32, 32), (96, 96))
CLASSES = 10


class Layer(NamedTuple):
    """What a layer has learnt: kernel [3, 3, in, out] or [in, out], bias [out]."""

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]


def build_model(stages: Sequence[Sequence[int]] = STAGES) -> tf.keras.Model:
    """Return the untrained network: float32 [n, 28, 28, 1] in 0..1 to logits [n, 10].

    Args:
        stages: see `STAGES`.
    """
    layers: list[tf.keras.layers.Layer] = []
    for stage in stages:
        if layers:
            layers.append(tf.keras.layers.MaxPooling2D())
        layers += [
            tf.keras.layers.Conv2D(filters, 3, padding="same", activation="relu", kernel_initializer="he_normal")
            for filters in stage
        ]
    layers += [tf.keras.layers.GlobalAveragePooling2D(), tf.keras.layers.Dropout(0.2)]
    layers.append(tf.keras.layers.Dense(CLASSES))
    model = tf.keras.Sequential(layers)
    model.build((None, 28, 28, 1))
    return model


def count_multiply_adds() -> int:
    """Return how many multiplications, each with an addition, one picture takes."""
    side, channels, total = 28, 1, 0
    for stage in STAGES:
        for filters in stage:
            total += side * side * 9 * channels * filters
            channels = filters
        side //= 2
    return total + channels * CLASSES


def trained_layers(model: tf.keras.Model) -> list[Layer]:
    """Return what a network's layers have learnt."""
    return [Layer(*layer.get_weights()) for layer in model.layers if layer.weights]


def set_layers(model: tf.keras.Model, layers: Sequence[Layer]) -> None:
    """Give a network what another one has learnt."""
    for layer, learnt in zip((layer for layer in model.layers if layer.weights), layers, strict=True):
        layer.set_weights(list(learnt))


def read_layers(saved_model: Path) -> list[Layer]:
    """Return the layers of an exported network, from the constants in its graph.

    Args:
        saved_model: its file, `saved_model.pb`.
    """
    content = saved_model_pb2.SavedModel.FromString(saved_model.read_bytes())
    nodes = {node.name: node for node in content.meta_graphs[0].graph_def.node}

    def constant(name: str) -> NDArray[np.float32]:
        return np.asarray(tf.make_ndarray(nodes[name].attr["value"].tensor), np.float32)

    kernels = [node.input[1] for node in nodes.values() if node.op in ("Conv2D", "MatMul")]
    biases = [node.input[1] for node in nodes.values() if node.op == "BiasAdd"]
    return [Layer(constant(kernel), constant(bias)) for kernel, bias in zip(kernels, biases, strict=True)]


def average_layers(before: Sequence[Layer], after: Sequence[Layer], share: float) -> list[Layer]:
    """Return the weighted mean of two networks of which one was trained on from the other.

    Args:
        before: the layers of the first network.
        after: those of the second.
        share: of the second network in the mean, 0 to 1.
    """
    return [
        Layer(
            (1 - share) * first.kernel + share * second.kernel,
            (1 - share) * first.bias + share * second.bias,
        )
        for first, second in zip(before, after, strict=True)
    ]


def inference_graph(x: tf.Tensor, layers: Sequence[Layer]) -> tf.Tensor:
    """Add the network to the current graph: float32 [n, 784] to the logits, float32 [n, 10].

    Kernels and biases become constants: one file to read, and nothing to restore or to look up in
    a run. Beside variables that saves 10 to 17 ms of a cold start and a tenth of a prediction.
    """
    remaining = iter(layers)
    features = tf.reshape(x, [-1, 28, 28, 1])
    for i, stage in enumerate(STAGES):
        if i:
            features = tf.nn.max_pool2d(features, 2, 2, "VALID")
        for _ in stage:
            kernel, bias = next(remaining)
            features = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(features, kernel, 1, "SAME"), bias))
    kernel, bias = next(remaining)
    return tf.nn.bias_add(tf.matmul(tf.reduce_mean(features, [1, 2]), kernel), bias)
