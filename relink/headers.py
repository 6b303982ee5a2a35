"""The relinked file's headers: its own, those of its segments for the loader, those of its sections for readelf."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from relink.elf import (
    HEADER,
    PAGE,
    PF_R,
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
    SHT_RELA,
    SHT_STRTAB,
    SharedLibrary,
    Table,
)
from relink.front import TABLES, FrontTable
from relink.names import Strings


class Piece(NamedTuple):
    """A part of one segment, and its place in the new file."""

    address: int
    file_size: int
    memory_size: int
    flags: int
    offset: int = 0


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
