"""What the file of a SavedModel says about it, read without TensorFlow: tags, signatures, operations.

A walk over protobuf's wire format. Field numbers are those of TensorFlow's `saved_model.proto`, `meta_graph.proto`,
`tensor_shape.proto`, `saver.proto`, `graph.proto`, `function.proto`, `op_def.proto`, `node_def.proto` and
`attr_value.proto`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from mnist_infer.errors import ModelUnavailable

_META_GRAPHS = 2
_INFO, _TAGS, _GRAPH, _SAVER, _COLLECTIONS, _SIGNATURES = 1, 4, 2, 3, 4, 5
_KEY, _VALUE = 1, 2  # of an entry of a map
_INPUTS, _OUTPUTS = 1, 2
_NAME, _DTYPE, _SHAPE, _DIMENSIONS, _SIZE, _UNKNOWN_RANK = 1, 2, 3, 2, 1, 3
_NODES, _OPERATION, _NODE_INPUTS, _ATTRIBUTES = 1, 2, 3, 5
_LIBRARY, _FUNCTIONS, _FUNCTION_SIGNATURE, _FUNCTION_NAME, _FUNCTION_NODES = 2, 1, 1, 1, 3
_FUNCTION_ATTRIBUTE, _FUNCTIONS_ATTRIBUTE = (_ATTRIBUTES, _VALUE, 10, 1), (_ATTRIBUTES, _VALUE, 1, 9, 1)
_RESTORE, _NODE_LIST = 3, 1  # of the saver, and of a collection
_RUN_AT_LOADING = ("saved_model_main_op", "legacy_init_op")
"""Collections, by the names in TensorFlow's `cc/saved_model/constants.h`."""
_VARINT, _64_BITS, _BYTES, _32_BITS = 0, 1, 2, 5
_FIXED_SIZES = {_64_BITS: 8, _32_BITS: 4}


class Tensor(NamedTuple):
    """An input or output of a signature.

    Attributes:
        name: in the graph, as `serving_default_x:0`; empty where it is not one dense tensor.
        dtype: number of its type in TensorFlow's `types.proto`.
        shape: -1 is a dimension of any size; None is a shape of any rank.
    """

    name: str
    dtype: int
    shape: tuple[int, ...] | None


class Signature(NamedTuple):
    """What a caller may ask of a graph: tensors by the names that the signature has for them."""

    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]


class MetaGraph(NamedTuple):
    """One graph of a SavedModel, and how it may be asked."""

    tags: tuple[str, ...]
    signatures: dict[str, Signature]


def read_meta_graphs(folder: Path) -> list[MetaGraph]:
    """Return the graphs of a SavedModel, in the file's order.

    Raises:
        ModelUnavailable: the folder has no `saved_model.pb`, or a damaged one.
    """
    with _content(folder) as content:
        return [_meta_graph(graph) for graph in _all(content, _META_GRAPHS)]


def operations_of(folder: Path) -> set[str]:
    """Return the operations that loading a SavedModel and asking its signatures, or for `y`, comes to.

    A graph may have many more, such as those of its training: no kernels are needed for them, see `session_config`.
    Of a function that is called all operations count.

    Raises:
        ModelUnavailable: the folder has no `saved_model.pb`, or a damaged one.
    """
    with _content(folder) as content:
        return set[str]().union(*map(_operations, _all(content, _META_GRAPHS)))


def _operations(meta_graph: memoryview) -> set[str]:
    bodies = {
        _text(function, _FUNCTION_SIGNATURE, _FUNCTION_NAME): list(_all(function, _FUNCTION_NODES))
        for function in _all(meta_graph, _GRAPH, _LIBRARY, _FUNCTIONS)
    }
    functions, operations, nodes = set(bodies), set[str](), _needed_nodes(meta_graph)
    for node in nodes:  # those of called functions are appended
        operation = _text(node, _OPERATION)
        operations.add(operation)
        for name in (operation, *_texts(node, *_FUNCTION_ATTRIBUTE), *_texts(node, *_FUNCTIONS_ATTRIBUTE)):
            nodes += bodies.pop(name, ())
    return operations - functions


def _needed_nodes(meta_graph: memoryview) -> list[memoryview]:
    """Return the nodes of the graph itself that lead from what is fed to what is run."""
    left = {_text(node, _NAME): node for node in _all(meta_graph, _GRAPH, _NODES)}
    inputs, outputs = (_texts(meta_graph, _SIGNATURES, _VALUE, field, _VALUE, _NAME) for field in (_INPUTS, _OUTPUTS))
    fed = {"x", *map(_node_of, inputs)}
    wanted = {"y", *outputs, *_texts(meta_graph, _SAVER, _RESTORE)}
    for collection in _all(meta_graph, _COLLECTIONS):
        if _text(collection, _KEY) in _RUN_AT_LOADING:
            wanted.update(_texts(collection, _VALUE, _NODE_LIST, _KEY))
    needed = list[memoryview]()
    while wanted:
        name = _node_of(wanted.pop())
        if node := left.pop(name, None):
            needed.append(node)
            wanted.update(_texts(node, _NODE_INPUTS) if name not in fed else ())
    return needed


def _node_of(tensor: str) -> str:
    """The node's name in a tensor's, `dense/MatMul:0`, or in a control input, `^init`."""
    return tensor.removeprefix("^").partition(":")[0]


@contextmanager
def _content(folder: Path) -> Iterator[memoryview]:
    path = folder / "saved_model.pb"
    try:
        content = path.read_bytes()
    except OSError as error:
        if path.with_suffix(".pbtxt").exists():
            advice = "has saved_model.pbtxt, which is text: save the model in binary form, as saved_model.pb"
            raise ModelUnavailable(f"{folder} {advice}") from error
        raise ModelUnavailable(f"{folder} has no saved_model.pb") from error
    try:
        yield memoryview(content)
    except (LookupError, ValueError) as error:
        raise ModelUnavailable(f"{path} is damaged, or no SavedModel") from error


def _meta_graph(message: memoryview) -> MetaGraph:
    signatures = {_text(entry, _KEY): _signature(entry) for entry in _all(message, _SIGNATURES)}
    return MetaGraph(tuple(map(_text, _all(message, _INFO, _TAGS))), signatures)


def _signature(entry: memoryview) -> Signature:
    inputs, outputs = (
        {_text(tensor, _KEY): _tensor(tensor) for tensor in _all(entry, _VALUE, field)} for field in (_INPUTS, _OUTPUTS)
    )
    return Signature(inputs, outputs)


def _tensor(entry: memoryview) -> Tensor:
    dtype, shape = 0, list[int]()
    for info in _all(entry, _VALUE):
        dtype = next(_numbers(info, _DTYPE), 0)
        is_of_any_rank = any(unknown for known in _all(info, _SHAPE) for unknown in _numbers(known, _UNKNOWN_RANK))
        shape = [next(_numbers(dimension, _SIZE), 0) for dimension in _all(info, _SHAPE, _DIMENSIONS)]
    return Tensor(_text(entry, _VALUE, _NAME), dtype, None if is_of_any_rank else tuple(shape))


def _text(message: memoryview, *path: int) -> str:
    """The text at a path of field numbers; empty where there is none, as protobuf has it."""
    return next(_texts(message, *path), "")


def _texts(message: memoryview, *path: int) -> Iterator[str]:
    """Yield the texts at a path of field numbers."""
    return (bytes(text).decode() for text in _all(message, *path))


def _all(message: memoryview, *path: int) -> Iterator[memoryview]:
    """Yield the fields at a path of field numbers that hold bytes: text, or a message."""
    if not path:
        yield message
        return
    for number, value in _fields(message):
        if number == path[0] and isinstance(value, memoryview):
            yield from _all(value, *path[1:])


def _numbers(message: memoryview, field: int) -> Iterator[int]:
    """Yield the integers of a field; a negative one is written as its two's complement."""
    for number, value in _fields(message):
        if number == field and isinstance(value, int):
            yield value - 2**64 if value >= 2**63 else value


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield each field's number and value: an integer, or bytes.

    Raises:
        IndexError, ValueError: the message is damaged.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        size, at = _varint(message, at) if kind == _BYTES else (_FIXED_SIZES[kind], at)
        if at + size > len(message):
            raise ValueError("a field reaches behind its message")
        yield key >> 3, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return the number that begins at a place, and the place behind it."""
    value = shift = 0
    while message[at] & 0x80:
        value |= (message[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return value | message[at] << shift, at + 1
