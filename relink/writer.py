"""The relinked file: its tables at the front, and behind them only the pages that are kept.

No address changes, so no instruction and no reference is touched: what is dropped leaves a hole
between two segments, which the loader maps to nothing. The tables that the loader reads are written
anew where they stood before, in the first segment behind the headers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relink.binding import Bound
from relink.elf import (
    DT_GNU_HASH,
    DT_JMPREL,
    DT_PLTREL,
    DT_PLTRELSZ,
    DT_RELA,
    DT_RELACOUNT,
    DT_RELASZ,
    DT_STRSZ,
    DT_STRTAB,
    DT_SYMTAB,
    DT_VERDEF,
    DT_VERNEED,
    DT_VERSYM,
    HEADER,
    PAGE,
    PF_R,
    PT_DYNAMIC,
    PT_GNU_EH_FRAME,
    PT_LOAD,
    PT_PHDR,
    SECTION,
    SEGMENT,
    SHF_ALLOC,
    SHT_DYNAMIC,
    SHT_DYNSYM,
    SHT_GNU_HASH,
    SHT_GNU_VERDEF,
    SHT_GNU_VERNEED,
    SHT_GNU_VERSYM,
    SHT_NOBITS,
    SHT_NOTE,
    SHT_RELA,
    SHT_STRTAB,
    RelinkError,
    SharedLibrary,
    Table,
)
from relink.names import Names, Strings

MAX_GAP_PAGES = 8
"""Runs of kept pages with no more than this between them become one segment: a mapping costs more than it saves."""

TABLES = (SHT_NOTE, SHT_DYNSYM, SHT_GNU_HASH, SHT_GNU_VERSYM, SHT_GNU_VERDEF, SHT_GNU_VERNEED, SHT_STRTAB, SHT_RELA)
_TAG_OF = {
    SHT_DYNSYM: DT_SYMTAB,
    SHT_GNU_HASH: DT_GNU_HASH,
    SHT_GNU_VERSYM: DT_VERSYM,
    SHT_GNU_VERDEF: DT_VERDEF,
    SHT_GNU_VERNEED: DT_VERNEED,
    SHT_STRTAB: DT_STRTAB,
    SHT_RELA: DT_RELA,
}


class Piece(NamedTuple):
    """A part of one segment, and its place in the new file."""

    address: int
    file_size: int
    memory_size: int
    flags: int
    offset: int = 0


class FrontTable(NamedTuple):
    """One table that the loader reads, and its place: the same in memory and in the file."""

    section: Any
    name: str
    content: bytes
    address: int = 0


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


def front_limit(library: SharedLibrary) -> int:
    """Return the address at which the tables at the front of the file end, and what is kept of it begins.

    Raises:
        RelinkError: one of the tables stands elsewhere.
    """
    allocated = library.sections[(library.sections["flags"] & SHF_ALLOC) != 0]
    is_table = np.isin(allocated["type"], TABLES)
    limit = int(allocated["address"][~is_table].min())
    if int(allocated["address"][is_table].max()) > limit:
        raise RelinkError(f"the tables of {library.path.name} do not stand together at its front")
    return limit


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


def front_tables(library: SharedLibrary, names: Names, bound: Bound) -> list[FrontTable]:
    """Return the tables at the front in their order; all relocations are one table, the first of theirs."""
    contents = {
        SHT_DYNSYM: names.symbols.tobytes(),
        SHT_GNU_HASH: names.hash,
        SHT_GNU_VERSYM: names.versions[DT_VERSYM],
        SHT_GNU_VERDEF: names.versions[DT_VERDEF],
        SHT_GNU_VERNEED: names.versions[DT_VERNEED],
        SHT_STRTAB: names.strings,
        SHT_RELA: renumbered(bound.relocations, names.order).tobytes(),
    }
    tables = []
    for row, name in zip(library.sections, library.section_names, strict=True):
        if row["flags"] & SHF_ALLOC and row["type"] == SHT_NOTE:
            tables.append(FrontTable(row, name, library.at(int(row["address"]), int(row["size"])).tobytes()))
        elif row["flags"] & SHF_ALLOC and row["type"] in contents:
            tables.append(FrontTable(row, name, contents.pop(int(row["type"]))))
    return tables


def renumbered(relocations: Table, order: NDArray[np.int64]) -> Table:
    """Return relocations that name symbols by their rows in the table that was cut to the rows of `order`."""
    rows = np.zeros(int(order.max()) + 1, np.uint32)
    rows[order] = np.arange(len(order))
    table = relocations.copy()
    table["symbol"] = rows[table["symbol"]]
    return table


def place_tables(tables: Sequence[FrontTable], start: int) -> list[FrontTable]:
    """Give each table its place behind the headers."""
    placed = []
    for table in tables:
        start = -(-start // 8) * 8
        placed.append(table._replace(address=start))
        start += len(table.content)
    return placed


def table_tags(tables: Iterable[FrontTable], bound: Bound) -> dict[int, int]:
    """Return what the dynamic section says of the tables."""
    tags = {_TAG_OF[int(t.section["type"])]: t.address for t in tables if t.section["type"] in _TAG_OF}
    (strings,) = (table for table in tables if table.section["type"] == SHT_STRTAB)
    return tags | {
        DT_STRSZ: len(strings.content),
        DT_RELASZ: bound.relocations.nbytes,
        DT_RELACOUNT: bound.relative,
    }


def write_dynamic(library: SharedLibrary, content: NDArray[np.uint8], rows: Table, tags: Mapping[int, int]) -> None:
    """Write the dynamic section where it stands, without a table of its own for the PLT."""
    rows = rows[~np.isin(rows["tag"], (DT_JMPREL, DT_PLTRELSZ, DT_PLTREL))].copy()
    for i, tag in enumerate(rows["tag"].tolist()):
        rows["value"][i] = tags.get(tag, rows["value"][i])
    segment = library.segments[library.segments["type"] == PT_DYNAMIC][0]
    start, size = int(segment["offset"]), int(segment["file_size"])
    content[start : start + size] = 0
    content[start : start + rows.nbytes] = np.frombuffer(rows.tobytes(), np.uint8)


def segment_headers(pieces: Sequence[Piece], others: Table, tables: Sequence[FrontTable]) -> Table:
    """Return the program headers."""
    segments = np.zeros(1 + len(pieces) + len(others), SEGMENT)
    size = segments.nbytes
    segments[0] = (PT_PHDR, PF_R, HEADER.size, HEADER.size, HEADER.size, size, size, 8)
    for i, piece in enumerate(pieces, 1):
        place = (piece.offset, piece.address, piece.address, piece.file_size, piece.memory_size, PAGE)
        segments[i] = (PT_LOAD, piece.flags, *place)
    moved = {int(table.section["address"]): table.address for table in tables}
    for i, row in enumerate(others, 1 + len(pieces)):
        segments[i] = row
        address = moved.get(int(row["address"]), int(row["address"]))
        segments["address"][i] = segments["physical"][i] = address
        segments["offset"][i] = offset_in(pieces, address) if row["file_size"] else 0
    return segments


def offset_in(pieces: Sequence[Piece], address: int) -> int:
    """Return the place in the new file of an address that is kept."""
    return next(p.offset + address - p.address for p in pieces if p.address <= address < p.address + p.memory_size)


def header(library: SharedLibrary, headers_end: int, section_count: int, sections_at: int) -> bytes:
    """Return the file's header; the section of the sections' names is the last."""
    fields = list(HEADER.unpack(library.content[: HEADER.size].tobytes()))
    fields[5], fields[6] = HEADER.size, sections_at
    fields[10], fields[12], fields[13] = (
        (headers_end - HEADER.size) // SEGMENT.itemsize,
        section_count,
        section_count - 1,
    )
    return HEADER.pack(*fields)


def section_headers(
    library: SharedLibrary, pieces: Sequence[Piece], tables: Sequence[FrontTable]
) -> tuple[Table, bytes]:
    """Return the section headers, and their names padded to 8 bytes: for readelf and objdump, not for the loader.

    A section of which several pieces are kept has a header for each.
    """
    strings = Strings()
    rows: list[Table] = [np.zeros(1, SECTION)]
    indices = {int(table.section["type"]): i for i, table in enumerate(tables, 1)}
    links = {SHT_DYNSYM: SHT_STRTAB, SHT_DYNAMIC: SHT_STRTAB, SHT_GNU_VERDEF: SHT_STRTAB, SHT_GNU_VERNEED: SHT_STRTAB}
    links |= {SHT_GNU_HASH: SHT_DYNSYM, SHT_GNU_VERSYM: SHT_DYNSYM, SHT_RELA: SHT_DYNSYM}

    def add(section: Any, name: str, address: int, offset: int, size: int) -> None:
        row = np.array([section], SECTION)
        row["name"], row["address"], row["offset"], row["size"] = strings.place(name.encode()), address, offset, size
        row["link"] = indices.get(links.get(int(section["type"]), -1), 0)
        rows.append(row)

    for table in tables:
        add(table.section, table.name, table.address, table.address, len(table.content))
    front = {int(table.section["address"]) for table in tables}
    for section, name in zip(library.sections, library.section_names, strict=True):
        if section["flags"] & SHF_ALLOC and section["type"] not in TABLES and int(section["address"]) not in front:
            for piece in pieces[1:]:
                start = max(piece.address, int(section["address"]))
                end = min(piece.address + piece.memory_size, int(section["address"] + section["size"]))
                if start < end and (section["type"] != SHT_NOBITS or piece.memory_size > piece.file_size):
                    add(section, name, start, piece.offset + start - piece.address, end - start)
    names_at = pieces[-1].offset + pieces[-1].file_size
    last = np.zeros(1, SECTION)
    last["name"], last["type"] = strings.place(b".shstrtab"), SHT_STRTAB
    content = bytes(strings.content).ljust(-(-len(strings.content) // 8) * 8, b"\0")
    last["offset"], last["size"] = -(-names_at // 8) * 8, len(content)
    return np.concatenate([*rows, last]), content
