"""Costly WebP files."""

import struct
from collections.abc import Callable
from functools import partial

from PIL import Image

from testbed.costly.budget import MAX_BYTES
from testbed.costly.making import HUGE, Makers, exif_files, repeated
from testbed.pictures import encode
from testbed.valid_images import riff, valid_images, webp_chunk

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

    @property
    def length(self) -> int:
        return 8 * len(self._whole) + self._length

    def content(self) -> bytes:
        return bytes(self._whole) + self._value.to_bytes((self._length + 7) // 8, "little")


def webp_files() -> Makers:
    for side in (28, 400, 600, 1024, 2520):
        for wide in (False, True):
            name = f"webp/lossless-codes-{side}-{'wide' if wide else 'narrow'}"
            yield name, partial(lossless_codes, side, wide)
        yield f"webp/alpha-codes-{side}", partial(alpha_codes, side)
    for size in ((2520, 2520), (16383, 390), (390, 16383), (16383, 16383)):
        for lossless in (False, True):
            name = f"{size[0]}x{size[1]}-{'lossless' if lossless else 'lossy'}"
            if size[0] * size[1] < 10**7:
                yield f"webp/{name}", partial(canvas_of, size, lossless)
            yield f"webp/{name}-in-the-header-only", partial(patched_size, size, lossless)
    for mode in ("RGB", "RGBA"):
        for lossless in (False, True):
            for noise in (0, 60):
                yield f"webp/largest-{mode}-{lossless}-{noise}", partial(largest, mode, lossless, noise)
    for kind in CHUNKS:
        for name, image in (("lossy", LOSSY), ("lossless", LOSSLESS)):
            for content in (b"", bytes(2**18)):
                block = webp_chunk(kind, content)
                yield f"webp/{kind.decode()}-{len(content)}-{name}", partial(many, block, image, name == "lossy")
    for length in (0, 7, HUGE, 2**32 - 1):
        yield f"webp/chunk-says-{length}", partial(chunk_says, length)
        yield f"webp/file-says-{length}", partial(repeated, riff(LOSSY, size=length), LOSSY)
    for place in (0, 99, 2**24 - 1):
        yield f"webp/frame-at-{place}", partial(animated, (28, 28), place, 1)
    for size in ((28, 28), (2520, 2520), (2**24, 2**24), (1, 2**24)):
        for frames in (1, 10**6):
            yield f"webp/animated-{size[0]}x{size[1]}-{frames}", partial(animated, size, 0, frames)
    for name, exif in exif_files().items():
        yield f"webp/exif-{name}", partial(with_exif, exif, 1)
        yield f"webp/exif-{name}-many", partial(with_exif, exif, MAX_BYTES)


EXTENDED = webp_chunk(b"VP8X", b"\x08\0\0\0" + (12).to_bytes(3, "little") + (9).to_bytes(3, "little"))


def many(block: bytes, image: bytes, before: bool) -> bytes:
    blocks = repeated(b"", block, most=MAX_BYTES - len(image) - 12)
    return riff(blocks, image) if before else riff(image, blocks)


def lossless_codes(side: int, wide: bool) -> bytes:
    return riff(webp_chunk(b"VP8L", many_codes(side, side, wide)))


def chunk_says(length: int) -> bytes:
    return riff(webp_chunk(b"ICCP", bytes(10**6), length), LOSSY)


def with_exif(exif: Callable[[], bytes], most: int) -> bytes:
    block = webp_chunk(b"EXIF", exif())
    return many(block, EXTENDED + LOSSY, False) if most > len(block) else riff(EXTENDED, LOSSY, block)


def canvas_of(size: tuple[int, int], lossless: bool) -> bytes:
    return encode(Image.new("RGB", size), "WEBP", lossless=lossless, method=0, quality=0)


def patched_size(size: tuple[int, int], lossless: bool) -> bytes:
    width, height = size
    if lossless:
        packed = (width - 1) | (height - 1) << 14
        return riff(LOSSLESS[:9] + struct.pack("<I", packed) + LOSSLESS[13:])
    return riff(LOSSY[:14] + struct.pack("<HH", width, height) + LOSSY[18:])


def largest(mode: str, lossless: bool, noise: int) -> bytes:
    """Return a picture of as many pixels as are accepted."""
    image = Image.effect_noise((252, 250), noise).resize((2520, 2780), Image.Resampling.NEAREST).convert(mode)
    if mode == "RGBA":
        image.putalpha(image.getchannel(0))
    return encode(image, "WEBP", lossless=lossless, method=0, quality=30)


def animated(size: tuple[int, int], place: int, frames: int) -> bytes:
    canvas = b"\x02\0\0\0" + b"".join((side - 1).to_bytes(3, "little") for side in size)
    frame = place.to_bytes(3, "little") * 2 + (12).to_bytes(3, "little") + (9).to_bytes(3, "little") + bytes(4) + LOSSY
    head = webp_chunk(b"VP8X", canvas) + webp_chunk(b"ANIM", bytes(6))
    block = webp_chunk(b"ANMF", frame)
    return riff(head, block * min(frames, (MAX_BYTES - 100) // len(block)))


def alpha_codes(side: int) -> bytes:
    """Return a lossy picture whose transparency has as many codes as it can."""
    lossy = encode(Image.new("RGB", (side, side)), "WEBP", method=0)[12:]
    canvas = b"\x10\0\0\0" + (side - 1).to_bytes(3, "little") * 2
    alpha = b"\1" + many_codes(side, side)[5:]
    return riff(webp_chunk(b"VP8X", canvas), webp_chunk(b"ALPH", alpha), lossy)


ONE_SYMBOL = (0b0001, 4)  # a code of one symbol: simple, one, of one bit, zero


def many_codes(width: int, height: int, wide: bool = False) -> bytes:
    """Return a lossless picture in which each block of 4x4 pixels has five Huffman codes of its own: RFC 9649, 3.7."""
    bits = Bits()
    bits.add(0x2F | (width - 1) << 8 | (height - 1) << 22, 40)
    bits.add(0, 1)  # no transform
    bits.add(0, 1) if not wide else bits.add(1 | 11 << 1, 5)  # a colour cache of 2^11
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
    group = five_codes(wide)
    for _ in range(min(groups, (MAX_BYTES - 4_000_000) * 8 // group[1])):
        bits.add(*group)
    return bits.content() + bytes(width * height // 2 + 8)


def all_of_8_bits(bits: Bits, symbols: int) -> None:
    """Add a code in which the first 256 symbols have eight bits each."""
    bits.add(0, 1)
    bits.add(12 - 4, 4)
    for length in (0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1):  # of the code lengths 17, 18, 0, 1 to 5, 16, 6, 7, 8
        bits.add(length, 3)
    bits.add(0, 1)
    bits.add((1 << 256) - 1, symbols)


def five_codes(wide: bool) -> tuple[int, int]:
    """Return the bits of a group: of one symbol each, or for green of two, which all others' tables follow."""
    value, length = ONE_SYMBOL
    if wide:
        bits = Bits()
        for _ in range(5):
            long_codes(bits)
        content = bits.content()
        return int.from_bytes(content, "little"), bits.length
    return sum(value << length * code for code in range(5)), length * 5


def long_codes(bits: Bits) -> None:
    """Add a code with one symbol of each length from 1 to 14 and two of 15, the rest unused."""
    bits.add(0, 1)
    bits.add(19 - 4, 4)
    # Of the code lengths 17, 18, 0, 1 to 5, 16, 6 to 15: 0 and 1 to 15 in four bits each.
    for length in (0, 0, 4, 4, 4, 4, 4, 4, 0, *(4,) * 10):
        bits.add(length, 3)
    bits.add(1, 1)  # as many code lengths as follow
    bits.add(2, 3)
    bits.add(16 - 2, 6)
    for length in (*range(1, 16), 15):
        bits.add(int(f"{length:04b}"[::-1], 2), 4)
