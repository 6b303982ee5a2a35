"""What a kind of picture is: its name, the ranges it is drawn from, and who draws it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Range = tuple[float, float]

NO_DIGIT = -1
"""The label of a picture that shows no digit, or more than one."""


class Picture(NamedTuple):
    """What somebody sends: an image file, and the digit that it shows."""

    content: bytes
    label: int


@dataclass(frozen=True)
class Kind:
    """One kind of picture, and the ranges that its pictures are drawn from, each value as likely as any other.

    Attributes:
        title: for people.
        wanted: least share of its pictures that should be read.
        make: draws a picture.
        label: of all its pictures, which then show no digit of MNIST; `NO_DIGIT` where they show none at all.
        group: `canvas` and `photo` must be too hard for a normalisation that looks at the whole picture only.
        side: the picture's width and height, pixels, each on its own.
        margin: around a tight crop, of the digit's longer side.
        digit: the digit's longer side, of the picture's shorter side; evenly over its logarithm, for most people
            leave room.
        pen: width of the stroke, pixels.
        pen_of_digit: the same, of the digit's longer side; it bounds `pen`.
        pressure: how much the width changes along a stroke, of itself.
        stretch: the digit's width, times what it was.
        turn: degrees, of the digit and the paper under it.
        perspective: how much smaller the far edge is than the middle, of itself.
        light: brightness of white paper, of the camera's range.
        gradient: how much darker the light is at one edge than at the other.
        vignette: how much darker the corners are than the middle.
        shadow: how much light a shadow takes; three of five photos have one.
        penumbra: width of a shadow's edge, of the picture's longer side.
        blur: defocus, standard deviation in pixels.
        noise: of the sensor, standard deviation in grey levels of 255.
        contrast: of ink and paper, of 255.
        lines_per_digit: how many lines high the digit is.
        line_contrast: of the lines on the paper, of the ink's.
        quality: of the JPEG file.
    """

    title: str
    wanted: float
    make: "Callable[[Kind, np.random.Generator, NDArray[np.uint8]], bytes]"
    group: str = "other"
    label: int | None = None
    side: Range = (28, 28)
    margin: Range = (0, 0)
    digit: Range = (0.7, 0.7)
    pen: Range = (0, 1e9)
    pen_of_digit: Range = (0, 1e9)
    pressure: Range = (0, 0)
    stretch: Range = (1, 1)
    turn: Range = (0, 0)
    perspective: Range = (0, 0)
    light: Range = (1, 1)
    gradient: Range = (0, 0)
    vignette: Range = (0, 0)
    shadow: Range = (0, 0)
    penumbra: Range = (0, 0)
    blur: Range = (0, 0)
    noise: Range = (0, 0)
    contrast: Range = (255, 255)
    lines_per_digit: Range = (0, 0)
    line_contrast: Range = (0, 0)
    quality: Range = (95, 95)
