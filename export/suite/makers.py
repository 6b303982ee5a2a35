"""Draw pictures of every kind: a digit on a canvas, a board or a sheet of paper, as an image file."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter
from scipy import ndimage
from skimage.measure import euler_number

from export.suite.kind import Kind
from export.suite.light import (
    Colour,
    choose,
    grain_mask,
    light_level,
    noise_around_128,
    save,
    save_jpeg,
    tint,
    vary,
    with_noise,
)
from export.suite.pen import View, band, choose_pen, choose_view, corners, digit_side, draw_paths, stamp
from export.suite.strokes import GRID, Points, crop, outline, strokes


def as_is(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:  # noqa: ARG001
    """Send a digit of MNIST: light ink on black."""
    return save(Image.fromarray(image), "PNG")


def inverted(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:  # noqa: ARG001
    """Send a digit of MNIST, dark ink on white."""
    return save(Image.fromarray(255 - image), "PNG")


def _pen_drawing(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> tuple[Image.Image, View, float]:
    """Draw the digit's strokes: the ink of mode L, how it lies, and the pen's width."""
    paths = strokes(image)
    pen = choose_pen(kind, random)
    view = choose_view(kind, random, paths, pen)
    width = pen(digit_side(view))
    placed = [view.place(path) for path in paths]
    return draw_paths(view.size, placed, width, random, random.uniform(*kind.pressure)), view, width


def canvas(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    """Draw on the white canvas of a program or page."""
    ink, _, _ = _pen_drawing(kind, random, image)
    colour = choose(random, [(0, 0, 0), (0, 0, 0), (40, 40, 40), (0, 0, 170), (150, 0, 0)])
    picture = Image.composite(Image.new("RGB", ink.size, colour), Image.new("RGB", ink.size, (255, 255, 255)), ink)
    return save(picture, "PNG", compress_level=1)


def transparent_black(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    """Draw in black on a transparent canvas."""
    return _transparent(kind, random, image, 0)


def transparent_white(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    """Draw in white on a transparent canvas."""
    return _transparent(kind, random, image, 255)


def _transparent(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8], grey: int) -> bytes:
    """Put ink of one grey level on nothing; under nothing there is black, as a browser's canvas has it, or the ink."""
    ink, _, _ = _pen_drawing(kind, random, image)
    below = grey if random.uniform() < 0.5 else 0
    level = ink.point([below] + [grey] * 255)
    picture = Image.merge("LA", (level, ink)) if random.uniform() < 0.3 else Image.merge("RGBA", (level,) * 3 + (ink,))
    return save(picture, "PNG", compress_level=1)


_BOARDS: tuple[Colour, ...] = ((38, 70, 52), (24, 26, 28), (28, 36, 66), (66, 46, 34))
_CHALKS: tuple[Colour, ...] = ((240, 240, 235), (240, 240, 235), (245, 232, 160), (240, 190, 200), (170, 205, 240))


def chalk(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    """Photograph chalk on a board, smeared and wiped."""
    ink, view, width = _pen_drawing(kind, random, image)
    size = view.size
    grain = grain_mask(random, size, max(width / 8, 1), 0.35)
    chalk = ImageChops.multiply(ink.filter(ImageFilter.GaussianBlur(random.uniform(*kind.blur))), grain)
    smeared = ink.filter(ImageFilter.BoxBlur((width * random.uniform(0.3, 1), width * random.uniform(0.1, 0.4))))
    smear = random.uniform(0.05, 0.25)
    chalk = ImageChops.lighter(chalk, smeared.point([round(level * smear) for level in range(256)]))
    board = tint(light_level(kind, random, size), vary(random, choose(random, _BOARDS), 10))
    wiped = noise_around_128(random, (max(size[0] // 60, 2), max(size[1] // 60, 2)), random.uniform(3, 8))
    cloud = wiped.resize(size, Image.Resampling.BICUBIC)
    board = ImageChops.add(board, Image.merge("RGB", (cloud,) * 3), offset=-128)
    picture = Image.composite(Image.new("RGB", size, choose(random, _CHALKS)), board, chalk)
    return save_jpeg(kind, random, with_noise(kind, random, picture))


SCAN: dict[str, Any] = {
    "turn": (-2, 2),
    "perspective": (0, 0),
    "light": (0.94, 1),
    "gradient": (0, 0.04),
    "vignette": (0, 0),
    "shadow": (0, 0),
    "noise": (0.5, 2),
    "side": (300, 900),
}
"""Ranges of a flat, evenly lit sheet, in place of a photo's."""

_PAPERS: tuple[Colour, ...] = ((255, 255, 255), (252, 250, 244), (250, 244, 228), (244, 247, 255))
_BALL_PENS: tuple[Colour, ...] = ((28, 40, 120), (20, 30, 90), (30, 30, 34), (150, 30, 40))
_PENCILS: tuple[Colour, ...] = ((70, 70, 74), (90, 90, 94), (105, 105, 108))
_LINES: tuple[Colour, ...] = ((120, 150, 200), (130, 130, 135), (190, 130, 140), (120, 170, 150))


def pencil(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    """Photograph a pencil's line: grey, and broken by the tooth of the paper."""
    ink, view, width = _pen_drawing(kind, random, image)
    ink = ImageChops.multiply(ink, grain_mask(random, view.size, max(width / 5, 1), 0.55))
    return _photo(kind, random, ink, choose(random, _PENCILS))


def ball_pen(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    """Photograph a ball pen's line."""
    ink, view, width = _pen_drawing(kind, random, image)
    ink = ImageChops.multiply(ink, grain_mask(random, view.size, max(width, 1), 0.8))
    return _photo(kind, random, ink, choose(random, _BALL_PENS))


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
    light = light_level(kind, random, ink.size)
    blur = ImageFilter.GaussianBlur(random.uniform(*kind.blur))
    picture = tint(light, vary(random, choose(random, _PAPERS), 3))
    inked = tint(light, colour)
    if lines is not None:
        picture = Image.composite(tint(light, choose(random, _LINES)), picture, lines.filter(blur))
    picture = Image.composite(inked, picture, ink.filter(blur))
    return save_jpeg(kind, random, with_noise(kind, random, picture))


def ruled(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    """Write on ruled paper."""
    return _on_lines(kind, random, image, squared=False)


def squared(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    """Write on squared paper."""
    return _on_lines(kind, random, image, squared=True)


def _on_lines(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8], squared: bool) -> bytes:
    """Write on a sheet with lines, and scan it, straight and evenly lit, or photograph it."""
    is_scan = random.uniform() < 0.5
    if is_scan:
        kind = replace(kind, **SCAN)
    ink, view, _ = _pen_drawing(kind, random, image)
    colour = choose(random, _BALL_PENS + _PENCILS)
    spacing = 1 / random.uniform(*kind.lines_per_digit)
    wanted = random.uniform(*kind.line_contrast) * (255 - _grey(colour))
    width = random.uniform(0.02, 0.05) * spacing * digit_side(view)
    phase = random.uniform(0, spacing, 2)
    lines = _lines(view, spacing, phase, max(width, 1.0), squared)
    line = choose(random, _LINES)
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
    reach = 2 * max(view.size) / digit_side(view)
    for at in np.arange(-np.ceil(reach / spacing), np.ceil(reach / spacing)) * spacing:
        ends = [np.array([[-reach, at + phase[1]], [reach, at + phase[1]]])]
        if squared:
            ends.append(np.array([[at + phase[0], -reach], [at + phase[0], reach]]))
        for line in ends:
            start, end = view.place(line) * fine
            draw.polygon(band(start, end, width * fine / 2), fill=255)
    return sheet.reduce(fine)


def mouse(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    """Draw with a pen of one or two whole pixels, without any grey, on a white picture as small as MNIST's."""
    paths = strokes(image)
    view = choose_view(kind, random, paths, lambda _: 2)
    picture = Image.new("L", view.size, 255)
    draw = ImageDraw.Draw(picture)
    width = int(random.integers(round(kind.pen[0]), round(kind.pen[1]) + 1))
    for path in paths:
        points = [tuple(point) for point in np.rint(view.place(path) - 0.5).astype(int).tolist()]
        draw.line(points, fill=0, width=width)
        if width == 1:
            draw.point(points, fill=0)
    return save(picture, "PNG")


def bold(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    """Draw with a broad marker: the outline grown, as far as its loops stay open."""
    shape = np.pad(outline(image), 2 * GRID)
    distance = ndimage.distance_transform_edt(~shape)
    room = ndimage.distance_transform_edt(~shape & ndimage.binary_fill_holes(shape)).max()
    most = random.uniform(*kind.pen) * GRID
    if room:
        most = min(most, max(room - 1.2 * GRID, 0))
    grown = shape
    while most >= 0.5:
        grown = distance <= most
        if euler_number(grown) == euler_number(shape):
            break
        most -= 0.5
        grown = shape
    grown = crop(grown)
    view = choose_view(kind, random, corners(grown), lambda _: 2)
    ink = stamp(view, grown)
    colour = choose(random, [(20, 20, 20), (20, 20, 20), (30, 30, 150), (170, 20, 30), (10, 100, 50)])
    picture = Image.composite(Image.new("RGB", ink.size, colour), Image.new("RGB", ink.size, (255, 255, 255)), ink)
    return save_jpeg(kind, random, picture)


def low_contrast(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    """Draw in a grey close to the paper's, either of them the darker."""
    ink, view, _ = _pen_drawing(kind, random, image)
    contrast = random.uniform(*kind.contrast)
    paper = random.uniform(contrast, 255)
    level = paper - contrast
    if random.uniform() < 0.5:
        paper, level = level, paper
    picture = Image.composite(Image.new("L", view.size, round(level)), Image.new("L", view.size, round(paper)), ink)
    noise = noise_around_128(random, view.size, random.uniform(*kind.noise))
    return save_jpeg(kind, random, ImageChops.add(picture, noise, offset=-128))


def _file_drawing(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> Image.Image:
    """Lay the digit's outline on a picture: mode L, 255 is ink."""
    shape = outline(image)
    return stamp(choose_view(kind, random, corners(shape), lambda _: 2), shape)


def sixteen_bits(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
    """Save the outline with 16 bits per pixel, using part of their range."""
    ink = np.asarray(_file_drawing(kind, random, image), np.float64) / 255
    contrast = random.uniform(*kind.contrast) * 257
    dark = random.uniform(0, 65535 - contrast)
    level = dark + contrast * (1 - ink if random.uniform() < 0.5 else ink)
    return save(Image.fromarray(np.rint(level).astype(np.uint16)), "PNG")


def palette(kind: Kind, random: np.random.Generator, image: NDArray[np.uint8]) -> bytes:
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
    return save(indexed, "GIF" if random.uniform() < 0.5 else "PNG")
