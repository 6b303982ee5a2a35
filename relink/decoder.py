"""Where x86-64 instructions begin and end, and what they refer to, for millions of them at once.

An instruction is: prefixes, an opcode, for most opcodes a ModRM byte with what it calls for (a SIB
byte, a displacement), and for some an immediate. How long each is follows from the opcode maps in
appendix A of Intel's manual (volume 2; AMD's volume 3 for XOP), which stand here as the opcodes that
have a ModRM byte or an immediate. Lengths are computed for every byte as if an instruction began
there; then all functions are walked in step, from their first byte to their last.

Only two kinds of operand lead from position-independent code to another place: a direct call or
jump, and an address relative to the next instruction (ModRM with mod 0 and r/m 5).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

MAX_LENGTH = 15
CHUNK_BYTES = 1 << 18  # as much as stays in a processor's cache with all that is computed of it

# What the table says of an opcode: the immediate's size in the lowest bits, and flags.
_SIZE, _MODRM, _OPERAND_SIZED, _MOV_IMM, _BRANCH, _TEST, _INVALID = 15, 16, 32, 64, 128, 256, 512
# The maps, by where they begin in the table; those that a VEX, EVEX or XOP prefix names by number follow.
_ONE_BYTE, _0F, _0F38, _0F3A, _NUMBERED, _MAPS = 0, 1, 2, 3, 4, 20


def _opcode_table() -> NDArray[np.uint16]:
    table = np.full((_MAPS, 256), _MODRM, np.uint16)

    def put(plane: int, opcodes: Iterable[int], value: int) -> None:
        table[plane, list(opcodes)] = value

    put(_ONE_BYTE, range(256), 0)
    for row in range(0, 0x40, 8):  # ADD, OR, ADC, SBB, AND, SUB, XOR, CMP
        put(_ONE_BYTE, range(row, row + 4), _MODRM)
        put(_ONE_BYTE, [row + 4], 1)
        put(_ONE_BYTE, [row + 5], 4 | _OPERAND_SIZED)
    put(_ONE_BYTE, [0x63, *range(0x84, 0x90), *range(0xD0, 0xD4), *range(0xD8, 0xE0), 0xFE, 0xFF], _MODRM)
    put(_ONE_BYTE, [0x6B, 0x80, 0x83, 0xC0, 0xC1, 0xC6], _MODRM | 1)
    put(_ONE_BYTE, [0x69, 0x81, 0xC7], _MODRM | 4 | _OPERAND_SIZED)
    put(_ONE_BYTE, [0xF6, 0xF7], _MODRM | _TEST)
    put(_ONE_BYTE, [0x6A, 0xA8, *range(0xB0, 0xB8), 0xCD, *range(0xE4, 0xE8)], 1)
    put(_ONE_BYTE, [0x68, 0xA9], 4 | _OPERAND_SIZED)
    put(_ONE_BYTE, range(0xB8, 0xC0), 4 | _OPERAND_SIZED | _MOV_IMM)
    put(_ONE_BYTE, range(0xA0, 0xA4), 8)
    put(_ONE_BYTE, [0xC2, 0xCA], 2)
    put(_ONE_BYTE, [0xC8], 3)
    put(_ONE_BYTE, [*range(0x70, 0x80), *range(0xE0, 0xE4), 0xEB], 1 | _BRANCH)
    put(_ONE_BYTE, [0xE8, 0xE9], 4 | _BRANCH)
    put(_ONE_BYTE, [0x06, 0x07, 0x0E, 0x16, 0x17, 0x1E, 0x1F, 0x27, 0x2F, 0x37, 0x3F, 0x60, 0x61, 0x82], _INVALID)
    put(_ONE_BYTE, [0x9A, 0xCE, 0xD4, 0xD5, 0xD6, 0xEA, *range(0x40, 0x50), *PREFIXES], _INVALID)
    put(_0F, [5, 6, 7, 8, 9, 0xB, 0xE, *range(0x30, 0x38), 0x77, 0xA0, 0xA1, 0xA2, 0xA8, 0xA9, 0xAA], 0)
    put(_0F, range(0xC8, 0xD0), 0)
    put(_0F, [0x0F, 0x70, 0x71, 0x72, 0x73, 0xA4, 0xAC, 0xBA, 0xC2, 0xC4, 0xC5, 0xC6], _MODRM | 1)
    put(_0F, range(0x80, 0x90), 4 | _BRANCH)
    put(_0F, [4, 0xA, 0xC, 0x24, 0x25, 0x26, 0x27, 0x36, 0x39, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F, 0xA6, 0xA7], _INVALID)
    put(_0F3A, range(256), _MODRM | 1)
    put(_NUMBERED + 1, [0x70, 0x71, 0x72, 0x73, 0xC2, 0xC4, 0xC5, 0xC6], _MODRM | 1)
    put(_NUMBERED + 1, [0x77], 0)  # VZEROUPPER
    put(_NUMBERED + 3, range(256), _MODRM | 1)
    put(_NUMBERED + 8, range(256), _MODRM | 1)
    put(_NUMBERED + 10, range(256), _MODRM | 4)
    for unknown in (0, 4, 7, 11, 12, 13, 14, 15):
        put(_NUMBERED + unknown, range(256), _INVALID)
    return table.reshape(-1)


PREFIXES = (0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67, 0xF0, 0xF2, 0xF3)
_IS_PREFIX = np.isin(np.arange(256), PREFIXES)
_OPCODES = _opcode_table()
# What ModRM calls for, itself included; a SIB byte may add a displacement of its own.
_ADDRESS = np.array(
    [(1, 2, 5, 1)[m >> 6] + (m >> 6 < 3 and m & 7 == 4) + 4 * (m & 0xC7 == 5) for m in range(256)], np.uint8
)


class Lengths(NamedTuple):
    """Of an instruction at each place of some code.

    Attributes:
        total: its length; 0 where none can begin.
        relative: how far behind its beginning a relative address stands; 0 where it has none.
        width: that address's size, 1 or 4.
        is_branch: whether that is where it calls or jumps.
    """

    total: Bytes
    relative: Bytes
    width: Bytes
    is_branch: NDArray[np.bool_]


def lengths(code: Bytes) -> Lengths:
    """Return the length of an instruction at each place of some code."""
    return Lengths(*(np.concatenate(parts) for parts in zip(*_chunks(code), strict=True)))


def _chunks(code: Bytes) -> Iterator[Lengths]:
    padded = np.concatenate([code, np.zeros(3 * MAX_LENGTH, np.uint8)])
    for start in range(0, len(code), CHUNK_BYTES):
        size = min(CHUNK_BYTES, len(code) - start)
        yield _lengths_of_chunk(padded[start : start + size + 3 * MAX_LENGTH], size)


def _lengths_of_chunk(code: Bytes, size: int) -> Lengths:
    """Return the lengths at the first `size` places."""
    opcode = _opcodes(code, size + MAX_LENGTH)
    places = np.arange(size + MAX_LENGTH)
    start = _next_true(~_IS_PREFIX[code[: size + MAX_LENGTH]], places)[:size]
    has_66 = _next_true(code[: size + MAX_LENGTH] == 0x66, places)[:size] < start
    np.minimum(start, places[:size] + MAX_LENGTH - 1, out=start)
    rex = code[start]
    is_rex = rex & 0xF0 == 0x40
    start += is_rex
    is_wide = is_rex & (rex & 8 != 0)
    kind, length = opcode.kind[start], opcode.total[start]
    before = (start - places[:size]).astype(np.uint8)
    total = before + length
    total -= ((kind & _OPERAND_SIZED != 0) & has_66 & ~is_wide).view(np.uint8) << 1
    total += ((kind & _MOV_IMM != 0) & is_wide).view(np.uint8) << 2
    total *= (length > 0) & (total <= MAX_LENGTH)
    relative = opcode.relative[start]
    is_branch = kind & _BRANCH != 0
    width = np.where(is_branch & (kind & _SIZE == 1), np.uint8(1), np.uint8(4))
    return Lengths(total, np.where(relative > 0, relative + before, np.uint8(0)), width, is_branch)


class _Opcodes(NamedTuple):
    total: Bytes
    relative: Bytes
    kind: NDArray[np.uint16]


def _opcodes(code: Bytes, count: int) -> _Opcodes:
    """Return for each place what begins there if it is an opcode; prefixes count apart."""
    b0, b1, b2, b3, b4 = (code[i : i + count] for i in range(5))
    size = np.ones(count, np.uint8)  # up to and with the opcode's last byte
    plane = np.zeros(count, np.uint8)
    op = b0.copy()

    def choose(case: NDArray[np.bool_], its_size: int, its_op: Bytes, its_plane: Bytes | int) -> None:
        at = np.flatnonzero(case)
        size[at], op[at] = its_size, its_op[at]
        plane[at] = its_plane if isinstance(its_plane, int) else its_plane[at]

    choose(b0 == 0x0F, 2, b1, _0F)
    choose((b0 == 0x0F) & (b1 == 0x38), 3, b2, _0F38)
    choose((b0 == 0x0F) & (b1 == 0x3A), 3, b2, _0F3A)
    choose(b0 == 0xC5, 3, b2, _NUMBERED + 1)
    choose(b0 == 0xC4, 4, b3, (b1 & np.uint8(15)) + np.uint8(_NUMBERED))
    choose((b0 == 0x8F) & (b1 & 0x38 != 0), 4, b3, (b1 & np.uint8(15)) + np.uint8(_NUMBERED))  # XOP; else POP
    choose(b0 == 0x62, 5, b4, (b1 & np.uint8(7)) + np.uint8(_NUMBERED))
    kind = _OPCODES[plane.astype(np.uint16) << 8 | op]
    after = np.arange(count) + size
    modrm = code[after]
    has_modrm = kind & _MODRM != 0
    extra = np.flatnonzero((modrm & 0xC7 == 4) & (code[after + 1] & 7 == 5))
    address = _ADDRESS[modrm]
    address[extra] += 4
    total = size + has_modrm * address + (kind & _SIZE).astype(np.uint8)
    test = np.flatnonzero((kind & _TEST != 0) & (modrm & 0x30 == 0))
    total[test] += np.where(op[test] == 0xF6, np.uint8(1), np.uint8(4))
    kind[test] |= np.where(op[test] == 0xF6, np.uint16(0), np.uint16(_OPERAND_SIZED))
    total *= kind & _INVALID == 0
    relative = size * (kind & _BRANCH != 0) + (size + 1) * (has_modrm & (modrm & 0xC7 == 5))
    return _Opcodes(total, relative.astype(np.uint8), kind)


def _next_true(flags: NDArray[np.bool_], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each place the next one, itself included, whose flag is set."""
    nearest = np.where(flags, places, len(places))
    return np.minimum.accumulate(nearest[::-1])[::-1]


class References(NamedTuple):
    """What code refers to.

    Attributes:
        source: for each reference the row of the function that it stands in.
        target: the address that it refers to.
        is_branch: whether it is a call or a jump.
        is_certain: whether its function could be read to the end.
    """

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    is_branch: NDArray[np.bool_]
    is_certain: NDArray[np.bool_]


def references(code: Bytes, address: int, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> References:
    """Return what functions refer to outside of themselves.

    Assembler code has tables among its instructions. Where a function cannot be read to its end, every
    place in it counts as the beginning of an instruction: that is too much, and never too little.

    Args:
        code: what stands at `address` and behind it.
        address: of the first byte.
        starts: the address of each function, ascending; they do not overlap.
        ends: the first address behind each.
    """
    length = lengths(code)
    found: list[NDArray[np.int64]] = []
    unreadable: list[NDArray[np.int64]] = []
    row, place = np.arange(len(starts)), starts - address
    limit = ends - address
    while len(row):
        step = length.total[place].astype(np.int64)
        relative = np.flatnonzero(length.relative[place])
        found.append(np.stack([row[relative], place[relative]]))
        stuck = (step == 0) | (place + step > limit)
        unreadable.append(row[stuck])
        place = place + step
        going = (place < limit) & ~stuck
        if not going.all():
            row, place, limit = row[going], place[going], limit[going]
    stuck_rows = np.unique(np.concatenate([np.empty(0, np.int64), *unreadable]))
    for stuck_row in stuck_rows.tolist():
        every = np.arange(starts[stuck_row] - address, ends[stuck_row] - address)
        every = every[length.relative[every] > 0]
        found.append(np.stack([np.full(len(every), stuck_row), every]))
    source, where = np.concatenate([np.empty((2, 0), np.int64), *found], axis=1)
    target = address + where + length.total[where] + _displacements(code, where + length.relative[where], length, where)
    outside = (target < starts[source]) | (target >= ends[source])
    source = source[outside]
    return References(source, target[outside], length.is_branch[where[outside]], ~np.isin(source, stuck_rows))


def _displacements(code: Bytes, at: NDArray[np.int64], length: Lengths, where: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the signed numbers that stand at these places."""
    padded = np.concatenate([code, np.zeros(4, np.uint8)])
    words = sum(padded[at + i].astype(np.uint32) << np.uint32(8 * i) for i in range(4))
    long = np.asarray(words, np.uint32).view(np.int32).astype(np.int64)
    return np.where(length.width[where] == 1, padded[at].view(np.int8).astype(np.int64), long)
