"""The tables that the loader reads, written anew where they stood before: at the front, behind the headers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relink.binding import Bound
from relink.elf import (
    DT_GNU_HASH,
    DT_RELA,
    DT_RELACOUNT,
    DT_RELASZ,
    DT_STRSZ,
    DT_STRTAB,
    DT_SYMTAB,
    DT_VERDEF,
    DT_VERNEED,
    DT_VERSYM,
    SHF_ALLOC,
    SHT_DYNSYM,
    SHT_GNU_HASH,
    SHT_GNU_VERDEF,
    SHT_GNU_VERNEED,
    SHT_GNU_VERSYM,
    SHT_NOTE,
    SHT_RELA,
    SHT_STRTAB,
    RelinkError,
    SharedLibrary,
    Table,
)
from relink.names import Names

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


class FrontTable(NamedTuple):
    """One table that the loader reads, and its place: the same in memory and in the file."""

    section: Any
    name: str
    content: bytes
    address: int = 0


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
