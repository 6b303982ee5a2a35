"""What a walk hands on, and how it reads fields."""

import struct
from typing import Any, NamedTuple

from mnist_infer.errors import ImageDamaged

UPRIGHT = 1
"""The orientation of a picture that is not to be turned, as Exif numbers them."""


class Picture(NamedTuple):
    """A file of one picture and nothing besides.

    Attributes:
        kind: `PNG`, `JPEG`, `CMYK JPEG`, `BMP`, `GIF` or `WebP`.
        width: in pixels, as the decoder will have it.
        height: the same.
        content: the file, written anew.
        orientation: 1 to 8, how Exif says that the picture is to be turned.
        decoder_bytes: memory that the decoder needs besides the pixels: a JPEG's coefficients, where they are kept
            until its last scan, or the tables of a lossless WebP.
        frame: left, upper, right and lower edge of what the file has pixels for; the rest is transparent. None where
            that is all, or the decoder itself leaves the rest transparent.
    """

    kind: str
    width: int
    height: int
    content: bytes
    orientation: int = UPRIGHT
    decoder_bytes: int = 0
    frame: tuple[int, int, int, int] | None = None


def damaged(rule: str) -> ImageDamaged:
    """Return the error of a file that breaks a rule."""
    return ImageDamaged(f"the image is truncated or damaged: {rule}")


def require(condition: object, rule: str) -> None:
    """Refuse a file that breaks a rule.

    Raises:
        ImageDamaged: the condition is false.
    """
    if not condition:
        raise damaged(rule)


def unpack(layout: str, content: bytes | memoryview, position: int) -> tuple[Any, ...]:
    """Return the fields at a position, as `struct` lays them out.

    Raises:
        ImageDamaged: the file ends before.
    """
    require(position + struct.calcsize(layout) <= len(content), "it ends too early")
    return struct.unpack_from(layout, content, position)
