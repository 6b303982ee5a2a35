"""Connected components of a mask, found by its runs: hundreds instead of ten thousand pixels."""

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]


class Components:
    """The connected components of a mask, pixels that touch at a corner included.

    A run is what a row of the mask has without a gap.

    Attributes:
        sides: int [components, 2], height and width of each one's box.
        borders: int [components], how many of the mask's four borders it touches.
    """

    def __init__(self, mask: Mask) -> None:
        height, width = mask.shape
        self._mask = mask
        self._stride = width + 1  # rows end to end, a gap between them
        line = np.zeros(height * self._stride + 1, np.int8)
        line[1:].reshape(height, self._stride)[:, :width] = mask
        edges = np.flatnonzero(np.diff(line))
        self._first, self._end = edges[::2], edges[1::2]
        self._component = self._connect()
        order = np.argsort(self._component, kind="stable")
        ends = np.cumsum(np.bincount(self._component))
        starts = np.concatenate(([0], ends[:-1]))
        rows, left = np.divmod(self._first[order], self._stride)
        top, bottom = rows[starts], rows[ends - 1] + 1  # runs stand in the rows' order
        west = np.minimum.reduceat(left, starts)
        east = np.maximum.reduceat(self._end[order] % self._stride, starts)
        self._first_corner, self._last_corner = np.stack([top, west], axis=1), np.stack([bottom, east], axis=1)
        self.sides = self._last_corner - self._first_corner
        self.borders = sum((top == 0, west == 0, bottom == height, east == width), np.zeros(len(top), int))

    def sum(self, plane: NDArray[np.generic]) -> NDArray[np.float64]:
        """Return the sum over each component's pixels, float64 [components]."""
        lengths = self._end - self._first
        runs = np.add.reduceat(plane[self._mask], np.cumsum(lengths) - lengths, dtype=np.float64)
        return np.asarray(np.bincount(self._component, runs), np.float64)

    def gaps(self, component: int) -> Indices:
        """Return how many rows or columns lie between each one's box and that of a component, int [components]."""
        before = self._first_corner[component] - self._last_corner
        behind = self._first_corner - self._last_corner[component]
        return np.asarray(np.maximum(before, behind).max(1))

    def mask(self, chosen: Mask) -> Mask:
        """Return the pixels of the chosen components, bool [height, width]."""
        mask = np.zeros_like(self._mask)
        mask[self._mask] = np.repeat(chosen[self._component], self._end - self._first)
        return mask

    def _connect(self) -> Indices:
        """Return the component that each run belongs to."""
        # The runs of the row above that a run touches are neighbours in the list.
        low = np.searchsorted(self._end, self._first - self._stride, "left")
        high = np.searchsorted(self._first, self._end - self._stride, "right")
        counts = np.maximum(high - low, 0)
        below = np.repeat(np.arange(len(low)), counts)
        above = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(low, counts)
        component = np.arange(len(low))  # each run's: an earlier run of the same, and in the end its first
        while ((lower := component[below]) != (upper := component[above])).any():
            np.minimum.at(component, np.maximum(lower, upper), np.minimum(lower, upper))
            while ((first := component[component]) != component).any():
                component = first
        return np.asarray(np.cumsum(component == np.arange(len(low)))[component] - 1)
