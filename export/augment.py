"""Pictures to train on: MNIST's training digits, drawn and lit in other ways, read by the function's own normalisation.

Every digit is bent, turned and stretched, drawn with another pen, laid on paper that is lit unevenly, lined or
dirty, and then goes through `to_model_input`, so that the network learns what it will be shown, the leftovers of
lines and shadows included. What is kept is what comes out of there.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage.morphology import skeletonize
from tqdm import tqdm

from export.files import load_array, save_whole
from export.hands import SHAPES, draw_shape
from export.mnist import Digits
from mnist_infer.errors import NoDigitFound
from mnist_infer.normalise import SIDE, to_model_input

Plane = NDArray[np.float32]

# How a digit is distorted: each value lies within the range, or within plus and minus it.
TURN = 14.0  # degrees
SLANT = 0.25  # of the height, at the top
STRETCH = (0.72, 1.4)  # width, times what it was
BEND = (0.0, 1.1)  # MNIST's pixels that a point is moved by, over about 5 pixels
SIDES = (28, 96)  # of the picture, pixels
SHARE = (0.45, 1.0)  # digit's box of the picture's side
CROPPED = 0.25  # of the pictures: cut to the ink
MARGIN = 0.06  # of the longer side: most that a crop leaves around it
COARSE = 0.15  # of the pictures: of few pixels, half of them enlarged again
COARSE_SIDES = (8, 20)  # of the ink there, pixels
CONTRAST = (20, 255)  # of ink and paper
PEN = (1.0, 0.16)  # thinnest, pixels; thickest, of the picture's side
NOISE = 0.10  # standard deviation, of the contrast
LIGHT = 0.8  # of the contrast, from edge to edge
LINES = (0.08, 0.6)  # of the contrast

_CHUNK = 1000


def make_distorted(digits: Digits, count: int, seed: int, folder: Path) -> Digits:
    """Return distorted pictures of digits as the network sees them; they are kept in the folder for the next time.

    Args:
        digits: to distort, one after the other, and again from the first.
        count: of the pictures.
        seed: where chance comes from.
        folder: for the files.
    """
    chosen = np.arange(count) % len(digits)
    parts = np.array_split(digits.images[chosen], -(-count // _CHUNK))
    return Digits(_make_parts(_distort_all, parts, seed, folder / "distorted"), digits.labels[chosen])


def make_hands(count: int, seed: int, folder: Path) -> Digits:
    """Return digits of other hands as the network sees them, each shape as often as any other; they are kept, too.

    Args:
        count: of the pictures.
        seed: where chance comes from.
        folder: for the files.
    """
    names = np.resize(list(SHAPES), count)
    parts = np.array_split(names, -(-count // _CHUNK))
    labels = np.array([SHAPES[name][0] for name in names], np.uint8)
    return Digits(_make_parts(_draw_hands, parts, seed, folder / "hands"), labels)


_Part = TypeVar("_Part")


def _make_parts(
    make: Callable[[_Part, list[int]], NDArray[np.uint8]], parts: Sequence[_Part], seed: int, folder: Path
) -> NDArray[np.uint8]:
    """Return the pictures of all parts, uint8 [n, 28, 28]; what a run that was stopped has made is not made again."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{seed}_{i}.npy" for i in range(len(parts))]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        under_way = [
            pool.submit(_keep, file, make, part, [seed, i])
            for i, (file, part) in enumerate(zip(files, parts, strict=True))
            if not file.exists()
        ]
        for future in tqdm(under_way, folder.name):
            future.result()
    return np.concatenate([load_array(file) for file in files])


def _keep(file: Path, make: Callable[[_Part, list[int]], NDArray[np.uint8]], part: _Part, seed: list[int]) -> None:
    array = make(part, seed)
    save_whole(file, lambda path: np.save(path, array))


def _draw_hands(names: NDArray[np.str_], seed: list[int]) -> NDArray[np.uint8]:
    random = np.random.default_rng(seed)
    return np.stack([_draw_hand(str(name), random) for name in names])


def _draw_hand(name: str, random: np.random.Generator) -> NDArray[np.uint8]:
    """Return a digit of a shape as the network sees it; one that is not found is drawn again."""
    while True:
        try:
            return _seen(draw_shape(name, _side(random), random), random)
        except NoDigitFound:
            continue


def distort(image: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Return a digit as somebody else would have drawn it, and as the network would see that.

    Args:
        image: uint8 [28, 28], 255 is ink.
        random: where chance comes from.

    Returns:
        uint8 [28, 28]; the image itself where no ink is found in the drawn picture.
    """
    ink = _draw(_reshape(image, _side(random), random), random)
    try:
        return _seen(ink, random)
    except NoDigitFound:
        return image


def _side(random: np.random.Generator) -> int:
    """Choose a picture's side, pixels."""
    return int(SIDES[0] * (SIDES[1] / SIDES[0]) ** random.random()) if random.random() < 0.8 else SIDES[0]


def _seen(ink: Plane, random: np.random.Generator) -> NDArray[np.uint8]:
    """Return what the network sees of strokes that somebody has framed, lit and sent."""
    picture = _light(_coarsen(_crop(ink, random), random), random)
    return np.asarray(np.rint(to_model_input(picture) * 255), np.uint8).reshape(SIDE, SIDE)


def _crop(ink: Plane, random: np.random.Generator) -> Plane:
    """Return the picture, or now and then its ink with hardly a margin."""
    if random.random() >= CROPPED or not (ink > 0.5).any():
        return ink
    margin = int(random.uniform(0, MARGIN) * len(ink))
    (top, bottom), (left, right) = ((int(at[0]), int(at[-1]) + 1) for at in map(np.flatnonzero, _profiles(ink)))
    return np.pad(ink[top:bottom, left:right], margin)


def _coarsen(ink: Plane, random: np.random.Generator) -> Plane:
    """Return the picture, or now and then one of so few pixels that a stroke is one wide, enlarged or as it is."""
    if random.random() >= COARSE or not (ink > 0.5).any():
        return ink
    extent = max(int(np.ptp(np.flatnonzero(profile))) + 1 for profile in _profiles(ink))
    scale = min(random.uniform(*COARSE_SIDES) / extent, 1)
    picture = Image.fromarray(ink)
    size = [max(round(side * scale), 1) for side in picture.size]
    coarse = picture.resize(size, Image.Resampling.BOX)
    if random.random() < 0.5:
        coarse = coarse.resize(picture.size, Image.Resampling.BICUBIC)
    return np.asarray(np.asarray(coarse, np.float32).clip(0, 1), np.float32)


def _profiles(ink: Plane) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    return np.asarray((ink > 0.3).any(1)), np.asarray((ink > 0.3).any(0))


def _distort_all(images: NDArray[np.uint8], seed: list[int]) -> NDArray[np.uint8]:
    random = np.random.default_rng(seed)
    return np.stack([distort(image, random) for image in images])


def _reshape(image: NDArray[np.uint8], side: int, random: np.random.Generator) -> Plane:
    """Return the digit turned, slanted, stretched and bent somewhere in a picture, float32 [side, side] in 0..1."""
    angle = np.radians(random.uniform(-TURN, TURN))
    stretch = np.sqrt(np.exp(random.uniform(*np.log(STRETCH))))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shape = np.array([[1 / stretch, random.uniform(-SLANT, SLANT)], [0, stretch]])
    share = random.uniform(*SHARE) if random.random() < 0.7 else 20 / 28
    zoom = 20 / (share * side)  # MNIST's pixels for one of the picture's
    room = max(side / 2 - share * side / 2, 0)
    centre = side / 2 + random.uniform(-room, room, 2)
    grid = np.indices((side, side)).reshape(2, -1) + 0.5
    points = (shape @ turn) @ (grid - centre[:, None]) * zoom + 14
    bend = random.uniform(*BEND)
    waves = ndimage.gaussian_filter(random.uniform(-1, 1, (2, 14, 14)), (0, 1.3, 1.3)) * (bend * 4)
    at = np.clip(points / 2 - 0.5, 0, 13)
    points = points + np.stack([ndimage.map_coordinates(wave, at, order=1, mode="nearest") for wave in waves])
    values = ndimage.map_coordinates(image.astype(np.float32) / 255, points - 0.5, order=1, mode="constant")
    return np.asarray(values, np.float32).reshape(side, side)


def _draw(shape: Plane, random: np.random.Generator) -> Plane:
    """Return the digit in another pen's strokes."""
    side = len(shape)
    way = random.random()
    if way < 0.3:
        return shape
    if way < 0.5:  # sharper, a little thinner or thicker
        level = random.uniform(0.25, 0.65)
        return np.asarray(np.clip((shape - level) * random.uniform(2, 8) + 0.5, 0, 1), np.float32)
    smooth = ndimage.gaussian_filter(shape, side / 120)
    middle = skeletonize(smooth > random.uniform(0.3, 0.5))
    if not middle.any():
        return shape
    if way < 0.62:  # one pixel wide, hard steps
        return np.asarray(middle, np.float32)
    width = np.exp(random.uniform(np.log(PEN[0]), np.log(max(PEN[1] * side, 2))))
    distance = ndimage.distance_transform_edt(~middle)
    pressure = 1 + random.uniform(0, 0.35) * np.sin(np.linspace(0, random.uniform(2, 9), side) + random.uniform(0, 6))
    strokes = np.clip(width * pressure[:, None] / 2 - distance + 0.5, 0, 1)
    return np.asarray(np.maximum(strokes, shape) if way > 0.92 else strokes, np.float32)


def _light(ink: Plane, random: np.random.Generator) -> NDArray[np.uint8]:
    """Return the strokes on paper, light or dark, as a camera or a drawing program gives them."""
    height, width = ink.shape
    side = max(ink.shape)
    if random.random() < 0.35:  # a drawing program's: nothing but ink and paper
        clean = np.asarray(np.rint(ink * 255), np.uint8)
        return np.bitwise_not(clean) if random.random() < 0.5 else clean
    ink = ink * random.uniform(0.6, 1) if random.random() < 0.2 else ink
    if random.random() < 0.4:  # pencil and chalk leave gaps
        grain = ndimage.zoom(random.random((side // 2 + 1, side // 2 + 1)), 2.2, order=1)[:height, :width]
        ink = ink * np.clip(1 - random.uniform(0, 0.7) * grain**2, 0, 1)
    lines = np.zeros_like(ink)
    if random.random() < 0.3:
        distance, first, strength = (
            random.integers(max(side // 6, 5), side),
            random.integers(side),
            random.uniform(*LINES),
        )
        lines[first % distance :: distance] = strength
        if random.random() < 0.5:
            lines[:, random.integers(distance) :: distance] = strength
    for _ in range(random.integers(0, 4) if random.random() < 0.3 else 0):  # specks
        row, column = random.integers(height), random.integers(width)
        lines[row : row + random.integers(1, 3), column : column + random.integers(1, 3)] = random.uniform(0.2, 0.9)
    contrast = random.uniform(*CONTRAST)
    drawn = np.maximum(ink, lines)
    if random.random() < 0.5:
        drawn = ndimage.gaussian_filter(drawn, random.uniform(0, side / 60))
    slope_y, slope_x = random.uniform(-LIGHT, LIGHT, 2) * random.random()
    y, x = np.ogrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j]
    drawn = drawn + slope_y * y + slope_x * x + random.normal(0, NOISE * random.random() ** 2 + 1e-4, drawn.shape)
    if random.random() < 0.25:  # the edge of a shadow
        drawn = drawn + random.uniform(-0.5, 0.5) / (
            1 + np.exp(-(y + x * random.normal() + random.uniform(-0.6, 0.6)) * 12)
        )
    grey = (255 - contrast) * random.random() + contrast * drawn
    picture = np.asarray(np.rint(np.clip(grey, 0, 255)), np.uint8)
    return np.bitwise_not(picture) if random.random() < 0.5 else picture
