"""From a grey picture to what the network reads. The only module that knows what MNIST looks like.

MNIST's digits were fitted into 20x20 pixels, their aspect kept, and laid into 28x28 with their
centre of mass in the middle. The same is done here to whatever comes, in training as in production:
the background is removed, the digit is found in a small copy of the picture, and then cut out of
the picture itself, fitted and centred.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_infer.background import (
    MIN_INK,
    MIN_PHOTO_SIDE,
    Background,
    Plane,
    enlarge,
    find_levels,
    flat_background,
    lit_background,
    quantile,
)
from mnist_infer.components import Components, Mask
from mnist_infer.errors import NoDigitFound

SIDE = 28


# MNIST's own measures, in pixels: its longer side, and the centre of mass from the upper left corner.
_DIGIT_SIDE = 20
_CENTRE = 14.5
_CENTRE_TOLERANCE = 0.6

# Found on the user pictures of held-back digits. Shares are of the longer side.
_MAX_DRAWING_SIDE = 64  # pixels: the digit is looked for at no more than this
_MAX_PHOTO_SIDE = 192  # pixels: the same where light, noise and thin strokes are to be told apart
_MIN_DIGIT_SIDE = 48  # pixels: a digit that is smaller there is cut out of the picture itself
_MIN_SIGNAL_TO_NOISE = 5.0
_MAX_NOISE = 4.0  # grey levels, after the picture was reduced
_INK_THRESHOLDS = (0.4, 0.55, 0.7)  # of the ink's strength; more, where lines of ruled paper are as strong as that
_FAINT = 0.15  # of the ink's strength: below is background
_MIN_PART = 0.08  # of the ink of the largest component: what has less is a speck
_MAX_GAP = 0.25  # of the largest component's longer side: what is further away from it in a photo is something else
_BORDER_WEIGHT = 0.1  # of ink that touches a photo's border: a finger, a line, the next digit


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
    background = flat_background(grey)
    if background is None:
        factor = _factor(picture, _MAX_PHOTO_SIDE)
        grey = _reduce(picture, factor)
        background = lit_background(grey)
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
    picture = _widen(picture, factor)
    height, width = (side // factor * factor for side in picture.shape)
    picture = picture[:height, :width]
    rows = picture[::factor].astype(np.float32)
    for i in range(1, factor):
        rows += picture[i::factor]
    blocks = rows[:, ::factor].copy()
    for i in range(1, factor):
        blocks += rows[:, i::factor]
    return blocks / np.float32(factor * factor)


def _widen(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return a picture that is nowhere narrower than a side, its edge repeated."""
    if min(picture.shape) >= side:
        return picture
    return np.pad(picture, [(0, max(side - length, 0)) for length in picture.shape], "edge")


def _is_mnist_like(ink: Plane) -> bool:
    """Return whether a picture already has MNIST's size and centre."""
    if ink.shape != (SIDE, SIDE) or ink.max() < 128 or ink.min() > 0:
        return False
    rows, columns = _extent(ink > ink.max() / 10)
    centre = _centre_of_mass(ink)
    return max(rows[1] - rows[0], columns[1] - columns[0]) == _DIGIT_SIDE and all(
        abs(position - _CENTRE) <= _CENTRE_TOLERANCE for position in centre
    )


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
    floor, strength = (0.0, float(ink.max())) if is_drawing else find_levels(ink)
    # Noise alone: two of three pixels are within one standard deviation. A bold digit covers more than a sixth of
    # a small picture, so what looks like much noise may be ink.
    noise = 0.0 if is_drawing else min(quantile(ink, 0.84) - floor, _MAX_NOISE)
    if strength < max(MIN_INK, _MIN_SIGNAL_TO_NOISE * noise):
        raise NoDigitFound("no digit was found in the picture")
    for share in _INK_THRESHOLDS:
        threshold = floor + share * strength
        mask = ink > threshold
        components = Components(mask)
        digit = components.mask(_digit_components(components, ink, is_drawing))
        rows, columns = _extent(digit)
        if not _spans(rows, ink.shape[0]) and not _spans(columns, ink.shape[1]):
            break
    return _Digit(_dilate(digit), floor + _FAINT * strength, threshold, floor + strength)


def _spans(extent: tuple[int, int], length: int) -> bool:
    """Return whether something goes from border to border, as a ruled line does."""
    return extent[1] - extent[0] >= 0.95 * length


def _dilate(mask: Mask) -> Mask:
    """Return a mask and the pixels around it."""
    for axis in (0, 1):
        lines = mask if axis == 0 else mask.T
        grown = lines.copy()
        grown[1:] |= lines[:-1]
        grown[:-1] |= lines[1:]
        mask = grown if axis == 0 else grown.T
    return mask


def _digit_components(components: Components, ink: Plane, is_drawing: bool) -> Mask:
    """Return which components make the digit: the one with most ink, and what else is no speck.

    In a photo these are near to it, and fingers or lines are not. In a drawing nothing else is expected, and a thin
    stroke may be in pieces.
    """
    weight = components.sum(ink)
    if not is_drawing:
        weight[components.borders > 0] *= _BORDER_WEIGHT
    main = int(weight.argmax())
    parts = np.asarray(weight >= _MIN_PART * weight[main])
    if not is_drawing and max(ink.shape) >= MIN_PHOTO_SIDE:
        parts &= components.gaps(main) <= _MAX_GAP * components.sides[main].max()
    return parts


def _cut_out(picture: NDArray[np.uint8], factor: int, background: Background, digit: _Digit) -> tuple[Plane, Mask]:
    """Return the digit's ink, float32 in 0..1, and what of it counts for its size; finer where it is small."""
    rows, columns = _extent(digit.mask)
    box = slice(*rows), slice(*columns)
    enlargement = _divisor(factor, _MIN_DIGIT_SIDE / max(rows[1] - rows[0], columns[1] - columns[0]))
    fine = factor // enlargement
    part = _widen(picture, factor)[tuple(slice(side.start * factor, side.stop * factor) for side in box)]
    ink = background.enlarge(box, enlargement).remove(_reduce(part, fine))
    mask = enlarge(digit.mask[box], enlargement)[: ink.shape[0], : ink.shape[1]]
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
    return np.asarray(down @ plane @ across.T, np.float32)


def _resampling(length: int, centre: float, scale: float) -> Plane:
    """Return the float32 [28, length] matrix that lays `centre` at MNIST's centre, `scale` pixels on one.

    Each row is a tent over the pixels, integrated over each of them, so that the weights sum to 1.
    """
    positions = centre + (np.arange(SIDE) + 0.5 - _CENTRE) * scale
    edges = np.minimum(np.maximum((np.arange(length + 1) - positions[:, None]) / max(scale, 1), -1), 1)
    integral = edges - edges * np.abs(edges) / 2
    return np.asarray(integral[:, 1:] - integral[:, :-1], np.float32)
