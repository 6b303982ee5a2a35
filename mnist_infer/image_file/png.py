"""PNG: the header, the palette and its transparency, the pixels.

Text, profiles, gamma, times and the further frames of an animation are left out. So are checksums
of pixels, which the decoder does not ask for either.

Source:
    W3C: Portable Network Graphics (PNG) Specification, third edition.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence

from mnist_infer.image_file.exif import read_orientation
from mnist_infer.image_file.picture import UPRIGHT, Picture, damaged, require, unpack

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_GREY, _RGB, _PALETTE = 0, 2, 3
_DEPTHS = {_GREY: (1, 2, 4, 8, 16), _RGB: (8, 16), _PALETTE: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Bits per sample, by colour type: table 11.1."""

_MAX_CHUNKS = 2**15  # encoders fill IDAT chunks with 4 KiB and more: 2 560 in 10 MiB


def walk_png(content: bytes) -> Picture:
    """Return a PNG file's picture; of an animation the one that a plain decoder shows."""
    header: dict[bytes, memoryview] = {}
    pixels: list[memoryview] = []
    orientation, is_behind = UPRIGHT, False
    for kind, field in _chunks(content):
        require(header or kind == b"IHDR", "it does not begin with its header")  # 5.6
        if kind == b"IDAT" and not is_behind:
            pixels.append(field)
            continue
        is_behind = bool(pixels)  # 5.6: IDAT chunks are consecutive
        if kind in (b"IHDR", b"PLTE", b"tRNS") and not is_behind:
            require(kind not in header, "a chunk comes twice")  # 5.6, table 5.3
            header[kind] = field
        elif kind == b"eXIf":  # 11.3.4.5: anywhere
            orientation = read_orientation(field)
    require(header and pixels, "it has no pixels")
    width, height, colour_type = _check_header(header[b"IHDR"])
    kept = [(b"IHDR", header[b"IHDR"]), *_colours(colour_type, header)]
    parts = [part for kind, field in kept for part in _chunk(kind, [field])]
    parts += _chunk(b"IDAT", pixels) + _chunk(b"IEND", [])
    return Picture("PNG", width, height, b"".join((SIGNATURE, *parts)), orientation)


def _chunks(content: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Give the type and the data of each chunk before the end: 5.3; the signature is 5.2."""
    view, position = memoryview(content), len(SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        if position == len(content):  # a writer that broke off behind the pixels
            return
        length, kind = unpack(">I4s", content, position)
        if kind == b"IEND":  # whatever it says of its length
            return
        end = position + 8 + length
        require(end + 4 <= len(content), "a chunk is longer than the file")
        if kind in (b"IHDR", b"PLTE", b"tRNS"):
            checksum = zlib.crc32(view[position + 4 : end])
            require(unpack(">I", content, end) == (checksum,), "a checksum is wrong")
        yield kind, view[position + 8 : end]
        position = end + 4
    raise damaged("it has more chunks than encoders write")


def _check_header(field: memoryview) -> tuple[int, int, int]:
    """Return width, height and colour type: 11.2.1."""
    require(len(field) == 13, "its header has another length")
    width, height, depth, colour_type, compression, filtering, interlace = unpack(">IIBBBBB", field, 0)
    require(1 <= width < 2**31 and 1 <= height < 2**31, "it has no size")
    require(depth in _DEPTHS.get(colour_type, ()), "it has pixels of no known kind")
    require((compression, filtering) == (0, 0) and interlace in (0, 1), "it is packed in no known way")
    return width, height, colour_type


def _colours(colour_type: int, header: dict[bytes, memoryview]) -> Iterator[tuple[bytes, memoryview]]:
    """Give the palette, which only its own colour type needs (11.2.2), and what is transparent (11.3.1.1)."""
    palette, transparent = header.get(b"PLTE", memoryview(b"")), header.get(b"tRNS")
    if colour_type == _PALETTE:
        require(len(palette) % 3 == 0 and 1 <= len(palette) // 3 <= 256, "it has no palette")
        yield b"PLTE", palette
    if transparent is not None and colour_type in (_GREY, _RGB, _PALETTE):
        length = {_GREY: 2, _RGB: 6}.get(colour_type, len(palette) // 3)
        require(len(transparent) == length or colour_type == _PALETTE, "its transparency has another length")
        yield b"tRNS", transparent[:length]


def _chunk(kind: bytes, data: Sequence[memoryview]) -> list[bytes | memoryview]:
    checksum = zlib.crc32(kind)
    for part in data:
        checksum = zlib.crc32(part, checksum)
    return [struct.pack(">I", sum(map(len, data))), kind, *data, struct.pack(">I", checksum)]
