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
_FLAT = 2.0  # of 255: what a paper of one grey may differ from it
_FLAT_BORDER = 0.8  # of the border: the rest is a bold digit that reaches it
_STROKE_WIDTHS = (0.36, 0.14, 0.08)  # of the longer side; what is wider in every direction is a shadow or a table
_LEAST_SIDE_WITH_SHADOWS = 64  # what is smaller was drawn, not photographed
_LEAST_LIGHT = 40  # of 255: ink in a shadow is weaker by as much as its paper is darker
_STRONG = 0.6  # of the ink's strength
_ENOUGH_LEFT = 0.85  # of the strong ink: what a narrower stroke must leave of it
_LEAST_DIGIT = 0.12  # of the longer side, where the strong ink is shadow in part
_PEAK_SHARE = 0.001  # this share of the pixels, the strongest, tell how strong the ink is
_LEAST_INK = 5.0  # of 255; what differs less from its paper is no ink
_LEAST_SIGNAL_TO_NOISE = 5.0
_MOST_NOISE = 4.0  # of 255, after the picture was reduced
_GAP = 64  # a gap in a stroke of two such parts of the longer side is none
_INK_FROM = (0.4, 0.55, 0.7)  # of the ink's strength; more, where lines of ruled paper are as strong as that
_FAINT_FROM = 0.15  # of the ink's strength: below is paper
_PART_OF_DIGIT = 0.08  # of the ink of the largest piece: what has less is a speck
_AT_THE_BORDER = 0.1  # what ink counts that reaches the picture's border: a finger, a line, the next digit
_LINE = 6  # length to width, of what is a line where it reaches the border


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
    grey = _shrink(picture)
    flat = _flat_paper(grey)
    if flat is None:
        stands_out = _without_paper(_with_bright_ink(grey))
    else:
        stands_out = np.maximum(grey - flat if grey.mean() >= flat else flat - grey, 0)
    ink = stands_out if _is_as_mnist_has_it(stands_out) else _fit(_find_digit(stands_out))
    pixels: NDArray[np.float32] = (ink / ink.max()).reshape(1, SIDE * SIDE)
    return pixels


def _shrink(picture: NDArray[np.uint8]) -> Plane:
    """Average blocks of pixels."""
    factor = -(-max(picture.shape) // _WORKING_SIDE)
    if factor == 1:
        return picture.astype(np.float32)
    height, width = (max(side // factor, 1) * factor for side in picture.shape)
    padded = np.pad(picture, [(0, max(factor - side, 0)) for side in picture.shape], "edge")[:height, :width]
    rows = padded.reshape(height // factor, factor, width).sum(1, dtype=np.uint16)
    blocks = rows.reshape(height // factor, width // factor, factor).sum(2, dtype=np.uint32)
    return np.asarray(blocks / np.float32(factor * factor), np.float32)


def _flat_paper(grey: Plane) -> float | None:
    """Return the grey of a paper that has but one, a drawing program's; None where it is lit, as in a photo."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    level = _at_share(border, 0.5)
    return level if (abs(border - level) <= _FLAT).mean() >= _FLAT_BORDER else None


def _with_bright_ink(grey: Plane) -> Plane:
    """Invert dark ink on light paper.

    Ink is the smaller part of its surroundings, so it lies further from their mean than the paper does.
    """
    difference = grey - _local_mean(grey)
    return grey if float((difference * difference * difference).sum()) >= 0 else 255 - grey


def _local_mean(grey: Plane) -> Plane:
    for axis, length in enumerate(grey.shape):
        reach = max(length // 4, 1)
        sums = np.pad(np.cumsum(grey, axis, dtype=np.float32), [(1, 0) if i == axis else (0, 0) for i in (0, 1)])
        first = np.maximum(np.arange(length) - reach, 0)
        last = np.minimum(np.arange(length) + reach + 1, length)
        counts = (last - first).reshape(-1, 1) if axis == 0 else last - first
        grey = (sums.take(last, axis) - sums.take(first, axis)) / counts.astype(np.float32)
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
    """Return how far each pixel stands out from its paper.

    The narrower the strokes may be, the more shadows go away with the paper; so the narrowest width is taken
    that leaves the strongest ink as it is, or at least a piece of it that is large enough for a digit.
    """
    if max(bright.shape) >= _LEAST_SIDE_WITH_SHADOWS:
        bright = bright - _slope(bright)
    ink = _stand_out(bright, _STROKE_WIDTHS[0])
    floor, strength = _levels(ink)
    if max(ink.shape) < _LEAST_SIDE_WITH_SHADOWS or strength < _LEAST_INK:
        return ink
    strong = ink > floor + _STRONG * strength
    pieces = _Pieces(strong)
    long = pieces.sides.max(1) > _LEAST_DIGIT * max(ink.shape)
    for share in _STROKE_WIDTHS[1:]:
        narrower = _stand_out(bright, share)
        left = strong & (narrower > 0.5 * ink)
        digits = long & (pieces.sum(left) >= _ENOUGH_LEFT * pieces.sum(strong))
        if left.sum() < _ENOUGH_LEFT * strong.sum() and not digits.any():
            break
        # Where strokes meet, they are wider than each is. What reaches the border is paper more often than a stroke.
        knots = pieces.mask(digits & (pieces.borders == 0)) & ~left
        ink = np.where(knots, ink, np.minimum(ink, narrower))
    light = 255 - (bright - ink)
    stretched: NDArray[np.float32] = ink * (255 / np.maximum(light, _LEAST_LIGHT))
    return stretched


def _slope(bright: Plane) -> Plane:
    """Return the plane that fits a picture best, but for its height."""
    slopes = []
    for axis, length in enumerate(bright.shape):
        from_middle = np.arange(length, dtype=np.float32) - (length - 1) / 2
        slope = bright.mean(1 - axis) @ from_middle / max(from_middle @ from_middle, 1)
        slopes.append(slope * from_middle)
    return np.asarray(slopes[0][:, None] + slopes[1], np.float32)


def _stand_out(bright: Plane, stroke_width: float) -> Plane:
    """Return the pixels less what a square of that width fits under: of gradients nothing is left, of strokes all.

    (What the square fits under is a grey-level opening; the difference is called a white top-hat.)
    """
    width = max(int(max(bright.shape) * stroke_width), 3) | 1
    paper = bright
    for lowest in (True, False):
        for axis in (0, 1):
            paper = _sliding_extreme(paper, width, axis, lowest)
    return bright - paper


def _levels(ink: Plane) -> tuple[float, float]:
    """Return the level of the paper and how much stronger the strongest ink is."""
    floor = _at_share(ink, 0.5)
    return floor, _at_share(ink, 1 - max(_PEAK_SHARE, 3 / ink.size)) - floor


def _at_share(grey: Plane, share: float) -> float:
    """Return what that share of the pixels lies below, to an eighth of a grey level.

    They are counted and not sorted: where many are alike, `sort` and `partition` take milliseconds in one version
    of NumPy or another.
    """
    counts = np.bincount((grey.ravel() * 8).astype(np.intp))
    return float(np.searchsorted(np.cumsum(counts), int(max(share, 0) * grey.size), "right")) / 8


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
    """The digit's ink.

    Attributes:
        plane: float32 [height, width] in 0..1, 0 where there is none.
        rows: first, and the one past the last.
        columns: the same.
    """

    plane: Plane
    rows: tuple[int, int]
    columns: tuple[int, int]


def _find_digit(ink: Plane) -> _Ink:
    """Return the ink of the digit alone, from how far each pixel stands out of its paper.

    Raises:
        NoDigitFound: nothing stands out.
    """
    floor, strength = _levels(ink)
    # Noise alone: two of three pixels are within one standard deviation. A bold digit covers more than a sixth of
    # a small picture, so what looks like much noise may be ink.
    noise = min(_at_share(ink, 0.84) - floor, _MOST_NOISE)
    if strength < max(_LEAST_INK, _LEAST_SIGNAL_TO_NOISE * noise):
        raise NoDigitFound("no digit was found in the picture")
    reach = max(ink.shape) // _GAP
    for ink_from in _INK_FROM:
        mask = ink > floor + ink_from * strength
        pieces = _Pieces(_grow(mask, reach))
        digit = pieces.mask(_digit_of(pieces, ink))
        rows, columns = _extent(digit & mask)
        if not _spans(rows, ink.shape[0]) and not _spans(columns, ink.shape[1]):
            break
    faint = floor + _FAINT_FROM * strength
    plane = np.clip((ink - faint) / (floor + strength - faint), 0, 1) * _grow(digit, reach + 1)
    return _Ink(plane.astype(np.float32), rows, columns)


def _spans(extent: tuple[int, int], length: int) -> bool:
    """Return whether something goes from border to border, as a ruled line does."""
    return extent[1] - extent[0] >= 0.95 * length


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
    """The connected pieces of a mask, corners connecting too.

    They are found as runs, the ink of one row without a gap: hundreds instead of a hundred thousand pixels.

    Attributes:
        sides: int [pieces, 2], height and width of each piece.
        borders: int [pieces], how many of the picture's four borders it reaches.
    """

    def __init__(self, mask: Mask) -> None:
        height, width = self._shape = mask.shape
        self._stride = width + 1  # rows end to end, a gap between them
        edges = np.diff(np.pad(mask, ((0, 0), (0, 1))).ravel().astype(np.int8), prepend=np.int8(0))
        self._first, self._end = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        self._piece = self._connect()
        row, left, right = self._first // self._stride, self._first % self._stride, self._end % self._stride
        top, west = self._least(row), self._least(left)
        bottom, east = -self._least(-row) + 1, -self._least(-right)
        self.sides = np.stack([bottom - top, east - west], axis=1)
        self.borders = sum((top == 0, west == 0, bottom == height, east == width), np.zeros(len(top), int))

    def sum(self, plane: NDArray[np.generic]) -> NDArray[np.float64]:
        """Return the sum over each piece's pixels."""
        sums = np.pad(np.cumsum(np.pad(plane, ((0, 0), (0, 1))), dtype=np.float64), (1, 0))
        return np.asarray(np.bincount(self._piece, sums[self._end] - sums[self._first]), np.float64)

    def mask(self, chosen: Mask) -> Mask:
        """Return the pixels of some pieces, bool [height, width]."""
        runs = chosen[self._piece]
        steps = np.zeros(self._shape[0] * self._stride + 1, np.int8)
        steps[self._first[runs]] = 1
        steps[self._end[runs]] -= 1
        return np.asarray(np.cumsum(steps[:-1], dtype=np.int8).reshape(-1, self._stride)[:, :-1] > 0)

    def _connect(self) -> Indices:
        """Return the piece that each run belongs to."""
        # The runs of the row above that a run touches are neighbours in the list.
        low = np.searchsorted(self._end, self._first - self._stride, "left")
        high = np.searchsorted(self._first, self._end - self._stride, "right")
        counts = np.maximum(high - low, 0)
        below = np.repeat(np.arange(len(low)), counts)
        above = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(low, counts)
        piece = np.arange(len(low))
        while True:  # each run takes the least number among its neighbours, and what that one has taken
            taken = piece.copy()
            least = np.minimum(piece[below], piece[above])
            np.minimum.at(taken, piece[below], least)
            np.minimum.at(taken, piece[above], least)
            taken = taken[taken]
            if (taken == piece).all():
                return np.asarray(np.unique(piece, return_inverse=True)[1])
            piece = taken

    def _least(self, values: Indices) -> Indices:
        least = np.full(self._piece.max() + 1, np.iinfo(np.intp).max)
        np.minimum.at(least, self._piece, values)
        return least


def _digit_of(pieces: _Pieces, ink: Plane) -> Mask:
    """Return which pieces make the digit: the one with most ink, and what else is no speck."""
    weight = pieces.sum(ink)
    weight[pieces.borders > 0] *= _AT_THE_BORDER
    is_line = pieces.sides.max(1) > _LINE * pieces.sides.min(1)
    weight[is_line & (pieces.borders > 0)] *= _AT_THE_BORDER
    return np.asarray(weight >= _PART_OF_DIGIT * weight.max())


def _extent(mask: Mask) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the first row and the one past the last, and the same of the columns."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (int(rows[0]), int(rows[-1]) + 1), (int(columns[0]), int(columns[-1]) + 1)


def _centre_of_mass(plane: Plane) -> list[float]:
    """Return row and column of the centre, in pixels from the upper left corner."""
    return [float(sums @ (np.arange(len(sums)) + 0.5) / sums.sum()) for sums in (plane.sum(1), plane.sum(0))]


def _fit(ink: _Ink) -> Plane:
    """Lay the digit into 28x28: its longer side over 20 pixels, its centre of mass in the middle."""
    scale = max(ink.rows[1] - ink.rows[0], ink.columns[1] - ink.columns[0]) / _DIGIT_SIDE
    centre = _centre_of_mass(ink.plane)
    down, across = (
        _sampling(length, position, scale) for length, position in zip(ink.plane.shape, centre, strict=True)
    )
    return np.asarray(down @ ink.plane @ across.T, np.float32)


def _sampling(length: int, centre: float, scale: float) -> Plane:
    """Return the float32 [28, length] matrix that lays `centre` at MNIST's centre, `scale` pixels on one."""
    positions = centre + (np.arange(SIDE) + 0.5 - _CENTRE) * scale
    distance = np.abs(positions[:, None] - (np.arange(length) + 0.5)) / max(scale, 1)
    return (np.maximum(1 - distance, 0) / max(scale, 1)).astype(np.float32)
