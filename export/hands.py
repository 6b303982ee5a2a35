"""Digits of other hands than MNIST's, drawn by a program from pen paths: what the training adds.

MNIST's writers were Americans of about 1990. Elsewhere a 1 has a flag and a foot, a 7 a bar, a 4 is closed; each shape
here is a function that draws its strokes anew on every call, within the ranges that make it that digit. A flagged 1
and a 7 are told apart as people do it: a 7's upper stroke is nearly level and long, a flag falls, or is short.

The card shows samples, `export/card/hands.png`.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Random = np.random.Generator
Stroke = NDArray[np.float64]
Strokes = Sequence[Stroke]
"""Polylines, float64 [n, 2] as x and y; y points down, and the digit is about 1 high."""

_PEN = (0.03, 0.22)  # width of the pen, of the digit's longer side
_JITTER = 0.018  # of the height: standard deviation of where the pen comes by
_OVERSAMPLING = 4


def _line(random: Random, *points: tuple[float, float]) -> Stroke:
    """Draw straight strokes from corner to corner, each a little bowed."""
    corners = np.array(points) + random.normal(0, _JITTER, (len(points), 2))
    parts = []
    for start, end in pairwise(corners):
        t = np.linspace(0, 1, 12)[:, None]
        across = np.array([start[1] - end[1], end[0] - start[0]])
        parts.append(start + (end - start) * t + across * (random.normal(0, 0.03) * 4 * t * (1 - t)))
    return np.concatenate(parts)


def _curve(random: Random, *points: tuple[float, float]) -> Stroke:
    """Draw a smooth stroke through points: a Catmull-Rom spline."""
    through = np.array(points) + random.normal(0, _JITTER, (len(points), 2))
    p = np.concatenate([2 * through[:1] - through[1:2], through, 2 * through[-1:] - through[-2:-1]])
    t = np.linspace(0, 1, 10)[:, None, None]
    a, b, c, d = p[None, :-3], p[None, 1:-2], p[None, 2:-1], p[None, 3:]
    spline = b + t * (c - a) / 2 + t**2 * (a - 2.5 * b + 2 * c - d / 2) + t**3 * ((d - a) / 2 + 1.5 * (b - c))
    return np.asarray(spline.transpose(1, 0, 2).reshape(-1, 2))


def _ring(random: Random, x: float, y: float, width: float, height: float, gap: float = 0.0) -> Stroke:
    """Draw a closed loop around a point, or one with a gap, of radians; or its ends cross."""
    start = random.uniform(-2.2, -0.9)
    angles = start - np.linspace(0, 2 * np.pi - gap, 14)
    return _curve(random, *zip(x + width / 2 * np.cos(angles), y + height / 2 * np.sin(angles), strict=True))


def _one(random: Random, flag: bool, foot: bool) -> Strokes:
    lean = random.uniform(-0.05, 0.05)
    strokes = [_line(random, (0, 0), (lean, 1))]
    if flag:
        fall = np.radians(random.uniform(28, 78))
        length = random.uniform(0.12, 0.32 + 0.5 * np.clip((fall - 0.5) / 0.4, 0, 1))
        end = (-length * float(np.cos(fall)), length * float(np.sin(fall)))
        bow = random.uniform(-0.04, 0.08)
        strokes.append(_curve(random, end, (end[0] / 2, end[1] / 2 + bow), (0, 0)))
    if foot:
        left, right = random.uniform(0.12, 0.32, 2)
        strokes.append(_line(random, (lean - left, 1), (lean + right, 1 + random.uniform(-0.04, 0.04))))
    return strokes


def _two(random: Random, loop: bool) -> Strokes:
    turn = random.uniform(0.2, 0.32)
    bow = [(-0.28, 0.25), (-0.1, 0.02), (0.15, 0.02), (0.28, turn), (0.1, 0.6)]
    if not loop:
        base = random.uniform(-0.05, 0.02)
        return [np.concatenate([_curve(random, *bow, (-0.3, 0.98)), _line(random, (-0.3, 0.98), (0.35, 0.98 + base))])]
    size = random.uniform(0.07, 0.14)
    knot = [(-0.22, 0.95), (-0.3, 0.9), (-0.22, 0.9 - size), (-0.05, 0.93)]
    return [_curve(random, *bow, *knot, (0.2, 1.0), (0.38, random.uniform(0.85, 0.98)))]


def _three_flat_top(random: Random) -> Strokes:
    middle = random.uniform(0.36, 0.46)
    top = _line(random, (-0.28, 0), (0.28, random.uniform(-0.04, 0.04)), (random.uniform(-0.08, 0.02), middle))
    belly = _curve(random, tuple(top[-1]), (0.28, 0.5), (0.32, 0.75), (0.1, 0.98), (-0.3, random.uniform(0.82, 0.92)))
    return [np.concatenate([top, belly])]


def _four(random: Random, is_open: bool) -> Strokes:
    bar, stem = random.uniform(0.55, 0.72), random.uniform(0.1, 0.22)
    right = stem + random.uniform(0.08, 0.2)
    if is_open:
        # The stem is as high as the rest, or hardly rises above the bar.
        left, high = random.uniform(-0.36, -0.24), random.uniform(0, bar - 0.08)
        bar += random.uniform(0, 0.08)
        top, end = (left + random.uniform(0, 0.4), 0.0), (right, bar + random.uniform(-0.16, 0.03))
        stroke = _line if random.random() < 0.6 else _curve
        return [
            stroke(random, top, (left, bar), end),
            _line(random, (stem + random.uniform(-0.02, 0.06), high), (stem, 1)),
        ]
    slope = _line(random, (stem, 0), (-0.36, bar), (right, bar))
    return [slope, _line(random, (stem, 0), (stem, 1))]


def _five(random: Random, strokes: int) -> Strokes:
    left, middle = random.uniform(-0.28, -0.2), random.uniform(0.38, 0.46)
    lean = random.uniform(0, 0.08)
    belly = ((left, middle), (0.08, middle - 0.06), (0.3, 0.66), (0.1, 0.97), (-0.32, random.uniform(0.82, 0.95)))
    top = (left + lean, 0.0)
    end = (random.uniform(0.2, 0.38), random.uniform(-0.06, 0.05))
    down = np.concatenate([_line(random, top, (left, middle)), _curve(random, *belly)])
    if strokes == 1:
        return [np.concatenate([_line(random, end, top), down])]
    away = random.uniform(-0.02, 0.1)
    return [down, _line(random, (top[0] + away, top[1] - random.uniform(-0.02, 0.06)), (end[0] + away, end[1]))]


def _six_tail(random: Random) -> Strokes:
    tail = random.uniform(0.05, 0.38)
    loop = random.uniform(0.48, 0.62)
    start = [(tail, random.uniform(-0.04, 0.12)), (-0.12, 0.25), (-0.28, 0.65), (-0.1, 0.98)]
    return [_curve(random, *start, (0.22, 0.85), (0.2, loop + 0.05), (-0.02, loop), (-0.26, 0.72))]


def _zero_tail(random: Random) -> Strokes:
    height, width = 1.0, random.uniform(0.5, 0.8)
    ring = _ring(random, 0, 0.5, width, height, gap=random.uniform(-0.5, 0.15))
    out = ring[-1] + np.array([random.uniform(0.05, 0.22), random.uniform(-0.35, 0.0)])
    return [np.concatenate([ring, _line(random, tuple(ring[-1]), tuple(out))])]


def _seven(random: Random, bar: bool, serif: bool, curl: bool) -> Strokes:
    width, fall = random.uniform(0.42, 0.7), random.uniform(-0.07, 0.07)
    left, right = -width / 2, width / 2
    foot = (random.uniform(-0.25, 0.05), 1.0)
    if curl:
        wave = random.uniform(0.04, 0.1)
        top = _curve(random, (left, 0.14), (left + 0.08, 0.02), (0, wave), (right, 0))
    else:
        top = _line(random, (left, fall), (right, 0))
    if random.random() < 0.5:
        stem = _line(random, (right, 0), foot)
    else:
        stem = _curve(random, (right, 0), ((right + foot[0]) / 2 - 0.08, 0.45), foot)
    strokes = [np.concatenate([top, stem])]
    if serif:
        strokes.append(_line(random, (left, fall), (left + random.uniform(-0.05, 0.04), random.uniform(0.1, 0.22))))
    if bar:
        at, half = random.uniform(0.4, 0.6), random.uniform(0.12, 0.25)
        x = right + (foot[0] - right) * at
        strokes.append(_line(random, (x - half, at + random.uniform(-0.04, 0.06)), (x + half, at)))
    return strokes


def _eight_circles(random: Random) -> Strokes:
    split = random.uniform(0.4, 0.5)
    gap = random.uniform(-0.03, 0.02)
    upper = _ring(random, random.uniform(-0.03, 0.03), split / 2, random.uniform(0.32, 0.5), split + gap, -0.2)
    return [upper, _ring(random, 0, (1 + split) / 2, random.uniform(0.4, 0.6), 1 - split + gap, -0.2)]


def _nine(random: Random, stem: str) -> Strokes:
    size = random.uniform(0.34, 0.56)
    width = random.uniform(0.32, 0.56)
    ring = _ring(random, 0, size / 2, width, size, gap=random.uniform(-0.2, 0.5))
    right = width / 2
    start = (right, random.uniform(0.02, size / 2))
    if stem == "straight":
        return [ring, _line(random, start, (right + random.uniform(-0.14, 0.03), 1))]
    if stem == "curved":
        return [ring, _curve(random, start, (right, 0.6), (right - 0.12, 0.92), (-0.25, random.uniform(0.85, 1.0)))]
    heel = (right + random.uniform(-0.08, 0.2), random.uniform(0.88, 0.98))
    foot = (heel[0] - random.uniform(0.22, 0.55), 1 + random.uniform(-0.06, 0.04))
    return [ring, _line(random, start, heel, foot)]


SHAPES: dict[str, tuple[int, Callable[[Random], Strokes]]] = {
    "1 with a flag": (1, lambda random: _one(random, flag=True, foot=False)),
    "1 with a foot": (1, lambda random: _one(random, flag=False, foot=True)),
    "1 with flag and foot": (1, lambda random: _one(random, flag=True, foot=True)),
    "7 plain": (7, lambda random: _seven(random, bar=False, serif=False, curl=False)),
    "7 with a bar": (7, lambda random: _seven(random, bar=True, serif=False, curl=False)),
    "7 with a curl": (7, lambda random: _seven(random, bar=random.random() < 0.5, serif=False, curl=True)),
    "7 with a serif": (7, lambda random: _seven(random, bar=random.random() < 0.5, serif=True, curl=False)),
    "4 open": (4, lambda random: _four(random, is_open=True)),
    "4 closed": (4, lambda random: _four(random, is_open=False)),
    "9 with a straight stem": (9, lambda random: _nine(random, "straight")),
    "9 with a curved stem": (9, lambda random: _nine(random, "curved")),
    "9 with a foot": (9, lambda random: _nine(random, "footed")),
    "6 with a tail": (6, _six_tail),
    "0 with a tail": (0, _zero_tail),
    "3 with a flat top": (3, _three_flat_top),
    "2 with a loop": (2, lambda random: _two(random, loop=True)),
    "2 without a loop": (2, lambda random: _two(random, loop=False)),
    "8 of two circles": (8, _eight_circles),
    "5 in one stroke": (5, lambda random: _five(random, 1)),
    "5 in two strokes": (5, lambda random: _five(random, 2)),
}
"""By its name, a shape's digit and its pen paths. The 1s and 7s, the most confused, are seven of twenty."""


def draw_shape(name: str, side: int, random: Random) -> NDArray[np.float32]:
    """Return a digit of a shape, drawn with a round pen, turned, slanted and stretched, somewhere in a square.

    Args:
        name: of the shape, see `SHAPES`.
        side: of the square, pixels.
        random: where chance comes from.

    Returns:
        float32 [side, side], 1 is ink.
    """
    strokes = SHAPES[name][1](random)
    turn = np.radians(random.normal(0, 4))
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.array(
        [[np.exp(random.normal(0, 0.15)), random.normal(-0.12, 0.12)], [0, 1]]
    )
    paths = [stroke @ matrix.T for stroke in strokes]
    every = np.concatenate(paths)
    low, high = every.min(0), every.max(0)
    length = side * random.uniform(0.45, 1.0)
    pen = max(length * np.exp(random.uniform(*np.log(_PEN))), 1.0)
    scale = (length - pen) / max(high - low)
    room = np.maximum(side - pen - (high - low) * scale, 0)
    shift = pen / 2 + room * random.random(2) - low * scale
    sheet = Image.new("L", (side * _OVERSAMPLING,) * 2)
    draw = ImageDraw.Draw(sheet)
    radius = pen * _OVERSAMPLING / 2
    for path in paths:
        points = (path * scale + shift) * _OVERSAMPLING
        draw.line([tuple(point) for point in points.tolist()], fill=255, width=max(round(2 * radius), 1), joint="curve")
        for x, y in points[[0, -1]].tolist():
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(np.asarray(sheet.reduce(_OVERSAMPLING), np.float32) / 255, np.float32)


def draw_samples(columns: int = 16, side: int = 48) -> Image.Image:
    """Return a sheet of samples, a row for each shape in the order of `SHAPES`."""
    sheet = Image.new("L", (columns * side, len(SHAPES) * side), 255)
    for row, name in enumerate(SHAPES):
        random = np.random.default_rng(row)
        for column in range(columns):
            ink = draw_shape(name, side - 4, random)
            sheet.paste(Image.fromarray(np.uint8(255 - ink * 255)), (column * side + 2, row * side + 2))
    return sheet
