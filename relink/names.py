"""The tables by which the loader finds names: symbols, their hash, their versions and their strings."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relink.elf import (
    DT_NEEDED,
    DT_RUNPATH,
    DT_SONAME,
    DT_VERDEF,
    DT_VERNEED,
    DT_VERSYM,
    SHN_UNDEF,
    SHT_GNU_VERDEF,
    SHT_GNU_VERNEED,
    SHT_GNU_VERSYM,
    SharedLibrary,
    Table,
)

STRING_TAGS = (DT_NEEDED, DT_SONAME, DT_RUNPATH)
_BLOOM_SHIFT = 26


class Names(NamedTuple):
    """A library's tables of names, cut to some of its symbols.

    Attributes:
        symbols: the dynamic symbols, undefined ones first, then by bucket, as the hash wants them.
        order: for each of these its row in the library's own table.
        hash: DT_GNU_HASH.
        versions: DT_VERSYM, DT_VERDEF and DT_VERNEED by tag; a table that the library lacks is empty.
        strings: DT_STRTAB.
        dynamic: the dynamic section's rows, those that hold a string moved to the new strings.
    """

    symbols: Table
    order: NDArray[np.int64]
    hash: bytes
    versions: dict[int, bytes]
    strings: bytes
    dynamic: Table


class Strings:
    """A string table in the making."""

    def __init__(self) -> None:
        self.content = bytearray(b"\0")
        self._places: dict[bytes, int] = {b"": 0}

    def place(self, string: bytes) -> int:
        """Return where the string begins, once it is in the table."""
        if string not in self._places:
            self._places[string] = len(self.content)
            self.content += string + b"\0"
        return self._places[string]


def cut_names(library: SharedLibrary, rows: NDArray[np.int64], imported: NDArray[np.int64]) -> Names:
    """Return a library's tables of names with only these rows of its dynamic symbols.

    Those that are imported are defined no more.
    """
    strings = Strings()
    is_defined = (library.dynamic_symbols["section"][rows] != SHN_UNDEF) & ~np.isin(rows, imported)
    order, table = _hash(library, rows[~is_defined], rows[is_defined])
    order = np.concatenate([[0], order])
    symbols = library.dynamic_symbols[order].copy()
    for field in ("section", "value", "size"):
        symbols[field][np.isin(order, imported)] = 0
    symbols["name"] = [strings.place(library.dynamic_names[row].encode()) for row in order.tolist()]

    def moved(offset: int) -> int:
        old = library.dynamic_strings
        return strings.place(old[offset : old.index(0, offset)])

    versions = {
        DT_VERSYM: _versions_of_symbols(library, order),
        DT_VERDEF: _moved_definitions(_section(library, SHT_GNU_VERDEF), moved),
        DT_VERNEED: _moved_needs(_section(library, SHT_GNU_VERNEED), moved),
    }
    dynamic = library.dynamic.copy()
    for row in np.flatnonzero(np.isin(dynamic["tag"], STRING_TAGS)):
        dynamic["value"][row] = moved(int(dynamic["value"][row]))
    return Names(symbols, order, table, versions, bytes(strings.content), dynamic)


def gnu_hash(name: bytes) -> int:
    """Return a name's hash: that of Daniel J. Bernstein, in 32 bits."""
    value = 5381
    for byte in name:
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value


def _hash(
    library: SharedLibrary, undefined: NDArray[np.int64], defined: NDArray[np.int64]
) -> tuple[NDArray[np.int64], bytes]:
    """Return the order of the rows, and DT_GNU_HASH: a Bloom filter, buckets, and chains of hashes."""
    hashes = np.array([gnu_hash(library.dynamic_names[row].encode()) for row in defined.tolist()], np.uint64)
    buckets = max(1, len(defined) // 2)
    order = np.lexsort((defined, hashes % buckets))
    defined, hashes = defined[order], hashes[order]
    words = 1 << max(0, (len(defined) // 4).bit_length())  # about 16 bits for each name
    bloom = np.zeros(words, np.uint64)
    word = (hashes // 64 % words).astype(np.int64)
    for bits in (hashes % 64, (hashes >> _BLOOM_SHIFT) % 64):
        np.bitwise_or.at(bloom, word, np.uint64(1) << bits)
    first = 1 + len(undefined)
    bucket = (hashes % buckets).astype(np.int64)
    heads, starts = np.zeros(buckets, np.uint32), np.flatnonzero(np.diff(bucket, prepend=-1))
    heads[bucket[starts]] = first + starts
    is_last = np.diff(bucket, append=-1) != 0  # marked in the hash's lowest bit
    chains = (hashes & ~np.uint64(1) | is_last).astype("<u4")
    header = struct.pack("<IIII", buckets, first, words, _BLOOM_SHIFT)
    table = header + bloom.astype("<u8").tobytes() + heads.astype("<u4").tobytes() + chains.tobytes()
    return np.concatenate([undefined, defined]), table


def _section(library: SharedLibrary, kind: int) -> bytes:
    rows = library.sections[library.sections["type"] == kind]
    return library.at(int(rows["address"][0]), int(rows["size"][0])).tobytes() if len(rows) else b""


def _versions_of_symbols(library: SharedLibrary, order: NDArray[np.int64]) -> bytes:
    versions = np.frombuffer(_section(library, SHT_GNU_VERSYM), "<u2")
    return versions[order].tobytes() if len(versions) else b""


def _moved_definitions(table: bytes, moved: Callable[[int], int]) -> bytes:
    """Return DT_VERDEF for other strings: each Verdef has a list of Verdaux, whose first field is a name."""
    content = bytearray(table)
    for at in _linked(table, 0, 16):
        (first,) = struct.unpack_from("<I", table, at + 12)
        for entry in _linked(table, at + first, 4):
            _move_string(content, entry, moved)
    return bytes(content)


def _moved_needs(table: bytes, moved: Callable[[int], int]) -> bytes:
    """Return DT_VERNEED for other strings: each Verneed names a library, and its list of Vernaux the versions."""
    content = bytearray(table)
    for at in _linked(table, 0, 12):
        _move_string(content, at + 4, moved)
        (first,) = struct.unpack_from("<I", table, at + 8)
        for entry in _linked(table, at + first, 12):
            _move_string(content, entry + 8, moved)
    return bytes(content)


def _linked(table: bytes, start: int, next_at: int) -> Iterator[int]:
    """Yield the places of a list's entries; each says at `next_at` how far the next is, and the last says 0."""
    while table:
        yield start
        (step,) = struct.unpack_from("<I", table, start + next_at)
        if not step:
            return
        start += step


def _move_string(content: bytearray, at: int, moved: Callable[[int], int]) -> None:
    struct.pack_into("<I", content, at, moved(*struct.unpack_from("<I", content, at)))
