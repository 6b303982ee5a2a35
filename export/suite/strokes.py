"""What the person drew: the outline of a digit of MNIST, and the path of the pen along the middle of its ink."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import ndimage
from skimage.morphology import skeletonize

Points = NDArray[np.float64]

_INK_LEVELS = (110, 140, 170, 200)
"""Grey levels of 255 from which on MNIST's pixels, enlarged, are ink: the first, or another for loops nearly filled."""

_MAX_UNEXPLAINED = 0.06
"""Share of a digit's ink that may lie beside the pen's path, see `NoPenPath`."""

_MAX_STROKE = 1 / 3
"""Width of the ink, of the digit's longer side, from which on lines have run together."""

GRID = 4
"""Pixels of the outline to one of MNIST's."""


class NoPenPath(Exception):
    """The digit's ink does not show the pen's path: a thick pen has filled its loops."""


def outline(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return the digit's ink, enlarged and with smooth edges.

    Args:
        image: uint8 [28, 28], 255 is ink.

    Returns:
        bool [height, width], cropped to the ink, four pixels to one of MNIST's.
    """
    return crop(_enlarge(image) > _INK_LEVELS[0])


def strokes(image: NDArray[np.uint8]) -> list[Points]:
    """Return the path of the pen: the middle line of the ink, without its short spurs.

    Args:
        image: uint8 [28, 28], 255 is ink.

    Returns:
        polylines, float64 [n, 2] as x and y; their longer extent together is 1, and their middle is the origin.

    Raises:
        NoPenPath: the ink has more than its middle line tells, so that the digit would be another one.
    """
    ink = np.pad(crop(_open_loops(_enlarge(image))), 1)
    radius = ndimage.distance_transform_edt(ink)
    paths = _prune_spurs(_trace(skeletonize(ink)), radius)
    if radius.max() > _MAX_STROKE / 2 * max(ink.shape) or _unexplained_share(ink, radius, paths) > _MAX_UNEXPLAINED:
        raise NoPenPath
    return scale_to_unit([_smooth(path) for path in _extend_to_ink(paths, ink, radius)])


def _enlarge(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    side = image.shape[0] * GRID
    grey = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(grey.filter(ImageFilter.GaussianBlur(GRID * 0.35)))


def _open_loops(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return the ink, taken from the grey level that shows the most loops without a line coming apart.

    A thick pen has filled small loops with grey, which the eye still sees through.
    """
    best, most_loops, parts = grey > _INK_LEVELS[0], -1, 0
    for level in _INK_LEVELS:
        ink = grey > level
        _, count = ndimage.label(ink, np.ones((3, 3)))
        gaps, loops = ndimage.label(~np.pad(ink, 1))
        loops = int((np.bincount(gaps.ravel())[2:] >= GRID**2 / 2).sum())  # neither the ink nor what is around it
        if level == _INK_LEVELS[0]:
            parts = count
        if count == parts and loops > most_loops:
            best, most_loops = ink, loops
    return best


def crop(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask cut to its true pixels, bool [height, width]."""
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def scale_to_unit(paths: Sequence[Points]) -> list[Points]:
    """Return paths around the origin, their longer extent together 1."""
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
    followed: set[frozenset[tuple[int, int]]] = set()
    paths = []

    def follow(start: tuple[int, int], following: tuple[int, int]) -> None:
        path = [start]
        while frozenset((path[-1], following)) not in followed:
            followed.add(frozenset((path[-1], following)))
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


def _prune_spurs(paths: list[_Path], radius: NDArray[np.float64]) -> list[_Path]:
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


def _unexplained_share(ink: NDArray[np.bool_], radius: NDArray[np.float64], paths: Sequence[_Path]) -> float:
    """Return the share of the ink that lies further from the paths than the pen was wide."""
    rows, columns = np.array([pixel for path in paths for pixel in path]).T
    middle = np.zeros_like(ink)
    middle[rows, columns] = True
    reach = 1.5 * np.median(radius[middle]) + 1
    return float((ink & (ndimage.distance_transform_edt(~middle) > reach)).sum() / ink.sum())


def _extend_to_ink(paths: list[_Path], ink: NDArray[np.bool_], radius: NDArray[np.float64]) -> list[Points]:
    """Return the paths as x and y, each led on to the edge of the ink: a skeleton ends in one of its corners."""
    ends = [end for path in paths for end in (path[0], path[-1])]
    led_on = []
    for path in paths:
        points = np.array(path, np.float64)[:, ::-1]
        for _ in range(2):
            points = points[::-1]  # the end, then the beginning: two turns leave the order as it was
            row, column = (int(points[-1, 1]), int(points[-1, 0]))
            if ends.count((row, column)) == 1 and len(points) > 2:
                points = _straighten_end(points, ink, radius)
        led_on.append(points)
    return led_on


def _straighten_end(points: Points, ink: NDArray[np.bool_], radius: NDArray[np.float64]) -> Points:
    """Return a path that goes straight on, nearly to the edge of the ink, where it may have bent into a corner.

    That is its last piece, as long as the diagonal of a square of half a stroke.

    Args:
        points: the path, x and y.
        ink: with an empty pixel around it.
        radius: how far each pixel of the ink is from its edge.
    """
    steps = np.hypot(*np.diff(points, axis=0).T)
    to_end = np.append(steps[::-1].cumsum()[::-1], 0)
    half_stroke = radius[tuple(points.astype(int).T[::-1])]
    kept = points[: max(int((to_end >= np.sqrt(2) * np.median(half_stroke)).sum()), len(points) // 2, 2)]
    width = float(half_stroke[len(kept) - 1])
    along = kept[-1] - kept[-min(len(kept), max(int(width), 2 * GRID))]
    ahead = kept[-1] + np.arange(1, max(ink.shape))[:, None] * along / max(float(np.hypot(*along)), 1e-9)
    columns, rows = np.rint(ahead).astype(int).clip(0, np.array(ink.shape)[::-1] - 1).T
    room = int(ink[rows, columns].argmin())
    return np.concatenate([kept, ahead[: max(int(room - 0.3 * width), 0)]])


def _smooth(path: Points, sigma: float = 0.7 * GRID) -> Points:
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
    return np.asarray(smooth[np.union1d(chosen, [len(smooth) - 1])])
