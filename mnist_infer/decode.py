"""From an image file to a grey picture. The only module that knows Pillow."""

import io
import logging
import re
import struct
import warnings
import zlib
from collections.abc import Callable
from importlib import import_module
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from mnist_infer.errors import ImageDamaged, ImageFormatUnknown, ImageTooLarge

# The platform sets the root logger to DEBUG, and Pillow would print dozens of lines per picture.
logging.getLogger("PIL").setLevel(logging.CRITICAL)

# Pillow warns of damage that it reads on over, and of sizes that it still takes.
warnings.filterwarnings("error", module=r"PIL\.")

# All that Pillow was seen to raise on a broken file, beside its own OSErrors.
_PILLOW_RAISES = (
    *(OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, ArithmeticError, AttributeError),
    *(AssertionError, RuntimeError, MemoryError, Warning, struct.error, zlib.error, Image.DecompressionBombError),
)


class _Format(NamedTuple):
    """A format that is read.

    Attributes:
        name: for people.
        module: Pillow's, imported when the first such file comes. `Image.open` would import every
            decoder there is to find the one, and run whatever it finds.
        decoder: its class in that module.
        bytes_per_pixel: memory that decoding takes, measured over all of its modes.
    """

    name: str
    module: str
    decoder: str
    bytes_per_pixel: float


# Of a phone's multi-picture JPEG the class for JPEG reads the first picture.
_PNG = _Format("PNG", "PIL.PngImagePlugin", "PngImageFile", 9.5)
_JPEG = _Format("JPEG", "PIL.JpegImagePlugin", "JpegImageFile", 9.3)
_BMP = _Format("BMP", "PIL.BmpImagePlugin", "BmpImageFile", 9.5)
_GIF = _Format("GIF", "PIL.GifImagePlugin", "GifImageFile", 9.5)
_WEBP = _Format("WebP", "PIL.WebPImagePlugin", "WebPImageFile", 20.0)
_TIFF = _Format("TIFF", "PIL.TiffImagePlugin", "TiffImageFile", 13.0)
_SIGNATURES = {
    re.compile(rb"\x89PNG\r\n\x1a\n"): _PNG,
    re.compile(rb"\xff\xd8\xff"): _JPEG,
    re.compile(rb"BM"): _BMP,
    re.compile(rb"GIF8[79]a"): _GIF,
    re.compile(rb"RIFF....WEBP", re.DOTALL): _WEBP,
    re.compile(rb"II\*\0|MM\0\*"): _TIFF,
}
_HEIC = re.compile(rb"....ftyp(hei|hev|mif|msf|avi)", re.DOTALL)

# A JPEG whose first scan holds all components is decoded as it is read, and halved on the way;
# any other is kept whole until its last scan.
_ONE_SCAN_JPEG_BYTES_PER_PIXEL = 1.5
_MOST_JPEG_SCANS = 32  # encoders write up to a dozen; each is a pass over the whole picture

# Each copy of a picture has a pointer to every row, and a decoder has rows of its own. In a picture
# of few columns or rows they outweigh the pixels, so each side counts as no shorter than this.
_SHORTEST_SIDE = 16

# What becomes 28x28 needs no more than this. A JPEG decoder halves the picture as it decodes, at a
# fraction of the time and memory, and what is still larger is averaged before anything else.
_DRAFT_SIDE = 720
_LARGEST_SIDE = 1024

_WHITE = 255


def decode(content: bytes, max_memory_bytes: int) -> NDArray[np.uint8]:
    """Return the picture that an image file holds, in grey.

    Transparent pixels become white, or black where the visible ones are mostly bright. The
    camera's orientation is applied; of an animation the first frame is taken.

    Args:
        content: a PNG, JPEG, BMP, GIF, WebP or TIFF file.
        max_memory_bytes: what decoding may take; judged by the header, before a pixel is decoded.

    Returns:
        uint8 [height, width], 0 is black, 255 is white; a large picture comes at a fraction of its
        size, at most 1024 in either direction.

    Raises:
        ImageFormatUnknown: the first bytes are of no known format.
        ImageTooLarge: the picture has too many pixels for a file of its format.
        ImageDamaged: the file is truncated or broken.
    """
    file_format = _find_format(content)
    decoder: Callable[[BinaryIO], Image.Image] = getattr(import_module(file_format.module), file_format.decoder)
    try:
        if file_format is _WEBP:  # its decoder takes the memory as it opens a file
            _refuse_above(max_memory_bytes, _WEBP.bytes_per_pixel, _read_webp_size(content))
        with decoder(io.BytesIO(content)) as image:
            one_scan = file_format is _JPEG and _has_one_scan(content)
            per_pixel = _ONE_SCAN_JPEG_BYTES_PER_PIXEL if one_scan else file_format.bytes_per_pixel
            _refuse_above(max_memory_bytes, per_pixel, image.size)
            image.draft("L", (_DRAFT_SIDE, _DRAFT_SIDE))
            return _to_grey(_reduce(image))
    except _PILLOW_RAISES as error:
        raise ImageDamaged("the image is truncated or damaged") from error


def _find_format(content: bytes) -> _Format:
    for signature, file_format in _SIGNATURES.items():
        if signature.match(content):
            return file_format
    if _HEIC.match(content):
        raise ImageFormatUnknown("HEIC and AVIF images are not read: send JPEG or PNG")
    raise ImageFormatUnknown("the data is no PNG, JPEG, BMP, GIF, WebP or TIFF image")


def _refuse_above(max_memory_bytes: int, bytes_per_pixel: float, size: tuple[int, int]) -> None:
    most_pixels = int(max_memory_bytes / bytes_per_pixel)
    if max(size[0], _SHORTEST_SIDE) * max(size[1], _SHORTEST_SIDE) > most_pixels:
        megapixels = most_pixels // 100_000 / 10
        raise ImageTooLarge(f"the image has more than {megapixels} megapixels, the most for a file of its kind")


def _read_webp_size(content: bytes) -> tuple[int, int]:
    """Return width and height from the first chunk.

    Source:
        RFC 9649: sections 2.5 (lossy), 3.4 (lossless, 14 bits each) and 2.7 (extended, 24 bits each).
    """
    chunk = content[12:16]
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    if chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8X":
        return int.from_bytes(content[24:27], "little") + 1, int.from_bytes(content[27:30], "little") + 1
    raise ValueError("no WebP chunk")


def _has_one_scan(content: bytes) -> bool:
    """Return whether a JPEG's first scan is its only one.

    Source:
        ITU-T T.81, annex B: segments with their length, SOF0 and SOF1 (sequential), SOS.
    """
    if content.count(b"\xff\xda") > _MOST_JPEG_SCANS:
        raise ValueError("too many scans")
    position, components = 2, 0
    while content[position] == 0xFF:
        marker = content[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        if marker == 0xDA:  # SOS
            return content[position + 4] == components
        if marker in (0xC0, 0xC1):
            components = content[position + 9]
        position += 2 + int.from_bytes(content[position + 2 : position + 4], "big")
    return False


def _reduce(image: Image.Image) -> Image.Image:
    """Average blocks of pixels, so that all that follows works on a small picture."""
    factor = -(-max(image.size) // _LARGEST_SIDE)
    if factor > 1:
        if image.mode.startswith("I;16"):
            image = image.convert("I")
        elif image.mode == "1":
            image = image.convert("L")
        elif image.mode == "P":
            image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        image = image.reduce(factor)
    ImageOps.exif_transpose(image, in_place=True)
    return image


def _to_grey(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode == "F" or image.mode.startswith("I"):  # more than 8 bits: convert("L") would clip
        return _by_range(np.asarray(image, np.float64))
    if image.has_transparency_data:
        return _on_paper(image)
    return np.asarray(image.convert("L"))


def _by_range(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    lowest, highest = values.min(), values.max()
    if not np.isfinite(highest - lowest):
        raise ValueError("pixels that are not numbers")
    return np.asarray(np.rint((values - lowest) * (_WHITE / max(highest - lowest, 1e-9))), np.uint8)


def _on_paper(image: Image.Image) -> NDArray[np.uint8]:
    """Lay a transparent picture on white or on black, whichever its visible part stands out from."""
    picture = image.convert("RGBA").convert("LA")
    seen, opacity = (np.asarray(band).sum(dtype=np.int64) for band in picture.convert("La").split())
    ink_is_bright = seen > opacity / 2
    paper = Image.new("L", picture.size, 0 if ink_is_bright else _WHITE)
    grey, alpha = picture.split()
    return np.asarray(Image.composite(grey, paper, alpha))
