"""Small valid image files, of every format and mode that is read and in every way that they are packed."""

import functools
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image, PngImagePlugin

from testbed.pictures import encode

WIDTH, HEIGHT = 13, 10
GREY = np.arange(WIDTH * HEIGHT, dtype=np.uint8).reshape(HEIGHT, WIDTH)


@functools.cache
def valid_images() -> dict[str, bytes]:
    """Return the files by their names."""
    return dict([*_png(), *_jpeg(), *_gif(), *_webp(), *_bmp()])


def picture(mode: str) -> Image.Image:
    """Return a small picture in which neighbours differ, half of it transparent where its mode can be."""
    image = Image.fromarray(GREY)
    if mode == "I;16":
        return Image.fromarray(GREY.astype(np.uint16) * 257)
    if mode in ("LA", "RGBA"):
        image.putalpha(Image.fromarray(np.where(GREY > 60, np.uint8(255), np.uint8(0))))
    return image.convert(mode)


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return one chunk of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(*chunks: bytes) -> bytes:
    """Return a PNG file of chunks."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def png_header(width: int, height: int, depth: int = 8, colour: int = 0, interlaced: int = 0) -> bytes:
    """Return the chunk that a PNG file begins with."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))


def bmp(header: bytes, content: bytes, palette: bytes = b"") -> bytes:
    """Return a BMP file; the header is all behind the file's own one."""
    start = 14 + len(header) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(content), 0, 0, start) + header + palette + content


def bmp_header(width: int, height: int, depth: int, compression: int = 0, size: int = 40) -> bytes:
    """Return a BMP file's second header."""
    return struct.pack("<IiiHHIIiiII", size, width, height, 1, depth, compression, 0, 2835, 2835, 0, 0)


def riff(*chunks: bytes, size: int | None = None) -> bytes:
    """Return a WebP file of chunks; `size` is what it says of itself."""
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def webp_chunk(kind: bytes, content: bytes, size: int | None = None) -> bytes:
    """Return one chunk of a WebP file; `size` is what it says of itself."""
    length = len(content) if size is None else size
    return kind + struct.pack("<I", length) + content + b"\0" * (len(content) % 2)


def exif_with_thumbnail() -> bytes:
    """Return EXIF with an orientation and, in a second directory, a JPEG thumbnail."""
    thumbnail = encode(picture("L"), "JPEG")
    first = struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, 6, 0, 26)
    second = struct.pack("<HHHIHH", 3, 0x0103, 3, 1, 6, 0)
    second += struct.pack("<HHIIHHIII", 0x0201, 4, 1, 68, 0x0202, 4, 1, len(thumbnail), 0)
    return b"Exif\0\0II*\0\x08\0\0\0" + first + second + thumbnail


def _png() -> Iterator[tuple[str, bytes]]:
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        yield f"png-{mode}", encode(picture(mode))
    yield "png-P-transparent", encode(picture("P"), transparency=3)
    yield "png-P-alphas", encode(picture("P"), transparency=bytes(range(100)))
    yield "png-RGB-transparent", encode(picture("RGB"), transparency=(1, 1, 1))
    yield "png-L-transparent", encode(picture("L"), transparency=7)
    yield from ((f"png-P-{bits}-bit", encode(picture("P"), bits=bits)) for bits in (1, 2, 4))
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Title", "three")
    texts.add_text("Comment", "three" * 30, zip=True)
    texts.add_itxt("Author", "name", "en", "name", zip=True)
    yield "png-texts", encode(picture("L"), pnginfo=texts)
    yield "png-profile", encode(picture("L"), icc_profile=bytes(200), gamma=0.5, dpi=(72, 72))
    yield "png-exif", encode(picture("L"), exif=exif_with_thumbnail())
    yield "png-animated", encode(picture("L"), save_all=True, append_images=[picture("L").rotate(180)], duration=9)
    yield "png-interlaced", png(png_header(8, 8, interlaced=1), chunk(b"IDAT", _interlaced()), chunk(b"IEND", b""))
    for colour, depth, row in ((2, 16, 6), (4, 16, 4), (6, 16, 8)):
        rows = zlib.compress((b"\0" + bytes(range(row))) * 2)
        yield f"png-{colour}-{depth}", png(png_header(1, 2, depth, colour), chunk(b"IDAT", rows), chunk(b"IEND", b""))


def _interlaced() -> bytes:
    """Return the packed rows of a grey picture of 8x8, in the seven passes of an interlaced PNG."""
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    passes = ((0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1))
    rows = [row for top, down, left, right in passes for row in pixels[top::down, left::right]]
    return zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))


def _jpeg() -> Iterator[tuple[str, bytes]]:
    for mode in ("L", "RGB", "CMYK"):
        yield f"jpeg-{mode}", encode(picture(mode), "JPEG")
        yield f"jpeg-{mode}-progressive", encode(picture(mode), "JPEG", progressive=True)
    yield "jpeg-sampled", encode(picture("RGB"), "JPEG", subsampling=0, optimize=True, comment=b"three")
    yield "jpeg-restarts", encode(picture("RGB").resize((40, 40)), "JPEG", restart_marker_blocks=1)
    yield "jpeg-profile", encode(picture("RGB"), "JPEG", icc_profile=bytes(200), dpi=(72, 72))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        yield f"jpeg-orientation-{orientation}", encode(picture("L"), "JPEG", exif=exif)
    yield "jpeg-thumbnail", encode(picture("L"), "JPEG", exif=exif_with_thumbnail())
    yield "jpeg-multi-picture", encode(picture("L"), "MPO", save_all=True, append_images=[picture("L")])
    yield "jpeg-large", encode(Image.new("L", (1100, 300)), "JPEG")


def _gif() -> Iterator[tuple[str, bytes]]:
    frames = {"save_all": True, "append_images": [picture("L").rotate(180), picture("L")], "duration": 50}
    for mode in ("1", "L", "P", "RGBA"):
        yield f"gif-{mode}", encode(picture(mode), "GIF")
    yield "gif-transparent", encode(picture("P"), "GIF", transparency=3, comment=b"three")
    yield "gif-interlaced", encode(picture("L").resize((32, 32)), "GIF", interlace=1)
    yield "gif-animated", encode(picture("L"), "GIF", loop=0, disposal=2, **frames)
    small = encode(picture("L").resize((4, 4)), "GIF")
    yield "gif-frame-smaller", small[:6] + struct.pack("<HH", WIDTH, HEIGHT) + small[10:]


def _webp() -> Iterator[tuple[str, bytes]]:
    for mode in ("L", "RGB", "RGBA"):
        yield f"webp-{mode}", encode(picture(mode), "WEBP")
        yield f"webp-{mode}-lossless", encode(picture(mode), "WEBP", lossless=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    yield "webp-exif", encode(picture("RGBA"), "WEBP", exif=exif, icc_profile=bytes(200))
    yield "webp-animated", encode(picture("RGB"), "WEBP", save_all=True, append_images=[picture("RGB").rotate(180)])


def _bmp() -> Iterator[tuple[str, bytes]]:
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        yield f"bmp-{mode}", encode(picture(mode), "BMP")
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    yield "bmp-16-bit-fields", bmp(bmp_header(2, 2, 16, 3), bytes(range(8)), masks)
    yield (
        "bmp-32-bit-fields",
        bmp(bmp_header(2, 2, 32, 3), bytes(range(16)), struct.pack("<III", 255 << 16, 65280, 255)),
    )
    yield "bmp-16-bit", bmp(bmp_header(2, 2, 16), bytes(range(8)))
    yield "bmp-upside-down", bmp(bmp_header(4, -2, 24), bytes(range(24)))
    yield "bmp-os2", bmp(struct.pack("<IHHHH", 12, 4, 2, 1, 24), bytes(range(24)))
