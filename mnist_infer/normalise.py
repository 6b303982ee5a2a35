"""From a grey picture to what the network reads. The only module that knows what MNIST looks like.

MNIST's digits were fitted into 20x20 pixels, their aspect kept, and laid into 28x28 with their
centre of mass in the middle. The same is done here to whatever comes, in training as in production:
the background is removed, the digit is found in a small copy of the picture, and then cut out of
the picture itself, fitted and centred.
"""

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from mnist_infer.components import Components
from mnist_infer.errors import NoDigitFound

SIDE = 28

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]
_Scalar = TypeVar("_Scalar", bound=np.generic)

# MNIST's own measures, in pixels: its longer side, and the centre of mass from the upper left corner.
_DIGIT_SIDE = 20
_CENTRE = 14.5
_CENTRE_TOLERANCE = 0.6

# Found on the user pictures of held-back digits. Grey levels are of 255, shares are of the longer side.
_MAX_DRAWING_SIDE = 128  # pixels: the digit is looked for at no more than this
_MAX_PHOTO_SIDE = 192  # pixels: the same where light, noise and thin strokes are to be told apart
_MIN_DIGIT_SIDE = 48  # pixels: a digit that is smaller there is cut out of the picture itself
_FLAT = 2  # grey levels that most of a drawing's background or ink varies by
_MIN_FLAT_SHARE = 0.8  # of the pixels, in one level: a drawing, and no photo
_MIN_TWO_LEVEL_SHARE = 0.45  # of the pixels, in two levels: the same of a digit that fills its picture
_MAX_SPREAD = 16  # grey levels that a drawing's background or ink may vary by where it was compressed
_MAX_BEYOND = 0.002  # of the pixels: what may be brighter or darker than both levels
_STROKE_WIDTHS = (0.36, 0.14, 0.08)  # shares; what is wider in every direction is a shadow or a table
_MIN_SHADED_SIDE = 64  # pixels; what is smaller was drawn, not photographed
_MIN_LIGHT = 40  # grey level: ink in a shadow is weaker by as much as its paper is darker
_STRONG = 0.6  # of the ink's strength
_MIN_KEPT = 0.85  # of the strong ink: what a narrower stroke must leave of it
_MIN_DIGIT = 0.12  # share, where the strong ink is shadow in part
_PEAK_SHARE = 0.001  # this share of the pixels, the strongest, tell how strong the ink is
_MIN_INK = 5.0  # grey levels; what differs less from its background is no ink
_MIN_SIGNAL_TO_NOISE = 5.0
_MAX_NOISE = 4.0  # grey levels, after the picture was reduced
_GAP = 64  # gaps in a stroke up to 2/64 of the longer side are bridged
_INK_THRESHOLDS = (0.4, 0.55, 0.7)  # of the ink's strength; more, where lines of ruled paper are as strong as that
_FAINT = 0.15  # of the ink's strength: below is background
_MIN_PART = 0.08  # of the ink of the largest component: what has less is a speck
_BORDER_WEIGHT = 0.1  # of ink that touches the picture's border: a finger, a line, the next digit
_LINE = 6  # length to width, of what is a line where it touches the border


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
    factor = _factor(picture, _MAX_DRAWING_SIDE)
    grey = _reduce(picture, factor)
    background = _flat_background(grey)
    if background is None:
        factor = _factor(picture, _MAX_PHOTO_SIDE)
        grey = _reduce(picture, factor)
        background = _lit_background(grey)
    ink = background.remove(grey)
    if not _is_mnist_like(ink):
        digit = _find_digit(ink, background.is_flat)
        ink = _fit(*_cut_out(picture, factor, background, digit))
    pixels: NDArray[np.float32] = (ink / ink.max()).reshape(1, SIDE * SIDE)
    return pixels


def _factor(picture: NDArray[np.uint8], max_side: int) -> int:
    """Return how many pixels become one, so that the longer side is no more than `max_side`."""
    return -(-max(picture.shape) // max_side)


def _reduce(picture: NDArray[np.uint8], factor: int) -> Plane:
    """Average blocks of pixels; what is left over at the right and lower edge is left out."""
    if factor == 1:
        return picture.astype(np.float32)
    height, width = (max(side // factor, 1) * factor for side in picture.shape)
    if min(picture.shape) < factor:
        picture = np.pad(picture, [(0, max(factor - side, 0)) for side in picture.shape], "edge")
    picture = picture[:height, :width]
    rows = picture[::factor].astype(np.float32)
    for i in range(1, factor):
        rows += picture[i::factor]
    blocks = rows[:, ::factor].copy()
    for i in range(1, factor):
        blocks += rows[:, i::factor]
    return blocks / np.float32(factor * factor)


class _Background(NamedTuple):
    """What is behind the ink, and how the ink stands out from it.

    Attributes:
        level: of the background, a number or float32 [height, width].
        gain: what a difference counts, in a shadow more than in the light; a number or float32 [height, width].
        sign: 1 where the ink is brighter, -1 where it is darker.
    """

    level: Plane | np.float32
    gain: Plane | np.float32
    sign: int

    @property
    def is_flat(self) -> bool:
        """Whether it has one level, as a drawing's."""
        return self.level.ndim == 0

    def remove(self, grey: Plane) -> Plane:
        """Return how far each pixel stands out."""
        return np.maximum((grey - self.level) * (self.gain * np.float32(self.sign)), 0)

    def enlarge(self, box: tuple[slice, slice], factor: int) -> "_Background":
        """Return the part in a box, each pixel as a block of them."""
        level, gain = (
            plane if self.is_flat else _enlarge(np.asarray(plane)[box], factor) for plane in (self.level, self.gain)
        )
        return _Background(level, gain, self.sign)


def _enlarge(plane: NDArray[_Scalar], factor: int) -> NDArray[_Scalar]:
    return plane.repeat(factor, 0).repeat(factor, 1)


def _flat_background(grey: Plane) -> _Background | None:
    """Return the background of a drawing, which has one grey level; None where it is lit, as in a photo.

    A drawing is nearly all background, or has two levels, of its background and of its ink, and little beyond them.
    The background is the more common, in the picture and along its border: a digit that fills its picture runs along
    much of it.
    """
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    inside = _histogram(grey.ravel())
    share = (inside + _histogram(border)) / 2
    window = np.convolve(share, np.ones(2 * _FLAT + 1), "same")
    level = int(window.argmax())
    if window[level] < _MIN_FLAT_SHARE and not _has_two_levels(inside, window, level):
        return None
    first = max(level - _FLAT, 0)
    mode = np.float32(first + share[first : level + _FLAT + 1].argmax())
    return _Background(mode, np.float32(1), _sign(grey - mode))


def _has_two_levels(share: NDArray[np.float64], window: NDArray[np.float64], level: int) -> bool:
    """Return whether a histogram has a second level beside its first, and little beyond both."""
    other = np.where(abs(np.arange(len(window)) - level) > 2 * _FLAT, window, 0)
    ink = int(other.argmax())
    low, high = sorted((level, ink))
    beyond = share[: max(low - _MAX_SPREAD, 0)].sum() + share[high + _MAX_SPREAD :].sum()
    return bool(window[level] + other[ink] >= _MIN_TWO_LEVEL_SHARE and beyond <= _MAX_BEYOND)


def _histogram(grey: Plane) -> NDArray[np.float64]:
    return np.bincount(np.rint(grey).astype(np.intp), minlength=256) / grey.size


def _lit_background(grey: Plane) -> _Background:
    sign = _ink_sign(grey)
    bright = grey if sign > 0 else 255 - grey
    level = bright - _stand_out_of_light(bright)
    gain = 255 / np.maximum(255 - level, _MIN_LIGHT)
    return _Background(level if sign > 0 else 255 - level, gain, sign)


def _ink_sign(grey: Plane) -> int:
    """Return 1 for bright ink on dark paper, -1 for dark ink on light paper.

    Ink is the smaller part of its surroundings, so it lies further from their mean than the paper does.
    """
    return _sign(grey - _local_mean(grey))


def _sign(difference: Plane) -> int:
    return 1 if float((difference * difference * difference).sum()) >= 0 else -1


def _local_mean(grey: Plane) -> Plane:
    for axis, length in enumerate(grey.shape):
        reach = max(length // 4, 1)
        sums = np.pad(np.cumsum(grey, axis, dtype=np.float32), [(1, 0) if i == axis else (0, 0) for i in (0, 1)])
        first = np.maximum(np.arange(length) - reach, 0)
        last = np.minimum(np.arange(length) + reach + 1, length)
        counts = (last - first).reshape(-1, 1) if axis == 0 else last - first
        grey = (sums.take(last, axis) - sums.take(first, axis)) / counts.astype(np.float32)
    return grey


def _is_mnist_like(ink: Plane) -> bool:
    """Return whether a picture already has MNIST's size and centre."""
    if ink.shape != (SIDE, SIDE) or ink.max() < 128 or ink.min() > 0:
        return False
    rows, columns = _extent(ink > ink.max() / 10)
    centre = _centre_of_mass(ink)
    return max(rows[1] - rows[0], columns[1] - columns[0]) == _DIGIT_SIDE and all(
        abs(position - _CENTRE) <= _CENTRE_TOLERANCE for position in centre
    )


def _stand_out_of_light(bright: Plane) -> Plane:
    """Return how far each pixel stands out from its paper.

    The narrower the strokes may be, the more shadows go away with the paper; so the narrowest width is taken
    that leaves the strongest ink as it is, or at least a component of it that is large enough for a digit.
    """
    slope = _slope(bright) if max(bright.shape) >= _MIN_SHADED_SIDE else np.float32(0)
    bright = bright - slope
    ink = _top_hat(bright, _STROKE_WIDTHS[0])
    floor, strength = _levels(ink)
    if max(ink.shape) < _MIN_SHADED_SIDE or strength < _MIN_INK:
        return ink
    strong = ink > floor + _STRONG * strength
    components = Components(strong)
    long = components.sides.max(1) > _MIN_DIGIT * max(ink.shape)
    for share in _STROKE_WIDTHS[1:]:
        narrower = _top_hat(bright, share)
        kept = strong & (narrower > 0.5 * ink)
        digits = long & (components.sum(kept) >= _MIN_KEPT * components.sum(strong))
        if kept.sum() < _MIN_KEPT * strong.sum() and not digits.any():
            break
        # Where strokes meet, they are wider than each is. What touches the border is paper more often than a stroke.
        knots = components.mask(digits & (components.borders == 0)) & ~kept
        ink = np.where(knots, ink, np.minimum(ink, narrower))
    return ink


def _slope(bright: Plane) -> Plane:
    """Return the plane that fits a picture best, but for its height."""
    slopes = []
    for axis, length in enumerate(bright.shape):
        from_middle = np.arange(length, dtype=np.float32) - (length - 1) / 2
        slope = bright.mean(1 - axis) @ from_middle / max(from_middle @ from_middle, 1)
        slopes.append(slope * from_middle)
    return np.asarray(slopes[0][:, None] + slopes[1], np.float32)


def _top_hat(bright: Plane, stroke_width: float) -> Plane:
    """Return the white top-hat: the pixels less their opening, in which strokes narrower than a width are gone."""
    width = max(int(max(bright.shape) * stroke_width), 3) | 1
    opening = bright
    for is_erosion in (True, False):
        for axis in (0, 1):
            opening = _sliding_extreme(opening, width, axis, is_erosion)
    return bright - opening


def _sliding_extreme(values: Plane, width: int, axis: int, is_erosion: bool) -> Plane:
    """Return the least or greatest value in a window around each pixel, the window cut at the border."""
    extreme, beyond = (np.minimum, np.inf) if is_erosion else (np.maximum, -np.inf)
    lines = values if axis == 0 else values.T
    half = width // 2
    lines = np.pad(lines, ((half, half), (0, 0)), constant_values=np.float32(beyond))
    covered = 1
    while covered < width:  # a window from two that overlap
        step = min(covered, width - covered)
        lines = extreme(lines[:-step], lines[step:])
        covered += step
    return lines if axis == 0 else lines.T


def _levels(ink: Plane) -> tuple[float, float]:
    """Return the level of the paper and how much stronger the strongest ink is."""
    floor = _quantile(ink, 0.5)
    return floor, _quantile(ink, 1 - max(_PEAK_SHARE, 3 / ink.size)) - floor


def _quantile(grey: Plane, share: float) -> float:
    """Return what that share of the pixels lies below, to an eighth of a grey level.

    They are counted and not sorted: where many are alike, `sort` and `partition` take milliseconds in one version
    of NumPy or another.
    """
    counts = np.bincount((grey.ravel() * 8).astype(np.intp))
    return float(np.searchsorted(np.cumsum(counts), int(max(share, 0) * grey.size), "right")) / 8


class _Digit(NamedTuple):
    """Where the digit is, and what its ink is like.

    Attributes:
        mask: bool [height, width], the digit and a few pixels around it.
        faint: how far the faintest ink stands out.
        threshold: the same of what counts for the digit's size.
        strong: the same of the strongest ink.
    """

    mask: Mask
    faint: float
    threshold: float
    strong: float


def _find_digit(ink: Plane, is_drawing: bool) -> _Digit:
    """Find the digit in how far each pixel stands out from its background.

    Raises:
        NoDigitFound: nothing stands out.
    """
    floor, strength = (0.0, float(ink.max())) if is_drawing else _levels(ink)
    # Noise alone: two of three pixels are within one standard deviation. A bold digit covers more than a sixth of
    # a small picture, so what looks like much noise may be ink.
    noise = 0.0 if is_drawing else min(_quantile(ink, 0.84) - floor, _MAX_NOISE)
    if strength < max(_MIN_INK, _MIN_SIGNAL_TO_NOISE * noise):
        raise NoDigitFound("no digit was found in the picture")
    reach = max(ink.shape) // _GAP
    for share in _INK_THRESHOLDS:
        threshold = floor + share * strength
        mask = ink > threshold
        components = Components(_dilate(mask, reach))
        digit = components.mask(_digit_components(components, ink, is_drawing))
        rows, columns = _extent(digit & mask)
        if not _spans(rows, ink.shape[0]) and not _spans(columns, ink.shape[1]):
            break
    return _Digit(_dilate(digit, 1), floor + _FAINT * strength, threshold, floor + strength)


def _spans(extent: tuple[int, int], length: int) -> bool:
    """Return whether something goes from border to border, as a ruled line does."""
    return extent[1] - extent[0] >= 0.95 * length


def _dilate(mask: Mask, reach: int) -> Mask:
    for axis in (0, 1):
        for _ in range(reach):
            lines = mask if axis == 0 else mask.T
            grown = lines.copy()
            grown[1:] |= lines[:-1]
            grown[:-1] |= lines[1:]
            mask = grown if axis == 0 else grown.T
    return mask


def _digit_components(components: Components, ink: Plane, is_drawing: bool) -> Mask:
    """Return which components make the digit: the one with most ink, and what else is no speck."""
    weight = components.sum(ink)
    at_border = components.borders > 0
    is_line = components.sides.max(1) > _LINE * components.sides.min(1)
    if not is_drawing:
        weight[at_border] *= _BORDER_WEIGHT
    weight[is_line & at_border] *= _BORDER_WEIGHT
    return np.asarray(weight >= _MIN_PART * weight.max())


def _cut_out(picture: NDArray[np.uint8], factor: int, background: _Background, digit: _Digit) -> tuple[Plane, Mask]:
    """Return the digit's ink, float32 in 0..1, and what of it counts for its size; finer where it is small."""
    rows, columns = _extent(digit.mask)
    box = slice(*rows), slice(*columns)
    enlargement = _divisor(factor, _MIN_DIGIT_SIDE / max(rows[1] - rows[0], columns[1] - columns[0]))
    fine = factor // enlargement
    part = picture[tuple(slice(side.start * factor, side.stop * factor) for side in box)]
    ink = background.enlarge(box, enlargement).remove(_reduce(part, fine))
    mask = _enlarge(digit.mask[box], enlargement)[: ink.shape[0], : ink.shape[1]]
    plane = np.clip((ink - digit.faint) / (digit.strong - digit.faint), 0, 1) * mask
    return plane.astype(np.float32), mask & (ink > digit.threshold)


def _divisor(factor: int, least: float) -> int:
    """Return the smallest divisor of a factor that is large enough, or the factor."""
    return next((divisor for divisor in range(1, factor) if factor % divisor == 0 and divisor >= least), factor)


def _extent(mask: Mask) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the first row and the one past the last, and the same of the columns."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (int(rows[0]), int(rows[-1]) + 1), (int(columns[0]), int(columns[-1]) + 1)


def _centre_of_mass(plane: Plane) -> list[float]:
    """Return row and column of the centre, in pixels from the upper left corner."""
    return [float(sums @ (np.arange(len(sums)) + 0.5) / sums.sum()) for sums in (plane.sum(1), plane.sum(0))]


def _fit(plane: Plane, mask: Mask) -> Plane:
    """Lay the digit into 28x28: its longer side over 20 pixels, its centre of mass in the middle."""
    rows, columns = _extent(mask)
    scale = max(rows[1] - rows[0], columns[1] - columns[0]) / _DIGIT_SIDE
    down, across = (
        _resampling(length, centre, scale) for length, centre in zip(plane.shape, _centre_of_mass(plane), strict=True)
    )
    return down @ plane @ across.T


def _resampling(length: int, centre: float, scale: float) -> Plane:
    """Return the float32 [28, length] matrix that lays `centre` at MNIST's centre, `scale` pixels on one.

    Each row is a tent over the pixels, integrated over each of them, so that the weights sum to 1.
    """
    positions = centre + (np.arange(SIDE) + 0.5 - _CENTRE) * scale
    edges = np.clip((np.arange(length + 1) - positions[:, None]) / max(scale, 1), -1, 1)
    return np.diff(edges - edges * np.abs(edges) / 2).astype(np.float32)
