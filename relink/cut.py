"""What is dropped is taken out of a library's content: code, constants, relocations, frame descriptions.

In pages that are kept for something else, what is dropped is filled with `int3`, an instruction that
traps; a dropped pointer becomes an address at which every access traps. What this module drops can only
be missed loudly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relink.elf import (
    DT_INIT_ARRAYSZ,
    PAGE,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHT_NOBITS,
    RelinkError,
    Table,
)
from relink.exceptions import cut_frames
from relink.graph import MIN_LARGE_BYTES, SPACING, Graph
from relink.writer import MAX_GAP_PAGES

Array = NDArray[np.int64]
Mask = NDArray[np.bool_]

INT3 = 0xCC
MARGIN_BYTES = 4096
"""A constant is kept if code refers to a place this near to it: a compiler may point in front of a table."""
NAMED_BYTES = 1 << 16
"""From this size on, being near counts only for a constant whose beginning no code of the library names, the dropped
included. What a compiler points in front of is a small table, from which a character or an enumerator selects. A
Unicode library's data and a random generator's numbers are no such tables, and have a dozen megabytes."""


class Cut(NamedTuple):
    """A library's content without what was dropped.

    Attributes:
        content: its whole file.
        relocations: those that are left.
        pages: for each page whether anything in it is kept.
        changed: values of the dynamic section that are others now.
        header_bytes: the size of .eh_frame_hdr, where it is another now.
    """

    content: NDArray[np.uint8]
    relocations: Table
    pages: Mask
    changed: dict[int, int]
    header_bytes: int | None


def cut(graph: Graph, i: int, kept: Mask) -> Cut:
    """Return one of a graph's libraries without the parts that are not kept."""
    library = graph.libraries[i]
    content = np.memmap(library.path, np.uint8, "c")
    kept = kept | kept_constants(graph, i, kept)
    own = graph.library == i
    start, end = graph.nodes.start[own] - i * SPACING, graph.nodes.end[own] - i * SPACING
    kept = kept[own]
    pages = np.zeros(-(-library.end // PAGE) + 1, np.bool_)
    sparse = graph.is_executable()[own] | graph.in_sections(".rodata")[own]
    mark(pages, start[kept | ~sparse], end[kept | ~sparse])
    for row, name in zip(library.sections, library.section_names, strict=True):
        is_sparse = row["flags"] & SHF_EXECINSTR or name in (
            ".rodata",
            ".eh_frame_hdr",
            ".eh_frame",
            ".gcc_except_table",
        )
        if row["flags"] & SHF_ALLOC and row["type"] != SHT_NOBITS and not is_sparse:
            mark(pages, row["address"][None].astype(np.int64), (row["address"] + row["size"])[None].astype(np.int64))
    for low, high in dropped_runs(start[sparse & ~kept], end[sparse & ~kept]):
        content[library.offset(low) : library.offset(low) + high - low] = INT3
    header_bytes = _cut_exceptions(graph, i, content, pages, kept)
    relocations, init_bytes = _cut_relocations(graph, i, content, kept)
    return Cut(content, relocations, pages, {DT_INIT_ARRAYSZ: init_bytes}, header_bytes)


def kept_constants(graph: Graph, i: int, kept: Mask) -> Mask:
    """Return the parts of read-only data that are kept besides those that are reached.

    All that has no symbol, all that is small, and of the rest what code refers to a place near to, see
    `MARGIN_BYTES` and `NAMED_BYTES`.
    """
    nodes = graph.nodes
    constants = (graph.library == i) & graph.in_sections(".rodata")
    large = constants & (nodes.symbol >= 0) & (nodes.end - nodes.start >= MIN_LARGE_BYTES) & ~kept
    used = np.sort(graph.address[kept[graph.source]])
    rows = np.flatnonzero(large)
    near = np.searchsorted(used, nodes.end[rows] + MARGIN_BYTES) > np.searchsorted(
        used, nodes.start[rows] - MARGIN_BYTES
    )
    size = nodes.end[rows] - nodes.start[rows]
    is_named = (size >= NAMED_BYTES) & np.isin(nodes.start[rows], graph.address)
    large[rows[near & ~is_named]] = False
    kept_ones: Mask = constants & ~large
    return kept_ones


def mark(pages: Mask, start: Array, end: Array) -> None:
    """Mark the pages of these ranges of addresses."""
    change = np.zeros(len(pages) + 1, np.int64)
    np.add.at(change, start // PAGE, 1)
    np.add.at(change, (end - 1) // PAGE + 1, -1)
    pages |= np.cumsum(change)[:-1] > 0


def dropped_runs(start: Array, end: Array) -> Iterator[tuple[int, int]]:
    """Yield the runs of these neighbouring parts; of a long one only its ends, as its middle is not written."""
    margin = (MAX_GAP_PAGES + 2) * PAGE
    if not len(start):
        return
    breaks = np.flatnonzero(start[1:] != end[:-1])
    for low, high in zip(
        start[np.append(0, breaks + 1)].tolist(), end[np.append(breaks, len(end) - 1)].tolist(), strict=True
    ):
        if high - low <= 2 * margin:
            yield low, high
        else:
            yield low, low + margin
            yield high - margin, high


def _cut_exceptions(graph: Graph, i: int, content: NDArray[np.uint8], pages: Mask, kept: Mask) -> int:
    """Cut the frame descriptions and the functions' tables, and return the size of .eh_frame_hdr."""
    library, frames = graph.libraries[i], graph.frames[i]
    row = graph.at(frames.function + i * SPACING)
    if np.any(row < 0):
        raise RelinkError(f"{library.path.name} describes the frame of a function that has no symbol")
    is_kept = kept[row - int(np.flatnonzero(graph.library == i)[0])]
    for name, new in zip((".eh_frame_hdr", ".eh_frame"), cut_frames(library, frames, is_kept), strict=True):
        place = library.section(name)
        at = library.offset(place.start)
        content[at : at + place.end - place.start] = 0
        content[at : at + len(new)] = np.frombuffer(new, np.uint8)
        mark(pages, np.array([place.start]), np.array([place.start + len(new)]))
    place = library.section(".gcc_except_table")
    starts = np.unique(frames.table[frames.table > 0])
    ends = np.append(starts[1:], place.end)
    used = np.isin(starts, frames.table[is_kept])
    mark(pages, starts[used], ends[used])
    for low, high in dropped_runs(starts[~used], ends[~used]):
        content[library.offset(low) : library.offset(low) + high - low] = INT3
    return 12 + 8 * int(np.count_nonzero(is_kept))


def _cut_relocations(graph: Graph, i: int, content: NDArray[np.uint8], kept: Mask) -> tuple[Table, int]:
    """Return the relocations of parts that are kept, and the size of .init_array, without its dropped entries."""
    library = graph.libraries[i]
    relocations = library.relocations
    row = graph.at(relocations["offset"].astype(np.int64) + i * SPACING)
    if np.any(row < 0):
        raise RelinkError(f"{library.path.name} has a relocation where there is no part")
    is_kept = kept[row - int(np.flatnonzero(graph.library == i)[0])]
    initialisers = library.section(".init_array")
    is_initialiser = (relocations["offset"] >= initialisers.start) & (relocations["offset"] < initialisers.end)
    for offset in relocations["offset"][~is_kept & ~is_initialiser].tolist():
        at = library.offset(offset)
        content[at : at + 8] = INT3
    table = relocations[is_kept].copy()
    entries = np.flatnonzero(is_initialiser[is_kept])
    order = entries[np.argsort(table["offset"][entries])]
    table["offset"][order] = initialisers.start + 8 * np.arange(len(order))
    return table, 8 * len(order)
