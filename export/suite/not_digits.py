"""Pictures that show no digit, or two: what the function answers to them is measured, not judged."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from export.suite.kind import Kind
from export.suite.light import light_level, save, save_jpeg, tint, with_noise
from export.suite.pen import choose_pen, choose_view, digit_side, draw_paths
from export.suite.strokes import Points, scale_to_unit, strokes

_LETTERS = {
    "A": ["0,1 .5,0 1,1", ".2,.6 .8,.6"],
    "E": ["1,0 0,0 0,1 1,1", "0,.5 .8,.5"],
    "F": ["1,0 0,0 0,1", "0,.5 .8,.5"],
    "H": ["0,0 0,1", "1,0 1,1", "0,.5 1,.5"],
    "K": ["0,0 0,1", "1,0 0,.5 1,1"],
    "L": ["0,0 0,1 .8,1"],
    "M": ["0,1 0,0 .5,.6 1,0 1,1"],
    "N": ["0,1 0,0 1,1 1,0"],
    "T": ["0,0 1,0", ".5,0 .5,1"],
    "V": ["0,0 .5,1 1,0"],
    "W": ["0,0 .25,1 .5,.4 .75,1 1,0"],
    "X": ["0,0 1,1", "1,0 0,1"],
    "Y": ["0,0 .5,.5 1,0", ".5,.5 .5,1"],
}
"""Capitals of straight lines that are no digit's shape: their corners, x and y, y pointing down."""

_Random = np.random.Generator


def letter(kind: Kind, random: _Random, image: NDArray[np.uint8]) -> bytes:  # noqa: ARG001
    """Draw a capital letter on a canvas."""
    lines = _LETTERS[str(random.choice(list(_LETTERS)))]
    corners = [np.array([corner.split(",") for corner in line.split()], np.float64) for line in lines]
    width = random.uniform(0.5, 0.9)
    return _drawn(kind, random, [path * (width, 1) + random.normal(0, 0.02, path.shape) for path in corners])


def scribble(kind: Kind, random: _Random, image: NDArray[np.uint8]) -> bytes:  # noqa: ARG001
    """Draw a line that goes anywhere, on a canvas."""
    at = np.linspace(0, 1, int(random.integers(8, 20)))
    through = random.uniform(0, 1, (len(at), 2))
    fine = np.linspace(0, 1, 200)
    return _drawn(kind, random, [np.stack([np.interp(fine, at, axis) for axis in through.T], axis=1)])


def two_digits(kind: Kind, random: _Random, image: NDArray[np.uint8]) -> bytes:
    """Draw a number of two places, 11 to 99, on a canvas: a digit twice, with a gap between."""
    paths = strokes(image)
    every = np.concatenate(paths)
    width = float(np.ptp(every[:, 0]))
    beside = np.array([width + random.uniform(0.1, 0.4), 0])
    return _drawn(kind, random, [*paths, *[path + beside for path in paths]])


def blank_canvas(kind: Kind, random: _Random, image: NDArray[np.uint8]) -> bytes:  # noqa: ARG001
    """Send an empty canvas of one grey level."""
    width, height = (round(random.uniform(*kind.side)) for _ in range(2))
    return save(Image.new("L", (width, height), int(random.integers(256))), "PNG")


def blank_paper(kind: Kind, random: _Random, image: NDArray[np.uint8]) -> bytes:  # noqa: ARG001
    """Photograph an empty sheet of paper."""
    width, height = (round(random.uniform(*kind.side)) for _ in range(2))
    paper = tint(light_level(kind, random, (width, height)), (252, 250, 244))
    return save_jpeg(kind, random, with_noise(kind, random, paper))


def _drawn(kind: Kind, random: _Random, paths: Sequence[Points]) -> bytes:
    unit = scale_to_unit(paths)
    pen = choose_pen(kind, random)
    view = choose_view(kind, random, unit, pen)
    ink = draw_paths(view.size, [view.place(path) for path in unit], pen(digit_side(view)), random)
    return save(ink.point([255 - level for level in range(256)]), "PNG")
