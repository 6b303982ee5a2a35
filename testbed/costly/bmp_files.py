"""Costly BMP files."""

import struct
from functools import partial

from testbed.costly.budget import MAX_BYTES
from testbed.costly.making import HUGE, Makers, repeated
from testbed.valid_images import bmp, bmp_header

DEPTHS = (1, 4, 8, 16, 24, 32)
RLE8, RLE4, BIT_FIELDS = 1, 2, 3
PALETTE = bytes(range(256)) * 4
MASKS = struct.pack("<III", 0xF800, 0x07E0, 0x001F)


def bmp_files() -> Makers:
    for depth in DEPTHS:
        for height in (1, -1):
            yield f"bmp/largest-{depth}-{height}", partial(largest, depth, height)
        for width, height in (
            (HUGE, HUGE),
            (HUGE, 1),
            (1, HUGE),
            (65535, -65535),
            (1, 800_000),
            (-HUGE - 1, -HUGE - 1),
        ):
            yield f"bmp/{depth}-{width}x{height}", partial(of_size, width, height, depth)
        for colours in (1, 256, 257, 65536, HUGE, 2**32 - 1):
            yield f"bmp/{depth}-{colours}-colours", partial(coloured, depth, colours)
        for start in (0, 14, 54, HUGE, 2**32 - 1):
            yield f"bmp/{depth}-pixels-at-{start}", partial(pixels_at, depth, start)
    for size in (0, 12, 16, 40, 52, 56, 64, 108, 124, 240, HUGE, 2**32 - 1):
        yield f"bmp/header-of-{size}", partial(header_of, size)
    for compression, depth in ((RLE8, 8), (RLE4, 4)):
        for name, codes in (
            ("deltas", b"\0\2\xff\xff"),
            ("runs", b"\xff\1"),
            ("lines", b"\0\0"),
            ("literals", b"\0\xff"),
        ):
            for side in (28, 3600):
                for most in (1200, MAX_BYTES):
                    head = bmp(bmp_header(side, side, depth, compression), b"", PALETTE)
                    yield f"bmp/run-length-{depth}-{name}-{side}-{most}", partial(repeated, head, codes, most=most)
    yield "bmp/bit-fields", lambda: bmp(bmp_header(1500, 3400, 16, BIT_FIELDS), bytes(1500 * 3400 * 2), MASKS)


def largest(depth: int, direction: int) -> bytes:
    """Return a picture of as many pixels as are accepted or as a file can hold."""
    palette = PALETTE[: 4 * 2**depth] if depth <= 8 else b""
    width = 4000
    stride = (width * depth + 31) // 32 * 4
    height = min(13_400_000 // width, (MAX_BYTES - 2000) // stride)
    return bmp(bmp_header(width, height * direction, depth), b"\x55" * (stride * height), palette)


def header_of(size: int) -> bytes:
    return bmp(bmp_header(28, 28, 24, size=size), bytes(MAX_BYTES // 2))


def of_size(width: int, height: int, depth: int) -> bytes:
    return bmp(bmp_header(width, height, depth), bytes(MAX_BYTES // 2), PALETTE if depth <= 8 else b"")


def coloured(depth: int, colours: int) -> bytes:
    header = bmp_header(28, 28, depth)
    return bmp(header[:-8] + struct.pack("<II", colours, 0), bytes(MAX_BYTES // 2), PALETTE)


def pixels_at(depth: int, start: int) -> bytes:
    whole = coloured(depth, 0)
    return whole[:10] + struct.pack("<I", start) + whole[14:]
