"""What belongs behind a transparent picture: the paper that it brings along, or what its ink stands out from."""

import numpy as np
from numpy.typing import NDArray

from mnist_infer.background import Plane, quantile
from mnist_infer.components import Components, Mask

BLACK, WHITE = 0, 255

# Found on held-back digits, as ink alone and on sheets of every kind, see tests/test_transparency.py.
_MIN_HULL_SHARE = 0.9  # of a sheet's convex hull: turned and small it covers 0.92, the ink of most digits 0.4 to 0.8
_MIN_AREA = 0.4  # of the square over the longer side: a straight 1 of a bold pen has less
_MIN_CONTRAST = 10.0  # grey levels; what differs less is the paper itself
_MIN_STICKER_DIGIT = (
    0.5  # of the longer side, what paper that follows the digit encloses; the loops of 6, 8, 9 are less
)
_MIN_ENCLOSED = 0.75  # of what is around the ink: paper, and no transparency


def find_ground(on_black: Plane, opacity: Plane) -> int:
    """Return the grey level to lay a transparent picture on.

    Where what is visible has ink on paper, it is the paper's level. Where it is ink only, it is white or
    black, whichever the ink stands out from.

    Args:
        on_black: float32 [height, width], the picture laid on black, 0 to 255.
        opacity: the same of its alpha channel.
    """
    visible = np.asarray(opacity > opacity.max() / 2)  # shadows and halos are less
    if not visible.any():
        return WHITE
    visible_rows, visible_columns = np.flatnonzero(visible.any(1)), np.flatnonzero(visible.any(0))
    box = slice(visible_rows[0], visible_rows[-1] + 1), slice(visible_columns[0], visible_columns[-1] + 1)
    visible = visible[box]
    levels = np.where(visible, on_black[box] * WHITE / np.maximum(opacity[box], 1), 0)
    paper = quantile(levels[visible], 0.5)
    contrast = np.where(visible, abs(levels - paper), 0)
    if contrast.max() > _MIN_CONTRAST and (_is_sheet(visible) or _encloses(visible, contrast)):
        return round(paper)
    return BLACK if paper > WHITE / 2 else WHITE


def _is_sheet(visible: Mask) -> bool:
    """Return whether a region is convex and wide, as sheets and windows are and the ink of a digit is not."""
    left, right = visible.argmax(1), visible.shape[1] - visible[:, ::-1].argmax(1)
    rows = np.flatnonzero(visible.any(1))
    hull = -_envelope(rows, -right[rows]) - _envelope(rows, left[rows])
    return bool(visible.sum() >= max(_MIN_HULL_SHARE * hull.sum(), _MIN_AREA * max(visible.shape) ** 2))


def _envelope(x: NDArray[np.intp], y: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the lower convex envelope of points, at every whole x between the first and the last."""
    corners: list[tuple[int, int]] = []
    for point in zip(x.tolist(), y.tolist(), strict=True):
        while len(corners) > 1 and _turn(corners[-2], corners[-1], point) <= 0:
            corners.pop()
        corners.append(point)
    return np.interp(np.arange(x[0], x[-1] + 1), *np.array(corners, np.float64).T)


def _turn(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> int:
    """Return more than 0 where the way from a over b to c turns left."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _encloses(visible: Mask, contrast: Plane) -> bool:
    """Return whether paper lies around ink as large as a digit: a sticker that is cut along it."""
    visible, contrast = np.pad(visible, 1), np.pad(contrast, 1)
    ink = contrast > contrast.max() / 2
    grown = ink
    for axis in (0, 1):
        grown = grown | np.roll(grown, 1, axis) | np.roll(grown, -1, axis)
    around = grown & ~ink
    least_side = _MIN_STICKER_DIGIT * max(visible.shape)
    if Components(ink).sides.max() < least_side:  # the grain of chalk
        return False
    components = Components(grown)
    is_large = components.sides.max(1) >= least_side
    is_enclosed = components.sum(around & visible) >= _MIN_ENCLOSED * components.sum(around)
    return bool((is_large & is_enclosed).any())
