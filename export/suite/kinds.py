"""The table of the kinds, and their pictures."""

import zlib
from typing import Any

import numpy as np

from export.mnist import Digits
from export.suite import frames, hands, makers, not_digits
from export.suite.kind import NO_DIGIT, Kind, Picture
from export.suite.strokes import NoPenPath

_STEP = 7919
"""A prime, so that it has no factor in common with 5 000 or 10 000 digits."""


def make_picture(name: str, digits: Digits, index: int) -> Picture:
    """Return one picture of a kind.

    Args:
        name: of the kind, see `KINDS`, `HANDS` and `NOT_DIGITS`.
        digits: what to draw.
        index: which picture; from one to the next the digits are gone through in steps, so that a few pictures
            come from all over the set. Where the digit cannot be drawn with a pen, see `NoPenPath`, it is the
            one after.
    """
    kind, seed = (KINDS | HANDS | NOT_DIGITS)[name], zlib.crc32(name.encode())
    for chosen in (seed + index * _STEP + np.arange(len(digits))) % len(digits):
        random = np.random.default_rng([seed, index])
        try:
            content = kind.make(kind, random, digits.images[chosen])
        except NoPenPath:
            continue  # the next digit is drawn
        return Picture(content, int(digits.labels[chosen]) if kind.label is None else kind.label)
    raise ValueError("no digit can be drawn with a pen")


def make_pictures(name: str, digits: Digits, count: int) -> list[Picture]:
    """Return the first `count` pictures of a kind, see `make_picture`."""
    return [make_picture(name, digits, index) for index in range(count)]


_DRAWN: dict[str, Any] = {
    "side": (200, 700),
    "digit": (0.2, 0.6),
    "pen": (3, 20),
    "pen_of_digit": (0, 0.16),
    "turn": (-5, 5),
}
_TAKEN: dict[str, Any] = {
    "group": "photo",
    "side": (600, 1300),
    "digit": (0.2, 0.7),
    "pen": (2, 60),
    "turn": (-8, 8),
    "perspective": (0, 0.08),
    "pressure": (0.1, 0.35),
    "light": (0.65, 0.98),
    "gradient": (0.05, 0.35),
    "vignette": (0, 0.2),
    "shadow": (0.15, 0.45),
    "penumbra": (0.02, 0.15),
    "blur": (0.3, 1.6),
    "noise": (1.5, 6),
    "quality": (60, 92),
}
_LINED: dict[str, Any] = _TAKEN | {
    "group": "other",
    "digit": (0.25, 0.7),
    "pen_of_digit": (0.035, 0.1),
    "lines_per_digit": (1, 3),
    "line_contrast": (0.1, 0.55),
}
_FILED: dict[str, Any] = {"side": (40, 400), "digit": (0.4, 0.95)}
_CROPPED: dict[str, Any] = {"side": (20, 300), "pen_of_digit": (0.05, 0.16)}

KINDS: dict[str, Kind] = {
    "mnist": Kind("MNIST as it is", 0.997, makers.as_is),
    "inverted": Kind("MNIST inverted", 0.99, makers.inverted),
    "canvas": Kind("drawing canvas", 0.992, makers.canvas, "canvas", **_DRAWN),
    "canvas_stretched": Kind("drawing canvas, stretched", 0.992, makers.canvas, "canvas", **_DRAWN, stretch=(0.6, 1.6)),
    "transparent_black": Kind("transparent PNG, black ink", 0.992, makers.transparent_black, "canvas", **_DRAWN),
    "transparent_white": Kind("transparent PNG, white ink", 0.992, makers.transparent_white, "canvas", **_DRAWN),
    "chalk": Kind(
        "chalk on a board",
        0.99,
        makers.chalk,
        **_TAKEN | {"group": "other", "side": (400, 1000), "perspective": (0, 0.04)},
        pen_of_digit=(0.05, 0.14),
    ),
    "photo_pencil": Kind("photo of paper, pencil", 0.985, makers.pencil, **_TAKEN, pen_of_digit=(0.03, 0.1)),
    "photo_ball_pen": Kind("photo of paper, ball pen", 0.99, makers.ball_pen, **_TAKEN, pen_of_digit=(0.025, 0.09)),
    "one_pixel": Kind("mouse strokes of a pixel or two", 0.988, makers.mouse, digit=(0.5, 0.86), pen=(1, 2)),
    "bold": Kind("bold marker", 0.99, makers.bold, side=(200, 700), digit=(0.2, 0.95), pen=(0.3, 1.6), turn=(-5, 5)),
    "low_contrast": Kind(
        "low contrast", 0.99, makers.low_contrast, **_DRAWN, contrast=(25, 70), noise=(0, 1.5), quality=(75, 95)
    ),
    "ruled": Kind("ruled paper", 0.988, makers.ruled, **_LINED),
    "squared": Kind("squared paper", 0.988, makers.squared, **_LINED),
    "sixteen_bits": Kind("16-bit grey PNG", 0.99, makers.sixteen_bits, **_FILED, contrast=(60, 255)),
    "palette": Kind("palette PNG and GIF", 0.99, makers.palette, **_FILED, contrast=(100, 100)),
    "crop_0": Kind("tight crop, no margin", 0.98, frames.tight_crop, **_CROPPED),
    "crop_2": Kind("tight crop, 2 % margin", 0.99, frames.tight_crop, **_CROPPED, margin=(0.02, 0.02)),
    "crop_4": Kind("tight crop, 4 % margin", 0.993, frames.tight_crop, **_CROPPED, margin=(0.04, 0.04)),
    "scan_16": Kind("scan of 16×16, grey", 0.975, frames.scan, side=(16, 16)),
    "scan_16_bilevel": Kind("scan of 16×16, black and white", 0.975, frames.bilevel_scan, side=(16, 16)),
    "scan_32": Kind("scan of 32×32, grey", 0.975, frames.scan, side=(32, 32)),
    "scan_32_bilevel": Kind("scan of 32×32, black and white", 0.975, frames.bilevel_scan, side=(32, 32)),
}

_SHAPED: dict[str, Any] = {"side": (150, 400), "digit": (0.5, 0.9), "pen": (2, 60), "pen_of_digit": (0.03, 0.16)}

HANDS: dict[str, Kind] = {
    f"hand {name}": Kind(name, 0.995, hands.other_hand(shape), label=label, **_SHAPED, turn=(-5, 5))
    for name, (label, shape) in hands.SHAPES.items()
}

NOT_DIGITS: dict[str, Kind] = {
    "letter": Kind("capital letters that are no digit's shape", 0, not_digits.letter, label=NO_DIGIT, **_SHAPED),
    "scribble": Kind("scribbles", 0, not_digits.scribble, label=NO_DIGIT, **_SHAPED),
    "two_digits": Kind("two digits", 0, not_digits.two_digits, label=NO_DIGIT, **_SHAPED),
    "blank_canvas": Kind("an empty canvas", 0, not_digits.blank_canvas, label=NO_DIGIT, side=(28, 700)),
    "blank_paper": Kind("a photo of blank paper", 0, not_digits.blank_paper, label=NO_DIGIT, **_TAKEN),
}
