"""From an image file to a grey picture. The only module that knows Pillow."""

import io
import logging
from collections.abc import Callable
from importlib import import_module
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from mnist_infer.errors import ImageDamaged, ImageFormatUnknown, ImageTooLarge

# The platform sets the root logger to DEBUG, and Pillow would print dozens of lines per picture.
logging.getLogger("PIL").setLevel(logging.CRITICAL)

# First bytes of a file, and Pillow's module and class for it. Of a phone's multi-picture JPEG the
# JPEG class reads the first picture. `Image.open` would import every decoder to find the one.
_DECODERS = {
    b"\x89PNG\r\n\x1a\n": ("PIL.PngImagePlugin", "PngImageFile"),
    b"\xff\xd8\xff": ("PIL.JpegImagePlugin", "JpegImageFile"),
    b"BM": ("PIL.BmpImagePlugin", "BmpImageFile"),
    b"GIF8": ("PIL.GifImagePlugin", "GifImageFile"),
    b"RIFF": ("PIL.WebPImagePlugin", "WebPImageFile"),
    b"II*\0": ("PIL.TiffImagePlugin", "TiffImageFile"),
    b"MM\0*": ("PIL.TiffImagePlugin", "TiffImageFile"),
}

# A JPEG decoder can halve the picture as it decodes, at a fraction of the time and memory.
# Half a megapixel is plenty for what becomes 28x28.
_DRAFT_SIZE = (720, 720)

_WHITE = 255


def decode(content: bytes, max_pixels: int) -> NDArray[np.uint8]:
    """Return the picture that an image file holds, in grey.

    Transparent pixels become white, or black where the visible ones are mostly bright. The
    camera's orientation is applied; of an animation the first frame is taken.

    Args:
        content: a PNG, JPEG, BMP, GIF, WebP or TIFF file.
        max_pixels: limit for width times height, checked before a pixel is decoded.

    Returns:
        uint8 [height, width], 0 is black, 255 is white. A large JPEG may come at 1/2, 1/4 or
        1/8 of its size.

    Raises:
        ImageFormatUnknown: the first bytes are of no known format.
        ImageTooLarge: the picture has more pixels than the limit.
        ImageDamaged: the file is truncated or broken.
    """
    open_image = _find_decoder(content)
    try:
        with open_image(io.BytesIO(content)) as image:
            if image.width * image.height > max_pixels:
                raise ImageTooLarge(f"the image has more than {max_pixels} pixels")
            image.draft("L", _DRAFT_SIZE)
            return _to_grey(ImageOps.exif_transpose(image))
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, IndexError, TypeError) as error:
        raise ImageDamaged("the image is truncated or damaged") from error


def _find_decoder(content: bytes) -> Callable[[BinaryIO], Image.Image]:
    for signature, (module, decoder) in _DECODERS.items():
        if content.startswith(signature):
            found: Callable[[BinaryIO], Image.Image] = getattr(import_module(module), decoder)
            return found
    raise ImageFormatUnknown("the data is no PNG, JPEG, BMP, GIF, WebP or TIFF image")


def _to_grey(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode == "F" or image.mode.startswith("I"):  # more than 8 bits: convert("L") would clip
        return _by_range(np.asarray(image, np.float64))
    if image.has_transparency_data:
        return _on_paper(np.asarray(image.convert("RGBA").convert("LA"), np.float32))
    return np.asarray(image.convert("L"))


def _by_range(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    lowest, highest = values.min(), values.max()
    if not np.isfinite(highest - lowest):
        raise ValueError("pixels that are not numbers")
    return np.asarray(np.rint((values - lowest) * (_WHITE / max(highest - lowest, 1e-9))), np.uint8)


def _on_paper(grey_and_alpha: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Lay a transparent picture on white or on black, whichever its visible part stands out from."""
    grey, alpha = grey_and_alpha[..., 0], grey_and_alpha[..., 1] / _WHITE
    ink_is_bright = (grey * alpha).sum() > alpha.sum() * (_WHITE / 2)
    paper = 0 if ink_is_bright else _WHITE
    return np.asarray(np.rint(grey * alpha + paper * (1 - alpha)), np.uint8)
