"""Costly PNG files."""

import struct
import zlib
from collections.abc import Callable
from functools import partial

from testbed.costly.budget import MAX_BYTES
from testbed.costly.making import HUGE, Makers, exif_files, repeated
from testbed.valid_images import chunk, png, png_header

MAX_PIXELS = 14_600_000
KINDS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
PALETTE = chunk(b"PLTE", bytes(range(6)))
END = chunk(b"IEND", b"")
ANCILLARY = (
    *(b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"tIME", b"pHYs", b"sPLT", b"hIST", b"bKGD", b"gAMA", b"cHRM"),
    *(b"sRGB", b"sBIT", b"acTL", b"fcTL", b"fdAT", b"tRNS", b"PLTE", b"IHDR", b"IDAT", b"abCd"),
)
SMALL = png_header(28, 28)
ROWS = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + bytes(range(28)) for _ in range(28))))


def png_files() -> Makers:
    for colour, depths in KINDS.items():
        for depth in depths:
            for interlaced in (0, 1):
                yield f"png/largest-{colour}-{depth}-{interlaced}", partial(largest, colour, depth, interlaced)
    for filtering in range(5):
        yield f"png/largest-filter-{filtering}", partial(largest, 6, 16, 0, filtering)
    for colour in (0, 2, 3):
        yield f"png/largest-{colour}-transparent", partial(largest, colour, 8, 0, 4, transparent=True)
    yield "png/largest-dense", dense
    for width, height in ((HUGE, HUGE), (HUGE, 1), (1, HUGE), (65535, 65535), (1, 837_000), (837_000, 1), (0, 1)):
        yield f"png/{width}x{height}", partial(png, png_header(width, height, 16, 6), ROWS, END)
    for width, height in ((1, 837_000), (837_000, 1), (2, 837_000)):
        yield f"png/{width}x{height}-whole", partial(of_size, width, height, 6, 16, 0, 4)
    for name, data in (("zeros", bytes(2**20)), ("ramp", bytes(range(256)) * 2**12)):
        yield f"png/data-beyond-the-picture-{name}", partial(bomb_behind_header, data)
    for kind in ANCILLARY:
        yield f"png/{kind.decode()}-empty-behind", partial(repeats, chunk(kind, b""), "behind")
        yield f"png/{kind.decode()}-long-before", partial(repeats, chunk(kind, bytes(2**18)), "before")
    for kind, head in ((b"zTXt", b"a\0\0"), (b"iTXt", b"a\0\1\0\0\0"), (b"iCCP", b"a\0\0")):
        yield f"png/{kind.decode()}-bomb", partial(inflating, kind, head)
    for length in (0, 1, HUGE, 2**32 - 1):
        for kind in (b"IDAT", b"tEXt", b"PLTE"):
            yield f"png/{kind.decode()}-says-{length}", partial(says, kind, length)
    yield "png/one-byte-IDATs", partial(repeated, png(SMALL), chunk(b"IDAT", b"x"), END)
    for name, exif in exif_files().items():
        yield f"png/exif-{name}", partial(with_exif, exif, False)
        yield f"png/exif-{name}-behind", partial(with_exif, exif, True)
    yield "png/exif-many", partial(repeated, png(SMALL), chunk(b"eXIf", exif_files()["shared-data"]()), ROWS + END)


def with_exif(exif: Callable[[], bytes], is_behind: bool) -> bytes:
    field = chunk(b"eXIf", exif())
    return png(SMALL, *((ROWS, field) if is_behind else (field, ROWS)), END)


def largest(colour: int, depth: int, interlaced: int, filtering: int = 0, transparent: bool = False) -> bytes:
    """Return a picture of as many pixels as are accepted."""
    return of_size(4000, MAX_PIXELS // 4000, colour, depth, interlaced, filtering, transparent)


def of_size(
    width: int, height: int, colour: int, depth: int, interlaced: int, filtering: int = 0, transparent: bool = False
) -> bytes:
    """Return a picture of one byte's repetition; an interlaced one has as many rows in its passes."""
    passes = ((8, 8, 0, 0), (8, 8, 4, 0), (4, 8, 0, 4), (4, 4, 2, 0), (2, 4, 0, 2), (2, 2, 1, 0), (1, 2, 0, 1))
    runs = []
    for across, down, left, top in passes if interlaced else ((1, 1, 0, 0),):
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        runs.append((bytes([filtering]) + b"\x01" * ((columns * depth * CHANNELS[colour] + 7) // 8), rows))
    data = deflated(runs)
    chunks = [png_header(width, height, depth, colour, interlaced)]
    if colour == 3:
        chunks.append(PALETTE)
    if transparent:
        chunks.append(chunk(b"tRNS", {0: b"\0\1", 2: b"\0\1\0\1\0\1", 3: b"\x80\x10"}[colour]))
    return png(*chunks, chunk(b"IDAT", data), END)


def deflated(runs: list[tuple[bytes, int]]) -> bytes:
    """Return zlib data of rows, each as often as is said; equal parts are compressed once."""
    data, checksum = b"\x78\x01", 1
    for row, count in runs:
        many = max(1, 2**18 // len(row))
        for rows, times in ((row * many, count // many), (row * (count % many), 1)):
            packing = zlib.compressobj(1, wbits=-15)
            data += (packing.compress(rows) + packing.flush(zlib.Z_FULL_FLUSH)) * times
            for _ in range(times):
                checksum = zlib.adler32(rows, checksum)
    return data + b"\x03\0" + struct.pack(">I", checksum)


def dense() -> bytes:
    """Return a picture whose file is as long as is accepted: stored, and each row predicted from the one above."""
    row = b"\x04" + bytes(range(256)) * 47
    rows = (MAX_BYTES - 10_000) // (len(row) + 5)
    stored = b"".join((b"\0", struct.pack("<HH", len(row), len(row) ^ 0xFFFF), row))
    data = b"\x78\x01" + stored * rows + b"\x03\0" + struct.pack(">I", zlib.adler32(row * rows))
    return png(png_header(256 * 47 // 4, rows, 8, 6), chunk(b"IDAT", data), END)


def inflate_bomb(data: bytes, most: int) -> bytes:
    """Return zlib data of as many bytes, which inflates to a thousand times that."""
    packing = zlib.compressobj(9)
    once = packing.compress(data) + packing.flush(zlib.Z_FULL_FLUSH)
    block = packing.compress(data) + packing.flush(zlib.Z_FULL_FLUSH)
    return repeated(once, block, most=most)


def bomb_behind_header(data: bytes) -> bytes:
    return png(SMALL, chunk(b"IDAT", inflate_bomb(data, MAX_BYTES - 100)), END)


def inflating(kind: bytes, head: bytes) -> bytes:
    return png(SMALL, chunk(kind, head + inflate_bomb(bytes(2**20), MAX_BYTES - 5000)), ROWS, END)


def repeats(block: bytes, place: str) -> bytes:
    if place == "before":
        return repeated(png(SMALL), block, ROWS + END)
    return repeated(png(SMALL, ROWS), block, END)


def says(kind: bytes, length: int) -> bytes:
    false = struct.pack(">I", length) + kind + bytes(MAX_BYTES // 2)
    return png(SMALL) + false + ROWS + END
