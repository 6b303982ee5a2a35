"""From a grey picture to what the network reads. The only module that knows what MNIST looks like.

MNIST's digits were fitted into 20x20 pixels, their aspect kept, and laid into 28x28 with their
centre of mass in the middle. The same is done here to whatever comes, in training as in production:
the paper is taken away, the ink of the digit is found, and this is fitted and centred.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_infer.errors import NoDigitFound

SIDE = 28

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]

# MNIST's own measures, in pixels: its longer side, and the centre of mass from the upper left corner.
_DIGIT_SIDE = 20
_CENTRE = 14.5
_CENTRE_TOLERANCE = 0.6

# Found on the user pictures of held-back digits.
_WORKING_SIDE = 256  # the digit is looked for at no more than this: a fifth of it is still 51 pixels
_WIDEST_STROKE = 0.36  # of the longer side; what is wider in every direction is a shadow or a table
_PEAK_SHARE = 0.001  # this share of the pixels, the strongest, tell how strong the ink is
_LEAST_INK = 5.0  # of 255; what differs less from its paper is no ink
_LEAST_SIGNAL_TO_NOISE = 5.0
_INK_FROM = 0.4  # of the ink's strength: above the lines of ruled paper
_FAINT_FROM = 0.15  # of the ink's strength: below is paper
_PART_OF_DIGIT = 0.08  # of the ink of the largest piece: what has less is a speck


def to_model_input(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the digit in a picture as MNIST has it: fitted into 20x20, centred in 28x28, bright on black.

    Dark ink on light paper and light on dark come out alike; uneven light, noise, specks and ruled
    lines do not count. One of MNIST's own pictures, in either polarity, keeps its pixels.

    Args:
        picture: uint8 [height, width], 0 is black, 255 is white.

    Returns:
        float32 [1, 784], row-major 28x28, 0 is paper and 1 is ink.

    Raises:
        NoDigitFound: nothing stands out from the paper.

    Source:
        Y. LeCun, C. Cortes, C. Burges: The MNIST database of handwritten digits, on size and centre.
    """
    bright = _with_bright_ink(_shrink(picture))
    ink = bright if _is_as_mnist_has_it(bright) else _fit(_find_digit(_without_paper(bright)))
    return (ink / ink.max()).reshape(1, SIDE * SIDE)


def _shrink(picture: NDArray[np.uint8]) -> Plane:
    """Average blocks of pixels."""
    factor = -(-max(picture.shape) // _WORKING_SIDE)
    if factor == 1:
        return picture.astype(np.float32)
    height, width = (max(side // factor, 1) * factor for side in picture.shape)
    padded = np.pad(picture, [(0, max(factor - side, 0)) for side in picture.shape], "edge")[:height, :width]
    rows = padded.reshape(height // factor, factor, width).sum(1, dtype=np.uint16)
    blocks = rows.reshape(height // factor, width // factor, factor).sum(2, dtype=np.uint32)
    return blocks.astype(np.float32) / np.float32(factor * factor)


def _with_bright_ink(grey: Plane) -> Plane:
    """Invert dark ink on light paper.

    Ink is the smaller part of its surroundings, so it lies further from their mean than the paper does.
    """
    difference = grey - _local_mean(grey)
    return grey if (difference**3).sum() >= 0 else 255 - grey


def _local_mean(grey: Plane) -> Plane:
    for axis, length in enumerate(grey.shape):
        reach = max(length // 4, 1)
        sums = np.pad(np.cumsum(grey, axis, dtype=np.float64), [(1, 0) if i == axis else (0, 0) for i in (0, 1)])
        first = np.maximum(np.arange(length) - reach, 0)
        last = np.minimum(np.arange(length) + reach + 1, length)
        counts = (last - first).reshape(-1, 1) if axis == 0 else last - first
        grey = ((sums.take(last, axis) - sums.take(first, axis)) / counts).astype(np.float32)
    return grey


def _is_as_mnist_has_it(bright: Plane) -> bool:
    if bright.shape != (SIDE, SIDE) or bright.max() - bright.min() < 128 or bright.min() > 0:
        return False
    rows, columns = _extent(bright > bright.max() / 10)
    centre = _centre_of_mass(bright)
    return max(rows[1] - rows[0], columns[1] - columns[0]) == _DIGIT_SIDE and all(
        abs(position - _CENTRE) <= _CENTRE_TOLERANCE for position in centre
    )


def _without_paper(bright: Plane) -> Plane:
    """Return how far each pixel stands out from its paper, in grey levels above noise.

    The paper is what a square as wide as the widest stroke fits under: of ink nothing is left, of
    gradients and shadows everything (a grey-level opening; what it takes away is a white top-hat).
    """
    width = int(max(bright.shape) * _WIDEST_STROKE) | 1
    paper = bright
    for lowest in (True, False):
        for axis in (0, 1):
            paper = _sliding_extreme(paper, width, axis, lowest)
    return bright - paper


def _sliding_extreme(values: Plane, width: int, axis: int, lowest: bool) -> Plane:
    """Return the least or greatest value in a window around each pixel, the window cut at the border."""
    extreme, beyond = (np.minimum, np.inf) if lowest else (np.maximum, -np.inf)
    lines = values if axis == 0 else values.T
    half = width // 2
    lines = np.pad(lines, ((half, half), (0, 0)), constant_values=np.float32(beyond))
    covered = 1
    while covered < width:  # a window from two that overlap
        step = min(covered, width - covered)
        lines = extreme(lines[:-step], lines[step:])
        covered += step
    return lines if axis == 0 else lines.T


class _Ink(NamedTuple):
    """The digit's ink: float32 [height, width], 0 where there is none; its rows and columns, first and past the last."""

    plane: Plane
    rows: tuple[int, int]
    columns: tuple[int, int]


def _find_digit(height_over_paper: Plane) -> _Ink:
    """Return the ink of the digit alone.

    Raises:
        NoDigitFound: nothing stands out.
    """
    h = height_over_paper
    values = np.sort(h, axis=None)
    floor = values[len(values) // 2]
    noise = values[int(len(values) * 0.84)] - floor  # a standard deviation, where there is noise
    strength = values[-max(int(len(values) * _PEAK_SHARE), 3)] - floor
    if strength < max(_LEAST_INK, _LEAST_SIGNAL_TO_NOISE * min(noise, 4)):
        raise NoDigitFound("no digit was found in the picture")
    mask = h > floor + _INK_FROM * strength
    reach = max(h.shape) // 64
    pieces = _Pieces(_grow(mask, reach))
    digit = pieces.select(h)
    faint = floor + _FAINT_FROM * strength
    near = _grow(digit, reach + 1)
    plane = np.where(near, np.clip((h - faint) / (strength + floor - faint), 0, 1), 0).astype(np.float32)
    return _Ink(plane, *_extent(digit & mask))


def _grow(mask: Mask, reach: int) -> Mask:
    for axis in (0, 1):
        for _ in range(reach):
            lines = mask if axis == 0 else mask.T
            grown = lines.copy()
            grown[1:] |= lines[:-1]
            grown[:-1] |= lines[1:]
            mask = grown if axis == 0 else grown.T
    return mask


class _Pieces:
    """The connected pieces of a mask, as runs of pixels in rows."""

    def __init__(self, mask: Mask) -> None:
        self._shape = mask.shape
        # Rows end to end, a gap between them: each run's first and past-the-last position.
        stride = mask.shape[1] + 1
        flat = np.zeros(mask.shape[0] * stride + 1, np.int8)
        flat[1:].reshape(mask.shape[0], stride)[:, :-1] = mask
        edges = np.diff(flat)
        self._first = np.flatnonzero(edges == 1)
        self._end = np.flatnonzero(edges == -1)
        if len(self._end) < len(self._first):
            self._end = np.append(self._end, len(flat) - 1)
        self._stride = stride
        self._piece = self._connect()

    def _connect(self) -> Indices:
        """Return each run's piece, by the number of one of its runs."""
        # The runs of the row above that a run touches, corners included, are neighbours in the list.
        low = np.searchsorted(self._end, self._first - self._stride, "left")
        high = np.searchsorted(self._first, self._end - self._stride, "right")
        counts = np.maximum(high - low, 0)
        below = np.repeat(np.arange(len(low)), counts)
        above = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(low, counts)
        piece = np.arange(len(low))
        while True:
            least = np.minimum(piece[below], piece[above])
            new = piece.copy()
            np.minimum.at(new, piece[below], least)
            np.minimum.at(new, piece[above], least)
            new = new[new]
            if (new == piece).all():
                return piece
            piece = new

    def select(self, h: Plane) -> Mask:
        """Return the pieces that make the digit."""
        height, width = self._shape
        _, piece = np.unique(self._piece, return_inverse=True)
        sums = np.concatenate([[0.0], np.cumsum(np.pad(h, ((0, 0), (0, 1))), dtype=np.float64)])
        ink = np.bincount(piece, sums[self._end] - sums[self._first])
        row, left, right = self._first // self._stride, self._first % self._stride, self._end % self._stride
        n = len(ink)
        top, bottom, west, east = np.full(n, height), np.zeros(n, int), np.full(n, width), np.zeros(n, int)
        np.minimum.at(top, piece, row)
        np.maximum.at(bottom, piece, row + 1)
        np.minimum.at(west, piece, left)
        np.maximum.at(east, piece, right)
        spans_width = (east - west) >= 0.95 * width
        spans_height = (bottom - top) >= 0.95 * height
        line = (spans_width & ((bottom - top) < 0.2 * height)) | (spans_height & ((east - west) < 0.2 * width))
        edges = (top == 0).astype(int) + (bottom == height) + (west == 0) + (east == width)
        weight = np.where(edges > 0, ink * 0.3, ink)
        weight[line & (edges > 1)] = 0
        if not weight.any():
            weight = ink
        main = weight.argmax()
        keep = (weight >= _PART_OF_DIGIT * weight[main]) | (np.arange(n) == main)
        kept = keep[piece]
        flat = np.zeros(height * self._stride + 1, np.int8)
        flat[self._first[kept]] += 1
        flat[self._end[kept]] -= 1
        return np.cumsum(flat[:-1]).reshape(height, self._stride)[:, :-1] > 0


def _extent(mask: Mask) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the first row and the one past the last, and the same of the columns."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (int(rows[0]), int(rows[-1]) + 1), (int(columns[0]), int(columns[-1]) + 1)


def _centre_of_mass(plane: Plane) -> tuple[float, float]:
    """Return row and column of the centre, in pixels from the upper left corner."""
    by_row, by_column = plane.sum(1), plane.sum(0)
    total = by_row.sum()
    return tuple(float(sums @ (np.arange(len(sums)) + 0.5) / total) for sums in (by_row, by_column))  # type: ignore[return-value]


def _fit(ink: _Ink) -> Plane:
    """Lay the digit into 28x28: its longer side over 20 pixels, its centre of mass in the middle."""
    scale = max(ink.rows[1] - ink.rows[0], ink.columns[1] - ink.columns[0]) / _DIGIT_SIDE
    centre = _centre_of_mass(ink.plane)
    down, across = (_sampling(length, position, scale) for length, position in zip(ink.plane.shape, centre, strict=True))
    return down @ ink.plane @ across.T


def _sampling(length: int, centre: float, scale: float) -> Plane:
    """Return the float32 [28, length] matrix that lays `centre` at MNIST's centre, `scale` pixels on one."""
    positions = centre + (np.arange(SIDE) + 0.5 - _CENTRE) * scale
    distance = np.abs(positions[:, None] - (np.arange(length) + 0.5)) / max(scale, 1)
    return (np.maximum(1 - distance, 0) / max(scale, 1)).astype(np.float32)
