"""The parts of a library: what can be kept or dropped as one.

These are functions, objects, the slots of the GOT and of .init_array, the stubs of the PLT, and whatever
stands between symbols.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relink.elf import (
    R_X86_64_DTPMOD64,
    SHF_ALLOC,
    SHF_TLS,
    SHT_NOBITS,
    STT_FUNC,
    STT_OBJECT,
    Range,
    SharedLibrary,
    kind_of,
)
from relink.front import TABLES

_SLOTS = (".got", ".got.plt", ".init_array", ".fini_array")
_APART = (".eh_frame_hdr", ".eh_frame", ".gcc_except_table", ".dynamic", ".relro_padding")

Array = NDArray[np.int64]


class Nodes(NamedTuple):
    """The parts of a library, by address; they do not overlap.

    Attributes:
        start: the first address of each.
        end: the first address behind each.
        section: the row of its section.
        symbol: the row of its symbol in .symtab; -1 for one without.
    """

    start: Array
    end: Array
    section: Array
    symbol: Array


def nodes_of(library: SharedLibrary) -> Nodes:
    """Return the parts of a library."""
    parts = []
    for row, name in enumerate(library.section_names):
        section = library.sections[row]
        is_table = section["type"] in TABLES or name in _APART or not section["flags"] & SHF_ALLOC
        # What threads have for themselves and is zero at first has addresses, but no place among the others.
        is_zero_of_threads = section["flags"] & SHF_TLS and section["type"] == SHT_NOBITS
        if not is_table and not is_zero_of_threads and section["size"]:
            parts.append(_nodes_of_section(library, row, name))
    whole = Nodes(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    return Nodes(*(column[np.argsort(whole.start)] for column in whole))


def _nodes_of_section(library: SharedLibrary, row: int, name: str) -> Nodes:
    section = library.sections[row]
    place = Range(int(section["address"]), int(section["address"] + section["size"]))
    if name in _SLOTS:
        start, symbol = _slots(library, place), np.array([-1])
    elif name == ".plt":
        start, symbol = np.arange(place.start, place.end, 16), np.array([-1])
    else:
        start, symbol = _symbols_and_gaps(library, row, place)
    count = len(start)
    return Nodes(start, np.append(start[1:], place.end), np.full(count, row), np.broadcast_to(symbol, count))


def _slots(library: SharedLibrary, place: Range) -> Array:
    """Return the slots of 8 bytes; a variable's module and its offset are one of 16."""
    start = np.arange(place.start, place.end, 8)
    relocations = library.relocations
    modules = relocations["offset"][relocations["type"] == R_X86_64_DTPMOD64].astype(np.int64)
    return np.setdiff1d(start, modules + 8)


def _symbols_and_gaps(library: SharedLibrary, row: int, place: Range) -> tuple[Array, Array]:
    """Return the starts of a section's symbols and of the gaps between them, and each one's symbol.

    Symbols that overlap are one part. One without a size, of a function written in assembler, ends where
    the next begins.
    """
    symbols = library.symbols
    rows = np.flatnonzero((symbols["section"] == row) & np.isin(kind_of(symbols), (STT_FUNC, STT_OBJECT)))
    start, size = symbols["value"][rows].astype(np.int64), symbols["size"][rows].astype(np.int64)
    order = np.lexsort((-size, start))
    rows, start, size = rows[order], start[order], size[order]
    first = np.diff(start, prepend=-1) > 0
    rows, start, size = rows[first], start[first], size[first]
    end = np.where(size > 0, start + size, np.append(start[1:], place.end))
    reach = np.maximum.accumulate(end) if len(end) else end
    separate = np.append(True, start[1:] >= reach[:-1])[: len(start)]
    start, rows = start[separate], rows[separate]
    end = np.maximum.reduceat(end, np.flatnonzero(separate)) if len(end) else end
    gap_start = np.append(place.start, end)
    gap_end = np.append(start, place.end)
    gaps = gap_start[gap_start < gap_end]
    starts = np.concatenate([start, gaps])
    symbol = np.concatenate([rows, np.full(len(gaps), -1)])
    order = np.argsort(starts)
    return starts[order], symbol[order]
