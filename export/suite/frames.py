"""Pictures without a margin: crops close to the ink, and small scans that the digit fills."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from export.suite.kind import Kind
from export.suite.light import save
from export.suite.pen import draw_paths
from export.suite.strokes import GRID, outline, strokes


def tight_crop(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    """Crop a drawing to its ink and a margin: the outline, or the strokes of a pen."""
    length = round(random.uniform(*kind.side))
    ink = _filled(_outline_image(image) if random.uniform() < 0.5 else _drawn(kind, random, image), length)
    margin = round(random.uniform(*kind.margin) * length)
    sheet = Image.new("L", (ink.width + 2 * margin, ink.height + 2 * margin))
    sheet.paste(ink, (margin, margin))
    return save(_printed(random, sheet), "PNG")


def scan(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    """Scan a digit that fills a small square, in grey."""
    return save(_printed(random, _squared(kind, image)), "PNG")


def bilevel_scan(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    """Scan a digit that fills a small square, in black and white."""
    ink = _squared(kind, image).point([0] * 110 + [255] * 146)
    return save(_printed(random, ink).convert("1", dither=Image.Dither.NONE), "PNG")


def _outline_image(image: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(outline(image).astype(np.uint8) * 255)


def _drawn(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> Image.Image:
    """Draw the digit's strokes with a pen: mode L, 255 is ink, cropped to it."""
    side = 28 * GRID * 2
    paths = [path * side / 2 + side / 2 for path in strokes(image)]
    sheet = draw_paths((side, side), paths, random.uniform(*kind.pen_of_digit) * side / 2, random)
    return sheet.crop(sheet.getbbox())


def _filled(ink: Image.Image, length: int) -> Image.Image:
    """Scale ink so that its longer side has a length, pixels; each pixel is the average of what it covers."""
    scale = length / max(ink.size)
    size = (max(round(ink.width * scale), 1), max(round(ink.height * scale), 1))
    return ink.resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR)


def _squared(kind: Kind, image: NDArray[np.uint8]) -> Image.Image:
    """Return a square that the digit's longer side fills, mode L, 255 is ink."""
    side = round(kind.side[0])
    ink = _filled(_outline_image(image), side)
    sheet = Image.new("L", (side, side))
    sheet.paste(ink, ((side - ink.width) // 2, (side - ink.height) // 2))
    return sheet


def _printed(random: np.random.Generator, ink: Image.Image) -> Image.Image:
    """Return ink in black on white, or as often in white on black."""
    return ink if random.uniform() < 0.5 else ink.point([255 - level for level in range(256)])
