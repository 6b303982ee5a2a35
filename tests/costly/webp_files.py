"""Costly WebP files."""

import struct
from functools import partial

from PIL import Image

from tests.costly.making import HUGE, Makers, exif_files, repeated
from tests.fuzz.valid_images import riff, valid_images, webp_chunk
from tests.pictures import encode

LOSSY, LOSSLESS = (valid_images()[name][12:] for name in ("webp-L", "webp-L-lossless"))
CHUNKS = (b"ICCP", b"EXIF", b"XMP ", b"ALPH", b"ANIM", b"ANMF", b"VP8X", b"VP8 ", b"VP8L", b"abcd")


class Bits:
    """Bits in the order in which the lossless format has them, the lowest of each byte first."""

    def __init__(self) -> None:
        self._value = self._length = 0
        self._whole = bytearray()

    def add(self, value: int, length: int) -> None:
        self._value |= value << self._length
        self._length += length
        if self._length > 4096:
            whole = self._length // 8
            self._whole += (self._value & (1 << 8 * whole) - 1).to_bytes(whole, "little")
            self._value >>= 8 * whole
            self._length -= 8 * whole

    def content(self) -> bytes:
        return bytes(self._whole) + self._value.to_bytes((self._length + 7) // 8, "little")


def webp_files() -> Makers:
    for side in (400, 600, 1024, 2000, 2520):
        for table in ("small", "large"):
            yield f"webp/lossless-groups-{side}-{table}", lambda side=side, table=table: riff(
                webp_chunk(b"VP8L", many_groups(side, side, table))
            )


ONE_SYMBOL = (0b0001, 4)  # a code of one symbol: simple, one, of one bit, zero


def many_groups(width: int, height: int, tables: str = "small") -> bytes:
    """Return a lossless picture in which each block of 4x4 pixels has five Huffman codes of its own: RFC 9649, 3.7."""
    bits = Bits()
    bits.add(0x2F | (width - 1) << 8 | (height - 1) << 22, 40)
    bits.add(0, 1)  # no transform
    bits.add(0, 1)  # no colour cache
    bits.add(1, 1)  # more groups of codes than one
    bits.add(0, 3)  # for blocks of 4x4
    blocks = -(-width // 4) * -(-height // 4)
    groups = min(blocks, 2**16)
    bits.add(0, 1)  # no colour cache
    for symbols in (280, 256):  # green and red
        all_of_8_bits(bits, symbols)
    for _ in range(3):  # blue, alpha, distance
        bits.add(*ONE_SYMBOL)
    reverse = [int(f"{value:08b}"[::-1], 2) for value in range(256)]
    for block in range(blocks):
        number = block % groups
        bits.add(reverse[number & 255] | reverse[number >> 8] << 8, 16)
    group = five_codes(tables)
    for _ in range(groups):
        bits.add(*group)
    return bits.content() + bytes(64)


def all_of_8_bits(bits: Bits, symbols: int) -> None:
    """Add a code in which the first 256 symbols have eight bits each."""
    bits.add(0, 1)
    bits.add(12 - 4, 4)
    for length in (0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1):  # of the code lengths 17, 18, 0, 1 to 5, 16, 6, 7, 8
        bits.add(length, 3)
    bits.add(0, 1)
    bits.add((1 << 256) - 1, symbols)


def five_codes(tables: str) -> tuple[int, int]:
    value, length = ONE_SYMBOL
    return sum(value << length * code for code in range(5)), length * 5
