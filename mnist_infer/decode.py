"""From an image file to a grey picture. The only module that knows Pillow."""

import io
import logging
import struct
import warnings
import zlib
from importlib import import_module
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from mnist_infer.errors import ImageDamaged, ImageTooLarge
from mnist_infer.image_file import Picture, extract_picture
from mnist_infer.transparency import find_ground

# The platform sets the root logger to DEBUG, and Pillow would print dozens of lines per picture.
logging.getLogger("PIL").setLevel(logging.CRITICAL)

# Pillow warns of damage that it reads on over, and of sizes that it still takes.
warnings.filterwarnings("error", module=r"PIL\.")

# All that Pillow was seen to raise on a broken file, beside its own OSErrors.
_PILLOW_RAISES = (
    *(OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, ArithmeticError, AttributeError),
    *(AssertionError, RuntimeError, Warning, struct.error, zlib.error, Image.DecompressionBombError),
)


class _Decoder(NamedTuple):
    """Pillow's decoder of a format.

    Attributes:
        module: imported when the first such file comes. `Image.open` would import every decoder
            there is to find the one, and run whatever it finds.
        name: of its class in that module.
        bytes_per_pixel: memory that decoding takes, measured over all of its modes, for each pixel that comes out.
        has_drafts: whether it can give a picture at a half, a quarter or an eighth of its width and height.
    """

    module: str
    name: str
    bytes_per_pixel: float
    has_drafts: bool = False


_DECODERS = {
    "PNG": _Decoder("PIL.PngImagePlugin", "PngImageFile", 8.5),
    "JPEG": _Decoder("PIL.JpegImagePlugin", "JpegImageFile", 1.2, has_drafts=True),
    "CMYK JPEG": _Decoder("PIL.JpegImagePlugin", "JpegImageFile", 4.5, has_drafts=True),
    "BMP": _Decoder("PIL.BmpImagePlugin", "BmpImageFile", 5.5),
    "GIF": _Decoder("PIL.GifImagePlugin", "GifImageFile", 8.6),
    "WebP": _Decoder("PIL.WebPImagePlugin", "WebPImageFile", 17.6),
}

_DECODER_BYTES = 2_000_000  # its buffers, whatever the picture

# Each copy of a picture has a pointer to every row, and a decoder has rows of its own. In a picture
# of few columns or rows they outweigh the pixels, so each side counts as no shorter than this.
_MIN_SIDE = 16

# What becomes 28x28 needs no more than this. A JPEG decoder halves the picture as it decodes, at a
# fraction of the time and memory, and what is still larger is averaged before anything else.
_DRAFT_SIDE = 720
_MAX_SIDE = 1024
_GROUND_SIDE = 64  # pixels; enough to tell a sheet from ink

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a picture upright, by its orientation in Exif."""

_WHITE = 255


def decode(content: bytes, max_memory_bytes: int) -> NDArray[np.uint8]:
    """Return the picture that an image file holds, in grey.

    Behind what is transparent comes the paper that the picture brings along; behind ink alone white, or
    black if the ink is bright. The camera's orientation is applied; of an animation the first frame is taken.

    Args:
        content: a PNG, JPEG, BMP, GIF or WebP file.
        max_memory_bytes: what decoding may take; judged by the header, before a pixel is decoded.

    Returns:
        uint8 [height, width], 0 is black, 255 is white; a large picture comes at a fraction of its
        size, at most 1024 in either direction.

    Raises:
        ImageFormatUnknown: the first bytes are of no known format.
        ImageTooLarge: the picture has too many pixels for a file of its format, or takes too long.
        ImageDamaged: the file is truncated or broken.
    """
    picture = extract_picture(content)
    _check_memory(picture, max_memory_bytes)
    image = _decode(picture)
    if picture.frame and not image.has_transparency_data:  # with it, the decoder leaves the rest transparent
        alpha = Image.new("L", image.size)
        alpha.paste(_WHITE, picture.frame)
        image.putalpha(alpha)
        del alpha
    # One name, rebound step by step, frees each earlier picture: Python 3.10 keeps an argument until its call returns.
    if max(image.size) > _MAX_SIDE:
        image = _to_averageable(image)
        image = _reduce(image)
    if picture.orientation in _UPRIGHT:
        image = image.transpose(_UPRIGHT[picture.orientation])
    return _to_grey(image)


def _check_memory(picture: Picture, max_memory_bytes: int) -> None:
    decoder = _DECODERS[picture.kind]
    pixels = max(picture.width, _MIN_SIDE) * max(picture.height, _MIN_SIDE)
    scale = min(max(min(picture.width, picture.height) // _DRAFT_SIDE, 1), 8) if decoder.has_drafts else 1
    decoded_pixels = pixels / (1 << scale.bit_length() - 1) ** 2  # the scale is a power of two
    needed_bytes = decoded_pixels * decoder.bytes_per_pixel + picture.decoder_bytes
    available_bytes = max_memory_bytes - len(picture.content) - _DECODER_BYTES
    if needed_bytes > available_bytes:
        megapixels = max(available_bytes, 0) / needed_bytes * pixels // 100_000 / 10
        raise ImageTooLarge(f"the image has more than {megapixels} megapixels, the most for a file of its kind")


def _decode(picture: Picture) -> Image.Image:
    decoder = _DECODERS[picture.kind]
    open_image = getattr(import_module(decoder.module), decoder.name)
    try:
        image: Image.Image = open_image(io.BytesIO(picture.content))
        image.draft("L", (_DRAFT_SIDE, _DRAFT_SIDE))
        image.load()
    except _PILLOW_RAISES as error:
        raise ImageDamaged("the image is truncated or damaged") from error
    return image


def _to_averageable(image: Image.Image) -> Image.Image:
    """Return a picture in a mode whose values can be averaged."""
    if image.mode.startswith("I;16"):
        return image.convert("I")
    if image.mode == "1":
        return image.convert("L")
    if image.mode == "P":
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    return image


def _reduce(image: Image.Image) -> Image.Image:
    """Average blocks of pixels, so that all that follows works on a small picture."""
    return image.reduce(-(-max(image.size) // _MAX_SIDE))


def _to_grey(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode.startswith("I"):  # more than 8 bits: convert("L") would clip
        return _scale_to_8_bits(np.asarray(image, np.float64))
    if image.has_transparency_data:
        return _flatten_transparency(image)
    return np.asarray(image.convert("L"))


def _scale_to_8_bits(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    lowest, highest = values.min(), values.max()
    return np.asarray(np.rint((values - lowest) * (_WHITE / max(highest - lowest, 1e-9))), np.uint8)


def _flatten_transparency(image: Image.Image) -> NDArray[np.uint8]:
    """Lay a transparent picture on its own paper, or on what its ink stands out from."""
    if image.mode not in ("RGBA", "LA"):
        image = image.convert("RGBA")
    alpha = image.getchannel("A")
    on_black = ImageChops.multiply(image.convert("L"), alpha)
    left, top, right, bottom = box = alpha.getbbox() or (0, 0, 1, 1)
    factor = -(-max(right - left, bottom - top) // _GROUND_SIDE)
    ground = find_ground(*(np.asarray(plane.reduce(factor, box), np.float32) for plane in (on_black, alpha)))
    behind = np.rint(np.arange(_WHITE, -1, -1) * (ground / _WHITE)).astype(np.uint8)  # by the opacity before it
    return np.asarray(np.asarray(on_black) + behind[np.asarray(alpha)], np.uint8)
