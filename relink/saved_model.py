"""Which operations a SavedModel has, without TensorFlow: a walk over its protobuf messages.

Field numbers are those of TensorFlow's `saved_model.proto`, `meta_graph.proto`, `graph.proto`, `function.proto`,
`op_def.proto` and `node_def.proto`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from relink.elf import RelinkError

_META_GRAPHS, _GRAPH, _NODES, _LIBRARY, _FUNCTIONS, _SIGNATURE, _FUNCTION_NODES = 2, 2, 1, 2, 1, 1, 3
_NAME_OF_SIGNATURE, _OPERATION = 1, 2
_VARINT, _64_BITS, _BYTES, _32_BITS = 0, 1, 2, 5


def operations_of(saved_model: Path) -> set[str]:
    """Return the operations of a SavedModel's graphs and functions, without the functions themselves.

    Args:
        saved_model: its folder.

    Raises:
        RelinkError: `saved_model.pb` is damaged.
        OSError: it cannot be read.
    """
    path = saved_model / "saved_model.pb"
    operations: set[str] = set()
    functions: set[str] = set()
    try:
        for graph in _all(path.read_bytes(), _META_GRAPHS, _GRAPH):
            operations |= {name.decode() for name in _all(graph, _NODES, _OPERATION)}
            for function in _all(graph, _LIBRARY, _FUNCTIONS):
                functions |= {name.decode() for name in _all(function, _SIGNATURE, _NAME_OF_SIGNATURE)}
                operations |= {name.decode() for name in _all(function, _FUNCTION_NODES, _OPERATION)}
    except (LookupError, ValueError) as error:
        raise RelinkError(f"{path} is no SavedModel") from error
    return operations - functions


def _all(message: bytes, *path: int) -> Iterator[bytes]:
    """Yield the fields at a path of field numbers that hold bytes: text, or a message."""
    if not path:
        yield message
        return
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == _VARINT:
            _, at = _varint(message, at)
            continue
        sizes = {_64_BITS: 8, _32_BITS: 4}
        size, at = _varint(message, at) if kind == _BYTES else (sizes[kind], at)
        if at + size > len(message):
            raise ValueError("a field reaches behind its message")
        if kind == _BYTES and key >> 3 == path[0]:
            yield from _all(message[at : at + size], *path[1:])
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at a place, and the place behind it."""
    value = shift = 0
    while message[at] & 0x80:
        value |= (message[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return value | message[at] << shift, at + 1
