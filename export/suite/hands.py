"""Digits of other hands than MNIST's, composed of arcs and lines.

Their shapes are those that MNIST's American writers hardly knew. Nothing here is shared with what the training draws.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from export.suite.kind import Kind
from export.suite.light import save
from export.suite.pen import choose_pen, choose_view, digit_side, draw_paths
from export.suite.strokes import Points, scale_to_unit

Random = np.random.Generator
Shape = Callable[[Random], list[Points]]
"""Draws a digit anew: polylines, float64 [n, 2] as x and y; y points down, and the digit is about 1 high."""


def _segment(*corners: tuple[float, float]) -> Points:
    """Return straight lines from corner to corner, with points on the way."""
    at = np.arange(len(corners))
    fine = np.linspace(0, len(corners) - 1, 16 * (len(corners) - 1) + 1)
    return np.stack([np.interp(fine, at, axis) for axis in zip(*corners, strict=True)], axis=1)


def _arc(x: float, y: float, radius_x: float, radius_y: float, first: float, last: float) -> Points:
    """Return an arc of an ellipse around a point, from one angle to another: degrees, clockwise from the right."""
    angle = np.radians(np.linspace(first, last, 40))
    return np.stack([x + radius_x * np.cos(angle), y + radius_y * np.sin(angle)], axis=1)


def _joined(*parts: Points) -> Points:
    return np.concatenate(parts)


def _one(flag: bool, foot: bool) -> Shape:
    def shape(random: Random) -> list[Points]:
        end = random.uniform(-0.04, 0.04)
        paths = [_segment((0, 0), (end, 1))]
        if flag:
            # A long flag falls steeply: long and nearly level it would be a 7.
            steepness = random.uniform(0, 1)
            angle, length = np.radians(30 + 40 * steepness), random.uniform(0.15, 0.3 + 0.35 * steepness)
            paths.append(_segment((-length * np.cos(angle), length * np.sin(angle)), (0, 0)))
        if foot:
            half = random.uniform(0.14, 0.3)
            paths.append(_segment((end - half, 1), (end + half * random.uniform(0.7, 1.2), 1)))
        return paths

    return shape


def _seven(bar: bool, curl: bool, serif: bool) -> Shape:
    def shape(random: Random) -> list[Points]:
        width, foot = random.uniform(0.45, 0.65), random.uniform(0.1, 0.3)
        if curl:
            half = width / 4
            top = _joined(_arc(half, 0.04, half, 0.05, 180, 360), _arc(3 * half, 0.04, half, 0.05, 180, 0))
            top = _joined(top, _segment((width, 0.04), (width, 0)))
        else:
            top = _segment((0, random.uniform(-0.03, 0.05)), (width, 0))
        paths = [_joined(top, _segment((width, 0), (foot, 1)))]
        if serif:
            paths.append(_segment((0, 0.02), (random.uniform(-0.03, 0.03), random.uniform(0.12, 0.2))))
        if bar:
            at = random.uniform(0.42, 0.58)
            middle = width + (foot - width) * at
            half = random.uniform(0.13, 0.22)
            paths.append(_segment((middle - half, at + random.uniform(-0.02, 0.04)), (middle + half, at)))
        return paths

    return shape


def _four(is_open: bool) -> Shape:
    def shape(random: Random) -> list[Points]:
        bar, stem = random.uniform(0.56, 0.7), random.uniform(0.42, 0.55)
        right = stem + random.uniform(0.1, 0.22)
        if is_open:
            # Some begin above the stem, which then hardly rises over the bar.
            slope = random.uniform(0, 1)
            top, high = 0.05 + 0.35 * slope, random.uniform(0.02 + 0.3 * slope, bar - 0.1)
            rise = random.uniform(0, 0.12 * slope)
            return [_segment((top, 0), (0, bar), (right, bar - rise)), _segment((stem, high), (stem - 0.02, 1))]
        return [_segment((stem, 0), (0, bar), (right, bar)), _segment((stem, 0), (stem, 1))]

    return shape


def _nine(stem: str) -> Shape:
    def shape(random: Random) -> list[Points]:
        radius, height = random.uniform(0.19, 0.27), random.uniform(0.22, 0.28)
        loop = _arc(0, height, radius, height, 0, -360)
        if stem == "straight":
            tail = _segment((radius, height * 0.8), (radius - random.uniform(0, 0.1), 1))
        elif stem == "curved":
            deep = random.uniform(0.9, 1.0) - 0.55
            tail = _joined(
                _segment((radius, height), (radius, 0.55)), _arc(0, 0.55, radius, deep, 0, random.uniform(110, 165))
            )
        else:
            heel = (radius + random.uniform(0, 0.16), random.uniform(0.92, 1))
            foot = (heel[0] - random.uniform(0.22, 0.5), 1 + random.uniform(-0.03, 0.03))
            tail = _segment((radius, height * 0.8), heel, foot)
        return [_joined(loop, tail)]

    return shape


def _six_with_tail(random: Random) -> list[Points]:
    loop = random.uniform(0.2, 0.26)
    back = _arc(0.5, 0.74, 0.5 + random.uniform(0, 0.08), 0.74, random.uniform(265, 300), 180)
    return [_joined(back, _arc(loop + back[-1, 0], 0.74, loop, 0.26, 180, -180))]


def _zero_with_tail(random: Random) -> list[Points]:
    radius = random.uniform(0.27, 0.38)
    start = random.uniform(270, 310)
    ring = _arc(0, 0.5, radius, 0.5, start, start - 360 - random.uniform(0, 20))
    x, y = ring[-1]
    return [_joined(ring, _segment((x, y), (x + random.uniform(0.08, 0.2), y - random.uniform(0, 0.28))))]


def _three_with_flat_top(random: Random) -> list[Points]:
    middle, width = random.uniform(0.36, 0.44), random.uniform(0.44, 0.58)
    corner = (width * random.uniform(0.45, 0.6), middle)
    half = (1 - middle) / 2
    belly = _arc(corner[0] - 0.04, middle + half, random.uniform(0.26, 0.34), half, -88, random.uniform(130, 160))
    return [_joined(_segment((0, 0), (width, 0), corner), belly)]


def _two(loop: bool) -> Shape:
    def shape(random: Random) -> list[Points]:
        radius = random.uniform(0.24, 0.3)
        bow = _arc(radius, 0.29, radius, 0.29, random.uniform(180, 205), 375)
        base = 2 * radius + random.uniform(0, 0.1)
        if not loop:
            return [_joined(bow, _segment(tuple(bow[-1]), (0, 1), (base, 1 - random.uniform(0, 0.05))))]
        size = random.uniform(0.06, 0.1)
        knot = _arc(0.08, 0.92, 0.1, size, -40, -320)
        return [_joined(bow, _segment(tuple(bow[-1]), tuple(knot[0])), knot, _segment(tuple(knot[-1]), (base, 0.98)))]

    return shape


def _eight_of_circles(random: Random) -> list[Points]:
    split = random.uniform(0.42, 0.5)
    upper, lower = random.uniform(0.18, 0.24), random.uniform(0.22, 0.29)
    return [
        _arc(0, split / 2, upper, split / 2, 0, 360),
        _arc(random.uniform(-0.02, 0.02), (1 + split) / 2, lower, (1 - split) / 2, 0, 360),
    ]


def _five(strokes: int) -> Shape:
    def shape(random: Random) -> list[Points]:
        middle, width = random.uniform(0.38, 0.45), random.uniform(0.4, 0.55)
        half = (1 - middle + 0.04) / 2
        belly = _arc(0.2, middle + half - 0.04, random.uniform(0.26, 0.34), half, -125, random.uniform(120, 150))
        down = _joined(_segment((0.05, 0), (0.01, middle)), belly)
        if strokes == 1:
            return [_joined(_segment((width, random.uniform(-0.03, 0.03)), (0.05, 0)), down)]
        lift = random.uniform(0, 0.05)
        return [down, _segment((0.06 + lift, -lift), (width + lift, -lift - random.uniform(-0.02, 0.04)))]

    return shape


SHAPES: dict[str, tuple[int, Shape]] = {
    "1 with a flag": (1, _one(flag=True, foot=False)),
    "1 with a foot": (1, _one(flag=False, foot=True)),
    "1 with flag and foot": (1, _one(flag=True, foot=True)),
    "7 with a bar": (7, _seven(bar=True, curl=False, serif=False)),
    "7 with a curl": (7, _seven(bar=False, curl=True, serif=False)),
    "7 with a serif": (7, _seven(bar=False, curl=False, serif=True)),
    "4, open": (4, _four(is_open=True)),
    "4, closed": (4, _four(is_open=False)),
    "9 with a straight stem": (9, _nine("straight")),
    "9 with a curved stem": (9, _nine("curved")),
    "9 with a foot": (9, _nine("footed")),
    "6 with a tail": (6, _six_with_tail),
    "0 with a tail": (0, _zero_with_tail),
    "3 with a flat top": (3, _three_with_flat_top),
    "2 with a loop": (2, _two(loop=True)),
    "2 without a loop": (2, _two(loop=False)),
    "8 of two circles": (8, _eight_of_circles),
    "5 in one stroke": (5, _five(1)),
    "5 in two strokes": (5, _five(2)),
}
"""By its name, a shape's digit and its paths."""


def other_hand(shape: Shape) -> Callable[[Kind, Random, NDArray[np.uint8]], bytes]:
    """Return what draws a shape on a canvas, by a hand that trembles, slants and stretches it."""

    def make(kind: Kind, random: Random, image: NDArray[np.uint8]) -> bytes:  # noqa: ARG001
        paths = [_trembled(random, path) for path in shape(random)]
        slant, width = random.uniform(-0.1, 0.35), random.uniform(0.8, 1.25)
        paths = scale_to_unit([path @ np.array([[width, 0], [-slant, 1]]) for path in paths])
        pen = choose_pen(kind, random)
        view = choose_view(kind, random, paths, pen)
        ink = draw_paths(view.size, [view.place(path) for path in paths], pen(digit_side(view)), random)
        return save(ink.point([255 - level for level in range(256)]), "PNG")

    return make


def _trembled(random: Random, path: Points) -> Points:
    """Return a path that two slow waves have moved."""
    along = np.linspace(0, 1, len(path))[:, None]
    waves = [np.sin(2 * np.pi * (along * speed + random.uniform(0, 1, 2))) for speed in (0.6, 1.7)]
    return np.asarray(path + random.normal(0, 0.012, 2) * waves[0] + random.normal(0, 0.008, 2) * waves[1])
