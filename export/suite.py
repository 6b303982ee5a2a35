"""Pictures as people send them, made from MNIST's digits: the user-picture suite.

A digit of MNIST is 20x20 pixels of blurred ink. What a person would have drawn is won back from it
in two forms: the *outline*, enlarged, and the *strokes*, the path of the pen along the middle of the ink,
which can be drawn again with a pen of any width. Then it goes on a canvas, a board or a
sheet of paper, and becomes an image file.

A picture depends on its kind, its index and the digits alone: it has the same bytes on every run, in
whatever order the pictures are made. Nothing here is used in training.
"""

import io
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter
from scipy import ndimage
from skimage.measure import euler_number
from skimage.morphology import skeletonize

from export.mnist import Digits

Points = NDArray[np.float64]
Colour = tuple[int, int, int]
Range = tuple[float, float]


class Picture(NamedTuple):
    """What somebody sends: an image file, and the digit that it shows."""

    content: bytes
    label: int


class Blotted(Exception):
    """A pen so thick filled the digit's loops that the pen's path is not to be seen, as with one digit of 25."""


@dataclass(frozen=True)
class Kind:
    """One kind of picture, and the ranges that its pictures are drawn from, each value as likely as any other.

    Attributes:
        title: for people.
        wanted: least share of its pictures that should be read.
        make: draws a picture.
        group: `canvas` and `photo` must be too hard for a normalisation that looks at the whole picture only.
        side: the picture's width and height, pixels, each on its own.
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
    side: Range = (28, 28)
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


def make_picture(name: str, digits: Digits, index: int) -> Picture:
    """Return one picture of a kind.

    Args:
        name: of the kind, see `KINDS`.
        digits: what to draw.
        index: which picture; from one to the next the digits are gone through in steps, so that a few pictures
            come from all over the set. Where the digit cannot be drawn with a pen, see `Blotted`, it is the
            one after.
    """
    kind, seed = KINDS[name], zlib.crc32(name.encode())
    for chosen in (seed + index * _STEP + np.arange(len(digits))) % len(digits):
        random = np.random.default_rng([seed, index])
        try:
            return Picture(kind.make(kind, random, digits.images[chosen]), int(digits.labels[chosen]))
        except Blotted:
            continue  # the next digit is drawn
    raise ValueError("no digit can be drawn with a pen")


def make_pictures(name: str, digits: Digits, count: int) -> list[Picture]:
    """Return the first `count` pictures of a kind, see `make_picture`."""
    return [make_picture(name, digits, index) for index in range(count)]


_STEP = 7919
"""A prime, so that it has no factor in common with 5 000 or 10 000 digits."""

_INK_FROM = (110, 140, 170, 200)
"""Grey levels of 255 from which on MNIST's pixels, enlarged, are ink: the first, or another for loops nearly filled."""

_MOST_UNTOLD = 0.06
"""Share of a digit's ink that may lie beside the pen's path, see `Blotted`."""

_GRID = 4
"""Pixels of the outline to one of MNIST's."""

_FINE = 2
"""Pixels of the sheet that a pen draws on to one of the picture; more where the picture is small."""


# --- What the person drew -----------------------------------------------------------------------------------------


def outline(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return the digit's ink, enlarged and with smooth edges.

    Args:
        image: uint8 [28, 28], 255 is ink.

    Returns:
        bool [height, width], cropped to the ink, four pixels to one of MNIST's.
    """
    return _crop(_enlarge(image) > _INK_FROM[0])


def strokes(image: NDArray[np.uint8]) -> list[Points]:
    """Return the path of the pen: the middle line of the ink, without its short spurs.

    Args:
        image: uint8 [28, 28], 255 is ink.

    Returns:
        polylines, float64 [n, 2] as x and y; their longer extent together is 1, and their middle is the origin.

    Raises:
        Blotted: the ink has more than its middle line tells, so that the digit would be another one.
    """
    ink = np.pad(_crop(_open_loops(_enlarge(image))), 1)
    radius = ndimage.distance_transform_edt(ink)
    paths = _without_spurs(_trace(skeletonize(ink)), radius)
    if _untold(ink, radius, paths) > _MOST_UNTOLD:
        raise Blotted
    return _to_unit([_smooth(path) for path in _to_the_ends(paths, radius)])


def _enlarge(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    side = image.shape[0] * _GRID
    grey = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(grey.filter(ImageFilter.GaussianBlur(_GRID * 0.35)))


def _open_loops(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return the ink, taken from the grey level that shows the most loops without a line coming apart.

    A thick pen has filled small loops with grey, which the eye still sees through.
    """
    best, most_loops, parts = grey > _INK_FROM[0], -1, 0
    for level in _INK_FROM:
        ink = grey > level
        _, count = ndimage.label(ink, np.ones((3, 3)))
        gaps, loops = ndimage.label(~np.pad(ink, 1))
        loops = int((np.bincount(gaps.ravel())[2:] >= _GRID**2 / 2).sum())  # neither the ink nor what is around it
        if level == _INK_FROM[0]:
            parts = count
        if count == parts and loops > most_loops:
            best, most_loops = ink, loops
    return best


def _crop(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _to_unit(paths: Sequence[Points]) -> list[Points]:
    every = np.concatenate(paths)
    low, high = every.min(0), every.max(0)
    return [(path - (low + high) / 2) / max((high - low).max(), 1) for path in paths]


_Path = list[tuple[int, int]]


def _trace(skeleton: NDArray[np.bool_]) -> list[_Path]:
    """Return the paths between the ends and crossings of a line one pixel wide; a closed one ends where it began."""
    pixels = set(zip(*(axis.tolist() for axis in np.nonzero(skeleton)), strict=True))

    def neighbours(pixel: tuple[int, int]) -> _Path:
        row, column = pixel
        beside = ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1))
        straight = [p for p in beside if p in pixels]
        diagonal = [(row + i, column + j) for i in (-1, 1) for j in (-1, 1)]
        # Round a corner the way over the straight neighbour is the way.
        around = [p for p in diagonal if p in pixels and (p[0], column) not in pixels and (row, p[1]) not in pixels]
        return straight + around

    near = {pixel: neighbours(pixel) for pixel in sorted(pixels)}
    seen: set[frozenset[tuple[int, int]]] = set()
    paths = []

    def follow(start: tuple[int, int], following: tuple[int, int]) -> None:
        path = [start]
        while frozenset((path[-1], following)) not in seen:
            seen.add(frozenset((path[-1], following)))
            path.append(following)
            if len(near[following]) != 2:
                break
            following = next(p for p in near[following] if p != path[-2])
        if len(path) > 1:
            paths.append(path)

    for start in sorted(near, key=lambda pixel: len(near[pixel]) == 2):  # circles, without an end, come last
        for following in near[start]:
            follow(start, following)
    return paths or [[pixel, pixel] for pixel in list(near)[:1]]


def _without_spurs(paths: list[_Path], radius: NDArray[np.float64]) -> list[_Path]:
    """Leave out short paths with a loose end, which the skeleton grows towards corners of the ink."""
    count: dict[tuple[int, int], int] = {}
    for path in paths:
        for end in (path[0], path[-1]):
            count[end] = count.get(end, 0) + 1
    kept = []
    for path in paths:
        loose = [end for end in (path[0], path[-1]) if count[end] == 1]
        crossing = [end for end in (path[0], path[-1]) if count[end] > 1]
        if len(loose) == 1 and len(path) < 1.15 * radius[crossing[0]] + 1.5:
            continue
        kept.append(path)
    return kept or [max(paths, key=len)]


def _untold(ink: NDArray[np.bool_], radius: NDArray[np.float64], paths: Sequence[_Path]) -> float:
    """Return the share of the ink that lies further from the paths than the pen was wide."""
    rows, columns = np.array([pixel for path in paths for pixel in path]).T
    middle = np.zeros_like(ink)
    middle[rows, columns] = True
    reach = 1.5 * np.median(radius[middle]) + 1
    return float((ink & (ndimage.distance_transform_edt(~middle) > reach)).sum() / ink.sum())


def _to_the_ends(paths: list[_Path], radius: NDArray[np.float64]) -> list[Points]:
    """Return the paths as x and y, each led on to the edge of the ink: a skeleton ends half a stroke before it."""
    ends = [end for path in paths for end in (path[0], path[-1])]
    led_on = []
    for path in paths:
        points = np.array(path, np.float64)[:, ::-1]
        for _ in range(2):
            points = points[::-1]  # the end, then the beginning: two turns leave the order as it was
            row, column = (int(points[-1, 1]), int(points[-1, 0]))
            if ends.count((row, column)) == 1 and len(points) > 2:
                reach = float(radius[row, column]) * 0.7
                along = points[-1] - points[-min(len(points), 8)]
                steps = np.arange(1, int(reach) + 1)[:, None]
                points = np.concatenate([points, points[-1] + steps * along / max(float(np.hypot(*along)), 1e-9)])
        led_on.append(points)
    return led_on


def _smooth(path: Points, sigma: float = 0.7 * _GRID) -> Points:
    """Return a path without the stairs of its pixels, with a point at every second of them; its ends stay."""
    closed = len(path) > 4 and bool((path[0] == path[-1]).all())
    if closed:
        smooth = ndimage.gaussian_filter1d(path[:-1], sigma, axis=0, mode="wrap")
        smooth = np.concatenate([smooth, smooth[:1]])
    else:
        # Mirrored in its end points, so that these stay where they are.
        before, after = 2 * path[0] - path[:0:-1], 2 * path[-1] - path[-2::-1]
        whole = np.concatenate([before, path, after])
        smooth = ndimage.gaussian_filter1d(whole, sigma, axis=0)[len(before) : len(before) + len(path)]
    chosen = np.arange(0, len(smooth), 2)
    return smooth[np.union1d(chosen, [len(smooth) - 1])]


# --- Geometry and pens ----------------------------------------------------------------------------------------------


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
        return flat / (1 + flat @ self.far)[:, None] + middle


def _view(kind: Kind, random: np.random.Generator, paths: Sequence[Points], pen: Callable[[float], float]) -> View:
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


def _pen(kind: Kind, random: np.random.Generator) -> Callable[[float], float]:
    """Choose a pen: a function from the digit's longer side to its width, both in pixels."""
    position = random.uniform()

    def width(side: float) -> float:
        low = max(kind.pen[0], kind.pen_of_digit[0] * side)
        high = max(low, min(kind.pen[1], kind.pen_of_digit[1] * side))
        return float(low + position * (high - low))

    return width


def _side(view: View) -> float:
    """Return the digit's longer side, pixels."""
    return float(np.linalg.norm(view.matrix[:, 1]))


def _draw(
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
    fine = _FINE if max(box) > 250 else 2 * _FINE
    sheet = Image.new("L", (box[0] * fine, box[1] * fine))
    draw = ImageDraw.Draw(sheet)
    for path in paths:
        points = (path - (left, top)) * fine
        wave = random.uniform(0, 2 * np.pi, 2) + np.outer(np.arange(len(points)) / 40, [2 * np.pi, 5 * np.pi])
        radii = width * fine / 2 * (1 + pressure * np.sin(wave).mean(1))
        for (x, y), radius in zip(points.tolist(), radii.tolist(), strict=True):
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
        for start, end, radius in zip(points[:-1], points[1:], radii[:-1].tolist(), strict=True):
            draw.polygon(_band(start, end, radius), fill=255)
    ink = Image.new("L", size)
    ink.paste(sheet.reduce(fine), (left, top))
    return ink


def _band(start: Points, end: Points, radius: float) -> list[tuple[float, float]]:
    """Return the corners of a line of some width."""
    along = end - start
    across = np.array([-along[1], along[0]]) * radius / max(float(np.hypot(*along)), 1e-9)
    return [tuple(corner) for corner in (start + across, end + across, end - across, start - across)]


def _stamp(view: View, shape: NDArray[np.bool_]) -> Image.Image:
    """Lay an outline into the picture: an image of mode L, 255 is ink."""
    unit = 1 / max(shape.shape)
    shape = np.pad(shape, _GRID)
    inverse = np.linalg.inv(view.matrix * unit)
    middle = np.array(shape.shape[::-1]) / 2
    offset = middle - inverse @ view.shift
    data = (*inverse[0], offset[0], *inverse[1], offset[1])
    grey = Image.fromarray(shape.astype(np.uint8) * 255).filter(ImageFilter.GaussianBlur(_GRID * 0.3))
    scale = 4 if max(view.size) < 200 else 1
    fine = tuple(value if i == 2 or i == 5 else value / scale for i, value in enumerate(data))
    large = (view.size[0] * scale, view.size[1] * scale)
    return grey.transform(large, Image.Transform.AFFINE, fine, Image.Resampling.BICUBIC).reduce(scale)


def _corners(shape: NDArray[np.bool_]) -> list[Points]:
    """Return the box of an outline in the units of strokes."""
    half = np.array(shape.shape[::-1]) / max(shape.shape) / 2
    return [np.array([-half, half])]


# --- Light, noise and files -----------------------------------------------------------------------------------------


@cache
def _noise_sheet() -> NDArray[np.float32]:
    """Return a sheet of normal noise, float32, from which pictures take pieces: to make it anew takes too long."""
    return np.random.default_rng(1).standard_normal((2048, 2048), np.float32)


def _noise(random: np.random.Generator, size: tuple[int, int], deviation: float) -> Image.Image:
    """Return noise around 128, an image of mode L."""
    left, top = (int(random.integers(2048 - length + 1)) for length in size)
    piece = _noise_sheet()[top : top + size[1], left : left + size[0]]
    return Image.fromarray((piece * np.float32(deviation) + np.float32(128.5)).clip(0, 255).astype(np.uint8))


def _grain(random: np.random.Generator, size: tuple[int, int], grain: float, low: float) -> Image.Image:
    """Return what paper or board leaves of the ink: noise with grains of some pixels, from `low` of 255 upwards."""
    small = (max(round(size[0] / grain), 1), max(round(size[1] / grain), 1))
    noise = np.asarray(_noise(random, small, 60), np.float32) / 255
    level = (low + (1 - low) * (noise * 1.6 - 0.1).clip(0, 1)) * 255
    return Image.fromarray(level.astype(np.uint8)).resize(size, Image.Resampling.BILINEAR)


def _light(kind: Kind, random: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """Return how bright white paper is: a gradient, the corners' vignette and perhaps a shadow, of mode L."""
    small = (round(size[0] / 8), round(size[1] / 8))
    y, x = np.mgrid[-1 : 1 : small[1] * 1j, -1 : 1 : small[0] * 1j]
    angle = random.uniform(0, 2 * np.pi)
    light = 1 - random.uniform(*kind.gradient) * (1 + (np.cos(angle) * x + np.sin(angle) * y) / np.sqrt(2)) / 2
    light *= 1 - random.uniform(*kind.vignette) * (x**2 + y**2) / 2
    if random.uniform() < 0.6:
        light *= 1 - random.uniform(*kind.shadow) * _shadow(kind, random, small)
    level = (light * random.uniform(*kind.light) * 255).clip(0, 255).astype(np.uint8)
    return Image.fromarray(level).resize(size, Image.Resampling.BICUBIC)


def _shadow(kind: Kind, random: np.random.Generator, size: tuple[int, int]) -> NDArray[np.float64]:
    """Return the shadow of a phone or of a hand that reaches in from an edge: float64 [height, width], 1 is full."""
    longer = max(size)
    mask = Image.new("L", size)
    draw = ImageDraw.Draw(mask)
    angle = random.uniform(0, 2 * np.pi)
    inwards = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-inwards[1], inwards[0]])
    tip = np.array(size) / 2 - inwards * longer * random.uniform(-0.25, 0.3)
    if random.uniform() < 0.5:
        half = across * longer * random.uniform(0.15, 0.35)
        back = tip - inwards * longer * 1.5
        draw.polygon([tuple(corner) for corner in (tip - half, tip + half, back + half, back - half)], fill=255)
    else:
        palm = random.uniform(0.18, 0.3) * longer
        for i in range(4):
            finger = tip + across * palm * (i - 1.5) * 0.55 - inwards * palm * abs(i - 1.3) * 0.25
            knuckle = finger - inwards * palm * 1.2
            draw.line((*finger, *knuckle), fill=255, width=max(round(palm * 0.42), 1))
            r = palm * 0.21
            draw.ellipse((*(finger - r), *(finger + r)), fill=255)
        arm = tip - inwards * palm * 1.6
        draw.ellipse((*(arm - palm), *(arm + palm)), fill=255)
        draw.line((*arm, *(arm - inwards * longer * 1.5)), fill=255, width=max(round(palm * 1.3), 1))
    soft = mask.filter(ImageFilter.GaussianBlur(random.uniform(*kind.penumbra) * longer / 2))
    return np.asarray(soft, np.float64) / 255


def _tinted(light: Image.Image, colour: Colour) -> Image.Image:
    """Return a surface of a colour in a light."""
    channels = [light.point([round(level * part / 255) for level in range(256)]) for part in colour]
    return Image.merge("RGB", channels)


def _save(image: Image.Image, file_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def _save_jpeg(kind: Kind, random: np.random.Generator, image: Image.Image) -> bytes:
    return _save(image, "JPEG", quality=round(random.uniform(*kind.quality)))


def _near(random: np.random.Generator, colour: Colour, spread: int) -> Colour:
    """Return a colour like another."""
    red, green, blue = (int(c) for c in (np.array(colour) + random.integers(-spread, spread + 1, 3)).clip(0, 255))
    return red, green, blue


def _choose(random: np.random.Generator, options: Sequence[Colour]) -> Colour:
    return options[int(random.integers(len(options)))]


# --- Pictures -------------------------------------------------------------------------------------------------------


def _as_is(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:  # noqa: ARG001
    return _save(Image.fromarray(image), "PNG")


def _inverted(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:  # noqa: ARG001
    return _save(Image.fromarray(255 - image), "PNG")


def _pen_drawing(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> tuple[Image.Image, View, float]:
    """Draw the digit's strokes: the ink of mode L, how it lies, and the pen's width."""
    paths = strokes(image)
    pen = _pen(kind, random)
    view = _view(kind, random, paths, pen)
    width = pen(_side(view))
    placed = [view.place(path) for path in paths]
    return _draw(view.size, placed, width, random, random.uniform(*kind.pressure)), view, width


def _canvas(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    ink, _, _ = _pen_drawing(kind, random, image)
    colour = _choose(random, [(0, 0, 0), (0, 0, 0), (40, 40, 40), (0, 0, 170), (150, 0, 0)])
    picture = Image.composite(Image.new("RGB", ink.size, colour), Image.new("RGB", ink.size, (255, 255, 255)), ink)
    return _save(picture, "PNG", compress_level=1)


def _transparent_black(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    return _transparent(kind, random, image, 0)


def _transparent_white(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    return _transparent(kind, random, image, 255)


def _transparent(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8], grey: int) -> bytes:
    """Put ink of one grey level on nothing; under nothing there is black, as a browser's canvas has it, or the ink."""
    ink, _, _ = _pen_drawing(kind, random, image)
    below = grey if random.uniform() < 0.5 else 0
    level = ink.point([below] + [grey] * 255)
    picture = Image.merge("LA", (level, ink)) if random.uniform() < 0.3 else Image.merge("RGBA", (level,) * 3 + (ink,))
    return _save(picture, "PNG", compress_level=1)


_BOARDS: tuple[Colour, ...] = ((38, 70, 52), (24, 26, 28), (28, 36, 66), (66, 46, 34))
_CHALKS: tuple[Colour, ...] = ((240, 240, 235), (240, 240, 235), (245, 232, 160), (240, 190, 200), (170, 205, 240))


def _chalk(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    ink, view, width = _pen_drawing(kind, random, image)
    size = view.size
    grain = _grain(random, size, max(width / 8, 1), 0.35)
    chalk = ImageChops.multiply(ink.filter(ImageFilter.GaussianBlur(random.uniform(*kind.blur))), grain)
    smeared = ink.filter(ImageFilter.BoxBlur((width * random.uniform(0.3, 1), width * random.uniform(0.1, 0.4))))
    smear = random.uniform(0.05, 0.25)
    chalk = ImageChops.lighter(chalk, smeared.point([round(level * smear) for level in range(256)]))
    board = _tinted(_light(kind, random, size), _near(random, _choose(random, _BOARDS), 10))
    wiped = _noise(random, (max(size[0] // 60, 2), max(size[1] // 60, 2)), random.uniform(3, 8))
    cloud = wiped.resize(size, Image.Resampling.BICUBIC)
    board = ImageChops.add(board, Image.merge("RGB", (cloud,) * 3), offset=-128)
    picture = Image.composite(Image.new("RGB", size, _choose(random, _CHALKS)), board, chalk)
    return _save_jpeg(kind, random, _with_noise(kind, random, picture))


def _with_noise(kind: Kind, random: np.random.Generator, picture: Image.Image) -> Image.Image:
    noise = _noise(random, picture.size, random.uniform(*kind.noise))
    return ImageChops.add(picture, Image.merge("RGB", (noise,) * 3), offset=-128)


_PAPERS: tuple[Colour, ...] = ((255, 255, 255), (252, 250, 244), (250, 244, 228), (244, 247, 255))
_BALL_PENS: tuple[Colour, ...] = ((28, 40, 120), (20, 30, 90), (30, 30, 34), (150, 30, 40))
_PENCILS: tuple[Colour, ...] = ((70, 70, 74), (90, 90, 94), (105, 105, 108))
_LINES: tuple[Colour, ...] = ((120, 150, 200), (130, 130, 135), (190, 130, 140), (120, 170, 150))


def _pencil(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    """Photograph a pencil's line: grey, and broken by the tooth of the paper."""
    ink, view, width = _pen_drawing(kind, random, image)
    ink = ImageChops.multiply(ink, _grain(random, view.size, max(width / 5, 1), 0.55))
    return _photo(kind, random, ink, _choose(random, _PENCILS))


def _ball_pen(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    ink, view, width = _pen_drawing(kind, random, image)
    ink = ImageChops.multiply(ink, _grain(random, view.size, max(width, 1), 0.8))
    return _photo(kind, random, ink, _choose(random, _BALL_PENS))


def _photo(
    kind: Kind, random: np.random.Generator, ink: Image.Image, colour: Colour, lines: Image.Image | None = None
) -> bytes:
    """Photograph a sheet of paper.

    Args:
        kind: its ranges.
        random: chooses.
        ink: mode L, 255 is ink.
        colour: of the ink.
        lines: mode L, 255 is as dark as the ink.
    """
    light = _light(kind, random, ink.size)
    blur = ImageFilter.GaussianBlur(random.uniform(*kind.blur))
    picture = _tinted(light, _near(random, _choose(random, _PAPERS), 3))
    inked = _tinted(light, colour)
    if lines is not None:
        picture = Image.composite(_tinted(light, _choose(random, _LINES)), picture, lines.filter(blur))
    picture = Image.composite(inked, picture, ink.filter(blur))
    return _save_jpeg(kind, random, _with_noise(kind, random, picture))


def _ruled(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    return _on_lines(kind, random, image, squared=False)


def _squared(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    return _on_lines(kind, random, image, squared=True)


def _on_lines(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8], squared: bool) -> bytes:
    """Write on a sheet with lines, and scan it, straight and evenly lit, or photograph it."""
    is_scan = random.uniform() < 0.5
    if is_scan:
        kind = replace(kind, **_SCAN)
    ink, view, _ = _pen_drawing(kind, random, image)
    colour = _choose(random, _BALL_PENS + _PENCILS)
    spacing = 1 / random.uniform(*kind.lines_per_digit)
    wanted = random.uniform(*kind.line_contrast) * (255 - _grey(colour))
    width = random.uniform(0.02, 0.05) * spacing * _side(view)
    phase = random.uniform(0, spacing, 2)
    lines = _lines(view, spacing, phase, max(width, 1.0), squared)
    line = _choose(random, _LINES)
    strength = min(1.0, wanted / (255 - _grey(line)))
    lines = lines.point([round(level * strength) for level in range(256)])
    return _photo(kind, random, ink, colour, lines)


def _grey(colour: Colour) -> float:
    """Return a colour's brightness, 0 to 255 (ITU-R BT.601)."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def _lines(view: View, spacing: float, phase: Points, width: float, squared: bool) -> Image.Image:
    """Draw the lines of a sheet, horizontal or also vertical: mode L."""
    fine = 2
    sheet = Image.new("L", (view.size[0] * fine, view.size[1] * fine))
    draw = ImageDraw.Draw(sheet)
    reach = 2 * max(view.size) / _side(view)
    for at in np.arange(-np.ceil(reach / spacing), np.ceil(reach / spacing)) * spacing:
        ends = [np.array([[-reach, at + phase[1]], [reach, at + phase[1]]])]
        if squared:
            ends.append(np.array([[at + phase[0], -reach], [at + phase[0], reach]]))
        for line in ends:
            start, end = view.place(line) * fine
            draw.polygon(_band(start, end, width * fine / 2), fill=255)
    return sheet.reduce(fine)


def _mouse(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    """Draw with a pen of one or two whole pixels, without any grey, on a white picture as small as MNIST's."""
    paths = strokes(image)
    view = _view(kind, random, paths, lambda _: 2)
    picture = Image.new("L", view.size, 255)
    draw = ImageDraw.Draw(picture)
    width = int(random.integers(round(kind.pen[0]), round(kind.pen[1]) + 1))
    for path in paths:
        points = [tuple(point) for point in np.rint(view.place(path) - 0.5).astype(int).tolist()]
        draw.line(points, fill=0, width=width)
        if width == 1:
            draw.point(points, fill=0)
    return _save(picture, "PNG")


def _bold(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    """Draw with a broad marker: the outline grown, as far as its loops stay open."""
    shape = np.pad(outline(image), 2 * _GRID)
    distance = ndimage.distance_transform_edt(~shape)
    room = ndimage.distance_transform_edt(~shape & ndimage.binary_fill_holes(shape)).max()
    most = random.uniform(*kind.pen) * _GRID
    if room:
        most = min(most, max(room - 1.2 * _GRID, 0))
    grown = shape
    while most >= 0.5:
        grown = distance <= most
        if euler_number(grown) == euler_number(shape):
            break
        most -= 0.5
        grown = shape
    grown = _crop(grown)
    view = _view(kind, random, _corners(grown), lambda _: 2)
    ink = _stamp(view, grown)
    colour = _choose(random, [(20, 20, 20), (20, 20, 20), (30, 30, 150), (170, 20, 30), (10, 100, 50)])
    picture = Image.composite(Image.new("RGB", ink.size, colour), Image.new("RGB", ink.size, (255, 255, 255)), ink)
    return _save_jpeg(kind, random, picture)


def _low_contrast(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    ink, view, _ = _pen_drawing(kind, random, image)
    contrast = random.uniform(*kind.contrast)
    paper = random.uniform(contrast, 255)
    level = paper - contrast
    if random.uniform() < 0.5:
        paper, level = level, paper
    picture = Image.composite(Image.new("L", view.size, round(level)), Image.new("L", view.size, round(paper)), ink)
    noise = _noise(random, view.size, random.uniform(*kind.noise))
    return _save_jpeg(kind, random, ImageChops.add(picture, noise, offset=-128))


def _file_drawing(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> Image.Image:
    """Lay the digit's outline on a picture: mode L, 255 is ink."""
    shape = outline(image)
    return _stamp(_view(kind, random, _corners(shape), lambda _: 2), shape)


def _sixteen_bits(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    ink = np.asarray(_file_drawing(kind, random, image), np.float64) / 255
    contrast = random.uniform(*kind.contrast) * 257
    dark = random.uniform(0, 65535 - contrast)
    level = dark + contrast * (1 - ink if random.uniform() < 0.5 else ink)
    return _save(Image.fromarray(np.rint(level).astype(np.uint16)), "PNG")


def _palette(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    """Save the picture with 2 to 16 colours, from the paper's to the ink's."""
    ink = np.asarray(_file_drawing(kind, random, image), np.float64) / 255
    contrast = random.uniform(*kind.contrast)
    while True:
        first, second = random.integers(0, 256, (2, 3))
        if abs(_grey(tuple(first)) - _grey(tuple(second))) >= contrast:
            break
    colours = int(random.choice([2, 4, 16]))
    picture = Image.fromarray(np.rint(ink * (colours - 1)).astype(np.uint8)).convert("L")
    steps = np.linspace(0, 1, colours)[:, None]
    table = np.rint(first * (1 - steps) + second * steps).astype(np.uint8)
    indexed = Image.frombytes("P", picture.size, picture.tobytes())
    indexed.putpalette(table.tobytes())
    return _save(indexed, "GIF" if random.uniform() < 0.5 else "PNG")


_DRAWN = {"side": (200, 700), "digit": (0.2, 0.6), "pen": (3, 20), "pen_of_digit": (0, 0.16), "turn": (-5, 5)}
_TAKEN = {
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
_SCAN = {
    "turn": (-2, 2),
    "perspective": (0, 0),
    "light": (0.94, 1),
    "gradient": (0, 0.04),
    "vignette": (0, 0),
    "shadow": (0, 0),
    "noise": (0.5, 2),
    "side": (300, 900),
}
_LINED = _TAKEN | {
    "group": "other",
    "digit": (0.25, 0.7),
    "pen_of_digit": (0.035, 0.1),
    "lines_per_digit": (1, 3),
    "line_contrast": (0.1, 0.55),
}
_FILED = {"side": (40, 400), "digit": (0.4, 0.95)}

KINDS: dict[str, Kind] = {
    "mnist": Kind("MNIST as it is", 0.997, _as_is),
    "inverted": Kind("MNIST inverted", 0.99, _inverted),
    "canvas": Kind("drawing canvas", 0.99, _canvas, "canvas", **_DRAWN),
    "canvas_stretched": Kind("drawing canvas, stretched", 0.99, _canvas, "canvas", **_DRAWN, stretch=(0.6, 1.6)),
    "transparent_black": Kind("transparent PNG, black ink", 0.99, _transparent_black, "canvas", **_DRAWN),
    "transparent_white": Kind("transparent PNG, white ink", 0.99, _transparent_white, "canvas", **_DRAWN),
    "chalk": Kind(
        "chalk on a board",
        0.99,
        _chalk,
        **_TAKEN | {"group": "other", "side": (400, 1000), "perspective": (0, 0.04)},
        pen_of_digit=(0.05, 0.14),
    ),
    "photo_pencil": Kind("photo of paper, pencil", 0.97, _pencil, **_TAKEN, pen_of_digit=(0.03, 0.1)),
    "photo_ball_pen": Kind("photo of paper, ball pen", 0.97, _ball_pen, **_TAKEN, pen_of_digit=(0.025, 0.09)),
    "one_pixel": Kind("mouse strokes of a pixel or two", 0.95, _mouse, digit=(0.5, 0.86), pen=(1, 2)),
    "bold": Kind("bold marker", 0.99, _bold, side=(200, 700), digit=(0.2, 0.95), pen=(0.3, 1.6), turn=(-5, 5)),
    "low_contrast": Kind(
        "low contrast", 0.99, _low_contrast, **_DRAWN, contrast=(25, 70), noise=(0, 1.5), quality=(75, 95)
    ),
    "ruled": Kind("ruled paper", 0.95, _ruled, **_LINED),
    "squared": Kind("squared paper", 0.95, _squared, **_LINED),
    "sixteen_bits": Kind("16-bit grey PNG", 0.99, _sixteen_bits, **_FILED, contrast=(60, 255)),
    "palette": Kind("palette PNG and GIF", 0.99, _palette, **_FILED, contrast=(100, 100)),
}
