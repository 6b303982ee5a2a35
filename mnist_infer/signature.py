"""How a digit model is asked, found in its SavedModel: which tensors take a picture and give ten numbers.

The signature `serving_default` comes first, then the others by name. One fits that has exactly one input, of floats or
uint8, whose dimensions after the first multiply to the 784 pixels of a picture, and a float output of ten numbers for
each picture. Where none fits, the tensors are `x:0` and `y:0`: graphs of TensorFlow 1 may have no signature at all.
"""

import math
from collections.abc import Sequence
from itertools import starmap
from pathlib import Path
from typing import NamedTuple

from mnist_infer.errors import ModelUnavailable
from mnist_infer.saved_model import MetaGraph, Signature, Tensor, read_meta_graphs

PIXELS = 784
DIGITS = 10

_FLOATS = {1: "float32", 2: "float64", 19: "float16"}
_PICTURES = _FLOATS | {4: "uint8"}
_TYPES = _PICTURES | {3: "int32", 7: "string", 9: "int64", 10: "bool"}
"""Types by their numbers in TensorFlow's `types.proto`: of probabilities, of pictures, and others to tell of."""

_SERVE = "serve"
_USUAL = ((PIXELS,), (28, 28), (28, 28, 1), (1, 28, 28))
"""Shapes of a picture, where a signature leaves some of its dimensions open."""


class Interface(NamedTuple):
    """How a model is asked.

    Attributes:
        tags: of its graph.
        input: the tensor that takes pictures, as `x:0`.
        picture_shape: of one picture in it; the product is 784.
        takes_many: whether it takes several pictures at a time.
        outputs: the tensors that may give ten numbers for each picture, in the order of their names.
        others: the signatures that there are, in words, where none fits.
    """

    tags: tuple[str, ...]
    input: str
    picture_shape: tuple[int, ...]
    takes_many: bool
    outputs: tuple[str, ...]
    others: str = ""


def read_interface(model: Path) -> Interface:
    """Return how the SavedModel in a folder is asked.

    Raises:
        ModelUnavailable: the folder has no SavedModel, or one of several graphs, none of which has the one tag `serve`.
    """
    graph = _served(model)
    signatures = sorted(graph.signatures.items(), key=lambda item: (item[0] != "serving_default", item[0]))
    for _, signature in signatures:
        if (shape := _picture_shape(signature)) and (outputs := _outputs(signature)):
            (picture,) = signature.inputs.values()
            return Interface(graph.tags, picture.name, shape[1:], shape[0] == -1, outputs)
    others = "; ".join(f"{name}: {_in_words(each)}" for name, each in signatures if not name.startswith("__"))
    return Interface(graph.tags, "x:0", (PIXELS,), True, ("y:0",), others or "none")


def _served(model: Path) -> MetaGraph:
    graphs = read_meta_graphs(model)
    tagged = [graph for graph in graphs if graph.tags == (_SERVE,)]
    if tagged or len(graphs) == 1:
        return (tagged or graphs)[0]
    tags = "; ".join("+".join(graph.tags) or "no tag" for graph in graphs) or "no graph"
    raise ModelUnavailable(f"{model} has no graph with the one tag `{_SERVE}`: {tags}")


def _picture_shape(signature: Signature) -> tuple[int, ...] | None:
    """The shape of a signature's one input, the first dimension -1 or 1; None where it takes no picture."""
    if len(signature.inputs) != 1:
        return None
    (tensor,) = signature.inputs.values()
    if not tensor.name or not tensor.shape or tensor.dtype not in _PICTURES or tensor.shape[0] not in (-1, 1):
        return None
    first, *rest = tensor.shape
    if -1 not in rest:
        return tensor.shape if math.prod(rest) == PIXELS else None
    return next(((first, *usual) for usual in _USUAL if _may_be(rest, usual)), None)


def _outputs(signature: Signature) -> tuple[str, ...]:
    return tuple(
        tensor.name
        for _, tensor in sorted(signature.outputs.items())
        if tensor.name and tensor.dtype in _FLOATS and (tensor.shape is None or _may_be(tensor.shape[1:], (DIGITS,)))
    )


def _may_be(shape: Sequence[int], wanted: Sequence[int]) -> bool:
    return len(shape) == len(wanted) and all(one in (-1, other) for one, other in zip(shape, wanted, strict=True))


def _in_words(signature: Signature) -> str:
    inputs, outputs = (", ".join(starmap(_tensor_in_words, side.items())) or "nothing" for side in signature)
    return f"{inputs} -> {outputs}"


def _tensor_in_words(name: str, tensor: Tensor) -> str:
    dtype = _TYPES.get(tensor.dtype, f"type {tensor.dtype}")
    if tensor.shape is None:
        return f"{name} {dtype} of any shape"
    return f"{name} {dtype} [{', '.join('?' if size < 0 else str(size) for size in tensor.shape)}]"
