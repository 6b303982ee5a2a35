"""The relinked file: its tables at the front, and behind them only the pages that are kept.

No address changes, so no instruction and no reference is touched: what is dropped leaves a hole
between two segments, which the loader maps to nothing. The tables that the loader reads are written
anew where they stood before, in the first segment behind the headers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from relink.binding import Bound
from relink.elf import (
    DT_JMPREL,
    DT_PLTREL,
    DT_PLTRELSZ,
    HEADER,
    PAGE,
    PT_DYNAMIC,
    PT_GNU_EH_FRAME,
    PT_LOAD,
    PT_PHDR,
    SEGMENT,
    RelinkError,
    SharedLibrary,
    Table,
)
from relink.front import FrontTable, front_limit, front_tables, place_tables, table_tags
from relink.headers import Piece, header, section_headers, segment_headers
from relink.names import Names

MAX_GAP_PAGES = 1
"""Runs of kept pages with no more than this between them become one segment: a mapping costs more than it saves."""


def write(
    path: Path,
    library: SharedLibrary,
    content: NDArray[np.uint8],
    names: Names,
    bound: Bound,
    pages: NDArray[np.bool_],
    changed: Mapping[int, int],
    header_bytes: int | None = None,
) -> None:
    """Write a library.

    Args:
        path: of the new file.
        library: the one that is relinked.
        content: its whole file, changed where something was dropped; the dynamic section is changed here.
        names: its tables of names.
        bound: its relocations.
        pages: for each page of its addresses whether it is kept; those of writable segments all are.
        changed: values of the dynamic section that are others now, by tag.
        header_bytes: the size of .eh_frame_hdr, if it is another now.

    Raises:
        RelinkError: its tables do not stand together at its front.
        OSError: the file cannot be written.
    """
    limit = front_limit(library)
    pieces = list(kept_pieces(library, pages, limit))
    others = library.segments[~np.isin(library.segments["type"], (PT_LOAD, PT_PHDR))]
    headers_end = HEADER.size + (len(pieces) + len(others) + 2) * SEGMENT.itemsize
    tables = place_tables(front_tables(library, names, bound), headers_end)
    front_size = tables[-1].address + len(tables[-1].content)
    if front_size > limit:
        raise RelinkError(f"the tables of {library.path.name} do not fit into the place where they stood")
    pieces = place_pieces([Piece(0, front_size, front_size, int(library.loads["flags"][0])), *pieces])
    tags = {**table_tags(tables, bound), **changed}
    write_dynamic(library, content, names.dynamic, tags)
    segments = segment_headers(pieces, others, tables)
    if header_bytes is not None:
        is_frames = segments["type"] == PT_GNU_EH_FRAME
        segments["file_size"][is_frames] = segments["memory_size"][is_frames] = header_bytes
    write_parts(path, library, content, segments, tables, pieces)


def write_parts(
    path: Path,
    library: SharedLibrary,
    content: NDArray[np.uint8],
    segments: Table,
    tables: Sequence[FrontTable],
    pieces: Sequence[Piece],
) -> None:
    """Write the headers, the tables and the pieces, each to its place."""
    sections, section_names = section_headers(library, pieces, tables)
    after = -(-(pieces[-1].offset + pieces[-1].file_size) // 8) * 8
    headers_end = HEADER.size + segments.nbytes
    with path.open("wb") as file:
        file.write(header(library, headers_end, len(sections), after + len(section_names)))
        file.write(segments.tobytes())
        for table in tables:
            file.seek(table.address)
            file.write(table.content)
        for piece in pieces[1:]:
            start = library.offset(piece.address, piece.file_size)
            file.seek(piece.offset)
            file.write(content[start : start + piece.file_size].data)
        file.seek(after)
        file.write(section_names + sections.tobytes())


def kept_pieces(library: SharedLibrary, pages: NDArray[np.bool_], limit: int) -> Iterator[Piece]:
    """Yield the runs of kept pages of each segment, from the end of the front on."""
    for row in library.loads:
        start, flags = max(int(row["address"]), limit), int(row["flags"])
        end, memory_end = (int(row["address"] + row[size]) for size in ("file_size", "memory_size"))
        for first, last in runs(pages, start // PAGE, -(-end // PAGE)):
            low, high = max(first * PAGE, start), min(last * PAGE, end)
            yield Piece(low, high - low, (memory_end if high == end else high) - low, flags)


def runs(pages: NDArray[np.bool_], first: int, last: int) -> list[tuple[int, int]]:
    """Return the runs of kept pages from `first` up to `last`, small gaps included."""
    kept = first + np.flatnonzero(pages[first:last])
    if not len(kept):
        return []
    breaks = np.flatnonzero(np.diff(kept) > MAX_GAP_PAGES + 1)
    starts, ends = kept[np.append(0, breaks + 1)], kept[np.append(breaks, len(kept) - 1)] + 1
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def place_pieces(pieces: list[Piece]) -> list[Piece]:
    """Give each piece a place in the file, the same within its page as in memory: the loader maps whole pages."""
    placed, end = [], 0
    for piece in pieces:
        offset = -(-end // PAGE) * PAGE + piece.address % PAGE
        placed.append(piece._replace(offset=offset))
        end = offset + piece.file_size
    return placed


def write_dynamic(library: SharedLibrary, content: NDArray[np.uint8], rows: Table, tags: Mapping[int, int]) -> None:
    """Write the dynamic section where it stands, without a table of its own for the PLT."""
    rows = rows[~np.isin(rows["tag"], (DT_JMPREL, DT_PLTRELSZ, DT_PLTREL))].copy()
    for i, tag in enumerate(rows["tag"].tolist()):
        rows["value"][i] = tags.get(tag, rows["value"][i])
    segment = library.segments[library.segments["type"] == PT_DYNAMIC][0]
    start, size = int(segment["offset"]), int(segment["file_size"])
    content[start : start + size] = 0
    content[start : start + rows.nbytes] = np.frombuffer(rows.tobytes(), np.uint8)
