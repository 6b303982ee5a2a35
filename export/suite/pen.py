"""How the digit lies in the picture, and pens to draw it with."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from export.suite.kind import Kind
from export.suite.strokes import GRID, Points

_OVERSAMPLING = 2
"""Pixels of the sheet that a pen draws on to one of the picture; more where the picture is small."""


class View(NamedTuple):
    """How the digit and the paper under it lie in the picture.

    Attributes:
        size: of the picture, width and height in pixels.
        matrix: float64 [2, 2], from the digit's units to pixels.
        shift: float64 [2], where its middle comes to lie.
        far: float64 [2], perspective: what a pixel's distance from the middle of the picture is divided by, per pixel.
    """

    size: tuple[int, int]
    matrix: Points
    shift: Points
    far: Points

    def place(self, points: Points) -> Points:
        """Return where points of the paper, float64 [n, 2] in the digit's units, lie in the picture."""
        middle = np.array(self.size) / 2
        flat = points @ self.matrix.T + self.shift - middle
        return np.asarray(flat / (1 + flat @ self.far)[:, None] + middle)


def choose_view(
    kind: Kind, random: np.random.Generator, paths: Sequence[Points], pen: Callable[[float], float]
) -> View:
    """Choose how the digit lies: wholly in the picture, with its pen, and anywhere in it.

    Args:
        kind: its ranges.
        random: chooses.
        paths: the digit, its longer extent 1.
        pen: from the digit's longer side, pixels, to the width of the pen.
    """
    width, height = (round(random.uniform(*kind.side)) for _ in range(2))
    side = float(np.exp(random.uniform(*np.log(kind.digit)))) * min(width, height)
    angle = np.deg2rad(random.uniform(*kind.turn))
    stretch = random.uniform(*kind.stretch)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.diag([side * stretch, side])
    direction = random.uniform(0, 2 * np.pi)
    far = np.array([np.cos(direction), np.sin(direction)]) * random.uniform(*kind.perspective) / max(width, height) * 2
    every = np.concatenate(paths) @ matrix.T
    low, high = every.min(0), every.max(0)
    border = pen(side) / 2 + 1 + 0.05 * min(width, height) * (kind.group == "photo")
    room = np.array([width, height]) - 2 * border - (high - low)
    fits = min(1.0, *((np.array([width, height]) - 2 * border) / (high - low).clip(1e-6)))
    if fits < 1:  # a digit nearly as large as the picture, stretched or turned
        matrix, low, high = matrix * fits, low * fits, high * fits
        room = np.array([width, height]) - 2 * border - (high - low)
    shift = border - low + random.uniform(0, 1, 2) * room.clip(0)
    return View((width, height), matrix, shift, far)


def choose_pen(kind: Kind, random: np.random.Generator) -> Callable[[float], float]:
    """Choose a pen: a function from the digit's longer side to its width, both in pixels."""
    position = random.uniform()

    def width(side: float) -> float:
        low = max(kind.pen[0], kind.pen_of_digit[0] * side)
        high = max(low, min(kind.pen[1], kind.pen_of_digit[1] * side))
        return float(low + position * (high - low))

    return width


def digit_side(view: View) -> float:
    """Return the digit's longer side, pixels."""
    return float(np.linalg.norm(view.matrix[:, 1]))


def draw_paths(
    size: tuple[int, int], paths: Sequence[Points], width: float, random: np.random.Generator, pressure: float = 0
) -> Image.Image:
    """Draw paths with a round pen.

    Args:
        size: of the picture, pixels.
        paths: in pixels.
        width: of the pen, pixels.
        random: chooses where the pen is pressed harder.
        pressure: how much the width changes along a path, of itself.

    Returns:
        an image of mode L, 255 is ink.
    """
    every = np.concatenate(paths)
    reach = width * (1 + pressure) / 2 + 2
    left, top = np.maximum(np.floor(every.min(0) - reach), 0).astype(int).tolist()
    right, bottom = np.minimum(np.ceil(every.max(0) + reach), size).astype(int).tolist()
    box = (max(right - left, 1), max(bottom - top, 1))
    fine = _OVERSAMPLING if max(box) > 250 else 2 * _OVERSAMPLING
    sheet = Image.new("L", (box[0] * fine, box[1] * fine))
    draw = ImageDraw.Draw(sheet)
    for path in paths:
        points = (path - (left, top)) * fine
        wave = random.uniform(0, 2 * np.pi, 2) + np.outer(np.arange(len(points)) / 40, [2 * np.pi, 5 * np.pi])
        radii = width * fine / 2 * (1 + pressure * np.sin(wave).mean(1))
        for (x, y), radius in zip(points.tolist(), radii.tolist(), strict=True):
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
        for start, end, radius in zip(points[:-1], points[1:], radii[:-1].tolist(), strict=True):
            draw.polygon(band(start, end, radius), fill=255)
    ink = Image.new("L", size)
    ink.paste(sheet.reduce(fine), (left, top))
    return ink


def band(start: Points, end: Points, radius: float) -> list[tuple[float, float]]:
    """Return the corners of a line of some width."""
    along = end - start
    across = np.array([-along[1], along[0]]) * radius / max(float(np.hypot(*along)), 1e-9)
    return [tuple(corner) for corner in (start + across, end + across, end - across, start - across)]


def stamp(view: View, shape: NDArray[np.bool_]) -> Image.Image:
    """Lay an outline into the picture: an image of mode L, 255 is ink."""
    unit = 1 / max(shape.shape)
    shape = np.pad(shape, GRID)
    inverse = np.linalg.inv(view.matrix * unit)
    middle = np.array(shape.shape[::-1]) / 2
    offset = middle - inverse @ view.shift
    data = (*inverse[0], offset[0], *inverse[1], offset[1])
    grey = Image.fromarray(shape.astype(np.uint8) * 255).filter(ImageFilter.GaussianBlur(GRID * 0.3))
    scale = 4 if max(view.size) < 200 else 1
    fine = tuple(value if i == 2 or i == 5 else value / scale for i, value in enumerate(data))
    large = (view.size[0] * scale, view.size[1] * scale)
    return grey.transform(large, Image.Transform.AFFINE, fine, Image.Resampling.BICUBIC).reduce(scale)


def corners(shape: NDArray[np.bool_]) -> list[Points]:
    """Return the box of an outline in the units of strokes."""
    half = np.array(shape.shape[::-1]) / max(shape.shape) / 2
    return [np.array([-half, half])]
