"""A shared library as it stands in its file: headers, symbols and relocations, as NumPy arrays.

Reading only. Names of constants are those of `elf.h`; what the fields mean is in the gABI, and what
a relocation computes in the x86-64 psABI.
"""

from __future__ import annotations

import struct
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Table = NDArray[Any]
"""A structured array: one row for each entry of one of ELF's tables."""

PAGE = 4096

PT_LOAD, PT_DYNAMIC, PT_PHDR, PT_GNU_EH_FRAME = 1, 2, 6, 0x6474E550
PF_X, PF_R = 1, 4
SHT_SYMTAB, SHT_STRTAB, SHT_RELA, SHT_DYNAMIC, SHT_NOTE, SHT_NOBITS, SHT_DYNSYM = 2, 3, 4, 6, 7, 8, 11
SHT_GNU_HASH, SHT_GNU_VERDEF, SHT_GNU_VERNEED, SHT_GNU_VERSYM = 0x6FFFFFF6, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_TLS = 1, 2, 4, 0x400
STB_LOCAL, STB_GNU_UNIQUE = 0, 10
STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_TLS, STT_GNU_IFUNC = 0, 1, 2, 6, 10
SHN_UNDEF, SHN_LORESERVE = 0, 0xFF00
DT_NULL, DT_NEEDED, DT_PLTRELSZ, DT_STRTAB, DT_SYMTAB, DT_RELA, DT_RELASZ, DT_STRSZ = 0, 1, 2, 5, 6, 7, 8, 10
DT_INIT, DT_FINI, DT_SONAME, DT_SYMBOLIC, DT_REL, DT_PLTREL, DT_TEXTREL, DT_JMPREL = 12, 13, 14, 16, 17, 20, 22, 23
DT_INIT_ARRAY, DT_INIT_ARRAYSZ, DT_RUNPATH, DT_FLAGS, DT_RELR = 25, 27, 29, 30, 36
DT_GNU_HASH, DT_RELACOUNT, DT_VERSYM, DT_VERDEF, DT_VERNEED = 0x6FFFFEF5, 0x6FFFFFF9, 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFE
DF_BIND_NOW = 8
R_X86_64_64, R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT, R_X86_64_RELATIVE = 1, 6, 7, 8
R_X86_64_DTPMOD64, R_X86_64_DTPOFF64, R_X86_64_TPOFF64 = 16, 17, 18
EM_X86_64, ET_DYN = 62, 3

POINTERS = (R_X86_64_64, R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT)
"""Relocations that write a symbol's address."""
THREAD_LOCAL = (R_X86_64_DTPMOD64, R_X86_64_DTPOFF64, R_X86_64_TPOFF64)
"""Relocations that write a thread-local variable's module or offset."""

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SEGMENT = np.dtype(
    [
        *(("type", "<u4"), ("flags", "<u4"), ("offset", "<u8"), ("address", "<u8"), ("physical", "<u8")),
        *(("file_size", "<u8"), ("memory_size", "<u8"), ("align", "<u8")),
    ]
)
SECTION = np.dtype(
    [
        *(("name", "<u4"), ("type", "<u4"), ("flags", "<u8"), ("address", "<u8"), ("offset", "<u8"), ("size", "<u8")),
        *(("link", "<u4"), ("info", "<u4"), ("align", "<u8"), ("entry_size", "<u8")),
    ]
)
SYMBOL = np.dtype(
    [("name", "<u4"), ("info", "u1"), ("other", "u1"), ("section", "<u2"), ("value", "<u8"), ("size", "<u8")]
)
RELOCATION = np.dtype([("offset", "<u8"), ("type", "<u4"), ("symbol", "<u4"), ("addend", "<i8")])
DYNAMIC = np.dtype([("tag", "<u8"), ("value", "<u8")])


class RelinkError(Exception):
    """There will be no relinked library; the text is the sentence that says why."""


class Range(NamedTuple):
    """Addresses from `start` up to, but not including, `end`."""

    start: int
    end: int

    def __contains__(self, address: object) -> bool:
        return isinstance(address, int | np.integer) and bool(self.start <= address < self.end)


class SharedLibrary:
    """One library's file.

    Attributes:
        path: where it stands.
        content: its bytes, mapped.
        segments: the program headers.
        sections: the section headers.
        dynamic: the rows of the dynamic section, without DT_NULL.
    """

    def __init__(self, path: Path) -> None:
        """Map a library.

        Raises:
            RelinkError: it is not a shared library for x86-64.
            OSError: it cannot be read.
        """
        self.path = path
        self.content = np.memmap(path, np.uint8, "r")
        header = HEADER.unpack_from(self.content[: HEADER.size].tobytes().ljust(HEADER.size, b"\0"))
        identity, kind, machine, _, _, segments_at, sections_at = header[:7]
        if identity[:6] != b"\x7fELF\x02\x01" or kind != ET_DYN or machine != EM_X86_64:
            raise RelinkError(f"{path.name} is no shared library for x86-64")
        self.segments = self._table(SEGMENT, segments_at, header[10])
        self.sections = self._table(SECTION, sections_at, header[12])
        self._names_of_sections = header[13]
        row = self.segments[self.segments["type"] == PT_DYNAMIC]
        if len(row) != 1:
            raise RelinkError(f"{path.name} is not dynamically linked")
        rows = self._table(DYNAMIC, int(row["offset"][0]), int(row["file_size"][0]) // DYNAMIC.itemsize)
        self.dynamic = rows[: np.flatnonzero(rows["tag"] == DT_NULL)[0]]

    def _table(self, kind: np.dtype[Any], offset: int, count: int) -> Table:
        content = self.content[offset : offset + count * kind.itemsize]
        if len(content) != count * kind.itemsize:
            raise RelinkError(f"{self.path.name} is truncated")
        return np.frombuffer(content, kind)

    def tag(self, tag: int) -> int:
        """Return the value of the dynamic section's entry of this kind; 0 if it has none."""
        values = self.dynamic["value"][self.dynamic["tag"] == tag]
        return int(values[0]) if len(values) else 0

    def offset(self, address: int, size: int = 0) -> int:
        """Return where the file has these addresses; they are in one segment."""
        row = self.loads[max(int(np.searchsorted(self.loads["address"], address, "right")) - 1, 0)]
        place = address - int(row["address"])
        if not 0 <= place <= place + size <= int(row["file_size"]):
            raise RelinkError(f"{self.path.name} has nothing at {address:#x}, where something should be")
        return int(row["offset"]) + place

    def at(self, address: int, size: int) -> NDArray[np.uint8]:
        """Return what the file has for these addresses; they are in one segment."""
        start = self.offset(address, size)
        return self.content[start : start + size]

    @cached_property
    def loads(self) -> Table:
        """The segments that are loaded, by address."""
        loads = self.segments[self.segments["type"] == PT_LOAD]
        ordered: Table = loads[np.argsort(loads["address"])]
        return ordered

    @cached_property
    def end(self) -> int:
        """The first address after everything."""
        return int((self.loads["address"] + self.loads["memory_size"]).max())

    @cached_property
    def section_names(self) -> list[str]:
        """The name of each section."""
        table = self.sections[self._names_of_sections]
        strings = self.content[int(table["offset"]) :][: int(table["size"])].tobytes()
        return strings_at(strings, self.sections["name"])

    def section(self, name: str) -> Range:
        """Return the addresses of the one section of this name; an empty range where there is none."""
        for row, other in zip(self.sections, self.section_names, strict=True):
            if other == name and row["flags"] & SHF_ALLOC:
                return Range(int(row["address"]), int(row["address"] + row["size"]))
        return Range(0, 0)

    @cached_property
    def relocations(self) -> Table:
        """All relocations; with DT_BIND_NOW those of the PLT are applied with the others."""
        tables = ((DT_RELA, DT_RELASZ), (DT_JMPREL, DT_PLTRELSZ))
        parts = [np.frombuffer(self.at(self.tag(at), self.tag(n)), RELOCATION) for at, n in tables if self.tag(n)]
        return np.concatenate([np.empty(0, RELOCATION), *parts])

    @cached_property
    def dynamic_symbols(self) -> Table:
        """The symbols that the loader sees; the first row is nothing."""
        start = self.tag(DT_SYMTAB)
        for row in self.sections:
            if row["type"] == SHT_DYNSYM and row["address"] == start:
                return np.frombuffer(self.at(start, int(row["size"])), SYMBOL)
        raise RelinkError(f"{self.path.name} has no section of dynamic symbols")

    @cached_property
    def dynamic_strings(self) -> bytes:
        """The strings that dynamic symbols, versions and the dynamic section refer to."""
        return self.at(self.tag(DT_STRTAB), self.tag(DT_STRSZ)).tobytes()

    @cached_property
    def dynamic_names(self) -> list[str]:
        """The name of each dynamic symbol."""
        return strings_at(self.dynamic_strings, self.dynamic_symbols["name"])

    @cached_property
    def definitions(self) -> dict[str, int]:
        """By name, the row of each dynamic symbol that is defined here."""
        rows = np.flatnonzero(self.dynamic_symbols["section"] != SHN_UNDEF)
        return {self.dynamic_names[i]: i for i in rows.tolist()}

    @cached_property
    def symbols(self) -> Table:
        """The symbols of .symtab, local ones too."""
        return np.frombuffer(self._content_of(self._symbol_table), SYMBOL)

    @cached_property
    def symbol_strings(self) -> bytes:
        """The strings that `symbols` refer to."""
        return self._content_of(self.sections[int(self._symbol_table["link"])]).tobytes()

    @cached_property
    def _symbol_table(self) -> Any:
        rows = self.sections[self.sections["type"] == SHT_SYMTAB]
        if len(rows) != 1:
            raise RelinkError(f"{self.path.name} is stripped: without .symtab nobody knows where its functions begin")
        return rows[0]

    def _content_of(self, section: Any) -> NDArray[np.uint8]:
        return self.content[int(section["offset"]) : int(section["offset"] + section["size"])]


def strings_at(strings: bytes, offsets: NDArray[Any]) -> list[str]:
    """Return the strings that begin at these offsets of a string table."""
    return [strings[at : strings.index(0, at)].decode() for at in offsets.tolist()]


def kind_of(symbols: Table) -> NDArray[np.uint8]:
    """Return the STT_ kind of each symbol."""
    kinds: NDArray[np.uint8] = symbols["info"] & np.uint8(15)
    return kinds


def binding_of(symbols: Table) -> NDArray[np.uint8]:
    """Return the STB_ binding of each symbol."""
    bindings: NDArray[np.uint8] = symbols["info"] >> np.uint8(4)
    return bindings
