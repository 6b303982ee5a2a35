"""Costly GIF files."""

import struct
from functools import partial

from PIL import Image

from testbed.costly.budget import MAX_BYTES
from testbed.costly.making import Makers, repeated
from testbed.pictures import encode

END = b";"
SIDE = 3660  # as many pixels as a file of 10 MiB may have
LARGEST = 3790, 3790  # as a small one may
COMMENT, CONTROL, APPLICATION, TEXT = b"!\xfe", b"!\xf9", b"!\xff", b"!\x01"
FRAME_DATA = b"\x02\x4c\x01\0"


def gif_files() -> Makers:
    for name, label in (("comment", COMMENT), ("control", CONTROL), ("application", APPLICATION), ("text", TEXT)):
        for length in (0, 1, 255):
            block = label + (bytes([length]) + bytes(length) if length else b"") + b"\0"
            yield f"gif/{name}-many-of-{length}", partial(repeated, screen(), block, frame() + FRAME_DATA + END)
            if length:
                chain = partial(repeated, screen() + label, block[2:-1], b"\0" + frame() + FRAME_DATA + END)
                yield f"gif/{name}-in-blocks-of-{length}", chain
        yield f"gif/{name}-behind", partial(repeated, screen() + frame() + FRAME_DATA, label + b"\1\0\0", END)
        yield f"gif/{name}-without-end", partial(repeated, screen() + label, b"\1\0")
    for name, codes in (("clear", b"\x24\x49\x92"), ("zeros", b"\0"), ("ones", b"\xff"), ("mixed", bytes(range(256)))):
        for code_size in (0, 2, 8, 11, 12, 255):
            yield f"gif/codes-{name}-{code_size}", partial(coded, codes, code_size, SIDE)
    for length in (1, 2, 254):
        yield f"gif/pixels-in-blocks-of-{length}", partial(coded, b"\x24\x49\x92", 2, SIDE, length)
    for name, interlaced in (("plain", False), ("interlaced", True)):
        for transparent in (False, True):
            yield (
                f"gif/largest-{name}-{transparent}",
                partial(largest, *LARGEST, interlaced, transparent),
            )
    for width, height in ((65535, 200), (200, 65535), (65535, 1), (1, 65535)):
        yield f"gif/{width}x{height}", partial(largest, width, height, False, False)
    for width, height in ((65535, 200), (200, 65535), (65535, 1), (1, 65535), (65535, 65535), (0, 0)):
        yield f"gif/screen-{width}x{height}", partial(framed, screen(width, height), frame())
        yield f"gif/frame-{width}x{height}", partial(framed, screen(), frame(width, height))
        yield f"gif/frame-at-{width}-{height}", partial(framed, screen(), frame(left=width, top=height))
    yield "gif/frame-in-a-large-screen", partial(framed, screen(SIDE, SIDE), frame())
    yield "gif/frames-many", partial(repeated, screen(), frame(1, 1) + FRAME_DATA, END)
    yield "gif/colour-tables", partial(repeated, screen(), frame(1, 1, packed=0x87) + bytes(768) + FRAME_DATA, END)


def framed(start: bytes, descriptor: bytes) -> bytes:
    return start + descriptor + FRAME_DATA + END


def coded(codes: bytes, code_size: int, side: int, length: int = 255) -> bytes:
    """Return a picture with as many codes as the size limit allows, whatever they stand for."""
    room = (MAX_BYTES - 100) * length // (length + 1)
    if length < 3:
        block = bytes([length]) + codes[:length]
        return repeated(screen(side, side) + frame(side, side, code_size=code_size), block, b"\0" + END)
    data = codes * (room // len(codes))
    return screen(side, side) + frame(side, side, code_size=code_size) + blocks(data, length) + END


def largest(width: int, height: int, interlaced: bool, transparent: bool) -> bytes:
    """Return a picture of as many pixels as are accepted, its colours all used."""
    image = Image.linear_gradient("L").resize((width, height)).convert("P")
    image.putpalette(bytes(range(255, 0, -1)) * 3)  # no greys, which would be one byte a pixel
    return encode(image, "GIF", interlace=int(interlaced), **({"transparency": 3} if transparent else {}))


def screen(width: int = 28, height: int = 28) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(range(6))


def frame(width: int = 28, height: int = 28, left: int = 0, top: int = 0, packed: int = 0, code_size: int = 2) -> bytes:
    return b"," + struct.pack("<HHHHBB", left, top, width, height, packed, code_size)


def blocks(data: bytes, length: int) -> bytes:
    """Return data in blocks, with their terminator."""
    whole = len(data) - len(data) % length
    rest = data[whole:]
    parts = [bytes([length]) + data[start : start + length] for start in range(0, whole, length)]
    return b"".join(parts) + (bytes([len(rest)]) + rest if rest else b"") + b"\0"
