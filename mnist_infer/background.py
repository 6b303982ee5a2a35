"""What is behind the ink, and how far each pixel stands out from it: of a drawing, and of a photo in uneven light."""

import math
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from mnist_infer.components import Components, Mask

Plane = NDArray[np.float32]
_Scalar = TypeVar("_Scalar", bound=np.generic)

# Found on the user pictures of held-back digits. Grey levels are of 255, shares are of the longer side.
_FLAT = 2  # grey levels that most of a drawing's background or ink varies by
_MIN_FLAT_SHARE = 0.8  # of the pixels, in one level: a drawing, and no photo
_MIN_TWO_LEVEL_SHARE = 0.45  # of the pixels, in two levels: the same of a digit that fills its picture
_MAX_SPREAD = 16  # grey levels that a drawing's background or ink may vary by where it was compressed
_MAX_BEYOND = 0.002  # of the pixels: what may be brighter or darker than both levels
_WIDEST_STROKE = 0.36  # share; what is wider in every direction is a shadow or a table
_NARROW_STROKE = 0.08  # share; the same of a digit that a pen has written
MIN_PHOTO_SIDE = 64  # pixels; what is smaller was drawn, not photographed
_MIN_LIGHT = 40  # grey level: ink in a shadow is weaker by as much as its paper is darker
_NEAR, _FAR = 0.06, 0.35  # shares; the surroundings that tell ink from paper
_STRONG = 0.6  # of the ink's strength
_MIN_KEPT = 0.7  # of a component of the strong ink: what narrow strokes must leave of it
_MIN_DIGIT = 0.12  # share, where the strong ink is shadow in part
_PEAK_SHARE = 0.001  # this share of the pixels, the strongest, tell how strong the ink is
MIN_INK = 5.0  # grey levels; what differs less from its background is no ink


class Background(NamedTuple):
    """What is behind the ink, and how the ink stands out from it.

    Attributes:
        level: of the background, a number or float32 [height, width].
        gain: what a difference counts, in a shadow more than in the light; a number or float32 [height, width].
        polarity: 1 where the ink is brighter, -1 where it is darker.
    """

    level: Plane | np.float32
    gain: Plane | np.float32
    polarity: int

    @property
    def is_flat(self) -> bool:
        """Whether it has one level, as a drawing's."""
        return self.level.ndim == 0

    def remove(self, grey: Plane) -> Plane:
        """Return how far each pixel stands out."""
        return np.maximum((grey - self.level) * (self.gain * np.float32(self.polarity)), 0)

    def enlarge(self, box: tuple[slice, slice], factor: int) -> "Background":
        """Return the part in a box, each pixel as a block of them."""
        level, gain = (
            plane if self.is_flat else enlarge(np.asarray(plane)[box], factor) for plane in (self.level, self.gain)
        )
        return Background(level, gain, self.polarity)


def flat_background(grey: Plane) -> Background | None:
    """Return the background of a drawing, which has one grey level; None where it is lit, as in a photo.

    A drawing is nearly all background, or has two levels, of its background and of its ink, and little beyond them.
    The background is the more common, in the picture and along its border: a digit that fills its picture runs along
    much of it.
    """
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    inside = _histogram(grey.ravel())
    share = (inside + _histogram(border)) / 2
    window = np.asarray(np.convolve(share, np.ones(2 * _FLAT + 1), "same"), np.float64)
    level = int(window.argmax())
    if window[level] < _MIN_FLAT_SHARE and not _has_two_levels(inside, window, level):
        return None
    first = max(level - _FLAT, 0)
    mode = np.float32(first + share[first : level + _FLAT + 1].argmax())
    return Background(mode, np.float32(1), _polarity(grey - mode))


def _has_two_levels(share: NDArray[np.float64], window: NDArray[np.float64], level: int) -> bool:
    """Return whether a histogram has a second level beside its first, and little beyond both."""
    other = np.where(abs(np.arange(len(window)) - level) > 2 * _FLAT, window, 0)
    ink = int(other.argmax())
    low, high = sorted((level, ink))
    beyond = share[: max(low - _MAX_SPREAD, 0)].sum() + share[high + _MAX_SPREAD :].sum()
    return bool(window[level] + other[ink] >= _MIN_TWO_LEVEL_SHARE and beyond <= _MAX_BEYOND)


def _histogram(grey: Plane) -> NDArray[np.float64]:
    return np.bincount(np.rint(grey).astype(np.intp), minlength=256) / grey.size


def lit_background(grey: Plane) -> Background:
    """Return the background of a photo: what is left of it where strokes are taken away."""
    sign = _local_polarity(grey)
    bright = grey if sign > 0 else 255 - grey
    level = bright - _adaptive_top_hat(bright)
    gain = 255 / np.maximum(255 - level, _MIN_LIGHT)
    return Background(level if sign > 0 else 255 - level, gain, sign)


def _local_polarity(grey: Plane) -> int:
    """Return 1 for bright ink on dark paper, -1 for dark ink on light paper.

    Ink is the smaller part of its surroundings, so it lies further from their mean than the paper does. Where these
    are wide, a shadow in a photo counts as much as ink; where they are small, bold strokes fill them. The more skewed
    of both tells.
    """
    is_large = max(grey.shape) >= MIN_PHOTO_SIDE
    return _polarity(*(grey - _local_mean(grey, reach) for reach in ((_FAR, _NEAR) if is_large else (_FAR,))))


def _polarity(*differences: Plane) -> int:
    """Return the sign of the most skewed."""
    return 1 if max(map(_skewness, differences), key=abs) >= 0 else -1


def _skewness(difference: Plane) -> float:
    """Return how far a few large differences outweigh many small ones of the other sign; of a mean of 0."""
    squares = difference * difference
    return float((squares * difference).sum()) / max(math.sqrt(float(squares.sum())) ** 3, 1e-9)


def _local_mean(grey: Plane, share: float) -> Plane:
    """Return the mean around each pixel, as far as a share of the longer side; less at the border."""
    reach = max(int(max(grey.shape) * share), 1)
    for axis, length in enumerate(grey.shape):
        sums = np.pad(np.cumsum(grey, axis, dtype=np.float32), [(1, 0) if i == axis else (0, 0) for i in (0, 1)])
        first = np.maximum(np.arange(length) - reach, 0)
        last = np.minimum(np.arange(length) + reach + 1, length)
        counts = (last - first).reshape(-1, 1) if axis == 0 else last - first
        grey = (sums.take(last, axis) - sums.take(first, axis)) / counts.astype(np.float32)
    return grey


def _adaptive_top_hat(bright: Plane) -> Plane:
    """Return how far each pixel stands out from its paper.

    The narrower the strokes may be, the more shadows go away with the paper; so narrow ones are asked for, if they
    leave a component of the strongest ink that is long enough for a digit as it is. A shadow may be stronger than the
    ink, or lie under it: then such a component is looked for in strokes of up to twice the width.
    """
    if is_large := max(bright.shape) >= MIN_PHOTO_SIDE:
        bright = bright - _slope(bright)
    ink = _top_hat(bright, _WIDEST_STROKE)
    floor, strength = find_levels(ink)
    if not is_large or strength < MIN_INK:
        return ink
    narrow = np.minimum(ink, _top_hat(bright, _NARROW_STROKE))
    strong = ink > floor + _STRONG * strength
    kept = strong & (narrow > 0.5 * ink)
    components, is_digit = _long_components(strong, kept)
    if is_digit.any() or kept.sum() >= _MIN_KEPT * strong.sum():
        # Where strokes meet, they are wider than each is. What touches the border is paper more often than a stroke.
        knots = components.mask(is_digit & (components.borders == 0)) & ~kept
        return np.where(knots, ink, narrow)
    floor, strength = find_levels(narrow)
    if strength < MIN_INK:
        return ink
    least = floor + _STRONG * strength
    strokes = np.minimum(ink, _top_hat(bright, 2 * _NARROW_STROKE)) > least
    components, is_digit = _long_components(strokes, strokes & (narrow > least))
    main = components.sum(narrow).argmax()
    return narrow if is_digit[main] and not components.borders[main] else ink


def _long_components(mask: Mask, kept: Mask) -> tuple[Components, Mask]:
    """Return the components of a mask, and which of them are as long as a digit and kept but for a small part."""
    components = Components(mask)
    is_long = components.sides.max(1) > _MIN_DIGIT * max(mask.shape)
    return components, np.asarray(is_long & (components.sum(kept) >= _MIN_KEPT * components.sum(mask)))


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


def find_levels(ink: Plane) -> tuple[float, float]:
    """Return the level of the paper and how much stronger the strongest ink is."""
    floor = quantile(ink, 0.5)
    return floor, quantile(ink, 1 - max(_PEAK_SHARE, 3 / ink.size)) - floor


def quantile(grey: Plane, share: float) -> float:
    """Return what that share of the pixels lies below, to an eighth of a grey level.

    They are counted and not sorted: where many are alike, `sort` and `partition` take milliseconds in one version
    of NumPy or another.
    """
    counts = np.bincount((grey.ravel() * 8).astype(np.intp))
    return float(np.searchsorted(np.cumsum(counts), int(max(share, 0) * grey.size), "right")) / 8


def enlarge(plane: NDArray[_Scalar], factor: int) -> NDArray[_Scalar]:
    """Return each pixel as a block of them."""
    return plane.repeat(factor, 0).repeat(factor, 1)
