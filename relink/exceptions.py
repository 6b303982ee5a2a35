"""The tables by which exceptions find their way: .eh_frame_hdr, .eh_frame and .gcc_except_table.

Every function has a frame description (FDE) in .eh_frame, found by the sorted table in .eh_frame_hdr.
It names, through its common part (CIE), the language's personality function and, where the function
catches or cleans up, its own table in .gcc_except_table, which ends with the types that are caught.
The LSB core specification describes the first two; the third is a convention of GCC and Clang,
written down in the Itanium C++ ABI's "Exception Handling Tables".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relink.elf import RelinkError, SharedLibrary

Array = NDArray[np.int64]

_HEADER = bytes([1, 0x1B, 3, 0x3B])  # version 1; pointers and table of 32-bit distances, sorted
_AUGMENTATIONS = (b"zR\0", b"zPLR\0")
_OMITTED, _DISTANCE, _INDIRECT = 0xFF, 0x1B, 0x9B


class Frames(NamedTuple):
    """The frame descriptions, by their function.

    Attributes:
        function: the first address of each one's function.
        entry: its own address.
        size: its bytes, with the length before it.
        common: the address of its CIE.
        table: the address of the function's own table; 0 for one without.
    """

    function: Array
    entry: Array
    size: Array
    common: Array
    table: Array


def read_frames(library: SharedLibrary) -> Frames:
    """Return all frame descriptions of a library.

    Raises:
        RelinkError: they are encoded in another way than Clang's and GCC's for position-independent code.
    """
    header, frame = library.section(".eh_frame_hdr"), library.section(".eh_frame")
    content = library.at(header.start, header.end - header.start)
    if content[:4].tobytes() != _HEADER:
        raise RelinkError(f"the exception tables of {library.path.name} are of a kind for which relink has no rule")
    (count,) = content[8:12].view("<u4").tolist()
    pairs = content[12 : 12 + 8 * count].view("<i4").reshape(count, 2).astype(np.int64) + header.start
    function, entry = pairs[:, 0], pairs[:, 1]
    words = library.at(frame.start, frame.end - frame.start)
    size = 4 + word_at(words, entry - frame.start).astype(np.int64)
    common = entry + 4 - word_at(words, entry + 4 - frame.start)
    table = np.zeros(count, np.int64)
    for at in np.unique(common).tolist():
        if _has_table(library, at):
            with_it = np.flatnonzero(common == at)
            place = entry[with_it] + 17  # behind two lengths, a pointer, an address, a size
            distance = word_at(words, place - frame.start).view(np.int32).astype(np.int64)
            table[with_it] = np.where(distance != 0, place + distance, 0)
    return Frames(function, entry, size, common, table)


def _has_table(library: SharedLibrary, common: int) -> bool:
    """Return whether functions with this CIE may have a table of their own."""
    content = library.at(common, 40).tobytes()
    augmentation = next((text for text in _AUGMENTATIONS if content[9:].startswith(text)), None)
    # Alignments of 1 and -8 and the return address's register, one byte each, and then the augmentation.
    values = content[9 + len(augmentation or b"") :]
    if augmentation == b"zR\0" and values[4] == _DISTANCE:
        return False
    if augmentation == b"zPLR\0" and values[4] == _INDIRECT and values[9] == values[10] == _DISTANCE:
        return True
    raise RelinkError(f"{library.path.name} has a CIE of a kind for which relink has no rule")


def personality(library: SharedLibrary, common: int) -> int | None:
    """Return the address of the slot that holds the personality function of a CIE; None for one without."""
    if not _has_table(library, common):
        return None
    place = common + 9 + len(_AUGMENTATIONS[1]) + 5
    return place + int(library.at(place, 4).view("<i4")[0])


def caught_types(library: SharedLibrary, tables: Array) -> tuple[Array, Array]:
    """Return the slots of the types that functions' tables name.

    The table says where its types end, not where they begin: every word from there back to the end of
    the call sites counts, which may be some too many.

    Returns:
        For each word the row among `tables`, and the address that the word leads to.
    """
    section = library.section(".gcc_except_table")
    content = np.concatenate([library.at(section.start, section.end - section.start), np.zeros(16, np.uint8)])
    row = np.flatnonzero(tables)
    at = tables[row] - section.start
    if np.any(content[at] != _OMITTED) or not np.isin(content[at + 1], (_OMITTED, _INDIRECT)).all():
        raise RelinkError(f"{library.path.name} has exception tables of a kind for which relink has no rule")
    with_types = content[at + 1] == _INDIRECT
    row, at = row[with_types], at[with_types]
    distance, at = _uleb128(content, at + 2)
    end = at + distance
    length, at = _uleb128(content, at + 1)  # behind the encoding of the call sites
    first, rows, slots = at + length, [], []
    place = end - 4
    while len(row):
        going = place >= first
        row, place, first = row[going], place[going], first[going]
        value = word_at(content, place).view(np.int32).astype(np.int64)
        rows.append(row[value != 0])
        slots.append((section.start + place + value)[value != 0])
        place = place - 4
    return np.concatenate(rows), np.concatenate(slots)


def cut_frames(library: SharedLibrary, frames: Frames, kept: NDArray[np.bool_]) -> tuple[bytes, bytes]:
    """Return .eh_frame_hdr and .eh_frame with only the kept descriptions, for the addresses where they stand.

    All that a description refers to is told by distances, which change as it moves.
    """
    header, section = library.section(".eh_frame_hdr"), library.section(".eh_frame")
    old = library.at(section.start, section.end - section.start)
    commons = np.unique(frames.common)
    parts = np.concatenate([commons, np.sort(frames.entry[kept])])  # the common ones come first
    size = 4 + word_at(old, parts - section.start).astype(np.int64)
    new_start = section.start + np.cumsum(size) - size
    content = np.concatenate(
        [
            old[np.repeat(parts - section.start - (np.cumsum(size) - size), size) + np.arange(size.sum())],
            np.zeros(4, np.uint8),
        ]
    )

    def moved(at: Array) -> Array:
        order = np.argsort(parts)
        return new_start[order][np.searchsorted(parts[order], at)]

    def put(at: Array, value: Array) -> None:
        content[(at - section.start)[:, None] + np.arange(4)] = value.astype("<i4").view(np.uint8).reshape(-1, 4)

    entry, function, common, table = (
        column[kept] for column in (frames.entry, frames.function, frames.common, frames.table)
    )
    place = moved(entry)
    put(place + 4, place + 4 - moved(common))
    put(place + 8, function - place - 8)
    has_table = table > 0
    put(place[has_table] + 17, table[has_table] - place[has_table] - 17)
    for at in commons.tolist():
        if slot := personality(library, at):
            field = moved(np.array([at])) + 9 + len(_AUGMENTATIONS[1]) + 5
            put(field, slot - field)
    pairs = np.stack([function, place], axis=1)[np.argsort(function)] - header.start
    count = np.array([section.start - header.start - 4, len(pairs)], "<i4")
    return _HEADER + count.tobytes() + pairs.astype("<i4").tobytes(), content.tobytes()


def word_at(content: NDArray[np.uint8], at: Array) -> NDArray[np.uint32]:
    """Return the 32-bit words that stand at these places, aligned or not."""
    words = content[at].astype(np.uint32)
    for i in (1, 2, 3):
        words |= content[at + i].astype(np.uint32) << np.uint32(8 * i)
    return words


def _uleb128(content: NDArray[np.uint8], at: Array) -> tuple[Array, Array]:
    """Return the numbers that stand at these places, seven bits in a byte, and the places behind them."""
    value, going, at = np.zeros(len(at), np.int64), np.ones(len(at), np.bool_), at.copy()
    for shift in range(0, 35, 7):
        byte = content[at].astype(np.int64)
        value += np.where(going, (byte & 127) << shift, 0)
        at += going
        going &= byte >= 128
    return value, at
