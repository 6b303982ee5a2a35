"""Connected components, against another way to count them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_infer.components import Components


def flood(mask: NDArray[np.bool_]) -> list[set[tuple[int, int]]]:
    """Return the components of a mask, each as its pixels, found pixel by pixel."""
    left = set(zip(*map(np.ndarray.tolist, np.nonzero(mask)), strict=True))
    found = []
    while left:
        waiting, component = [left.pop()], set()
        while waiting:
            row, column = waiting.pop()
            component.add((row, column))
            near = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            waiting += near
        found.append(component)
    return found


@pytest.mark.parametrize("share", [0.1, 0.3, 0.45, 0.6, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (17, 24)])
def test_components_are_those_that_a_flood_finds(shape: tuple[int, int], share: float) -> None:
    random = np.random.default_rng([*shape, int(100 * share)])
    mask = random.random(shape) < share
    mask.flat[0] = True
    components = Components(mask)
    plane = random.random(shape)
    expected = {frozenset(component) for component in flood(mask)}
    count = len(components.sides)
    assert count == len(expected)
    for i in range(count):
        chosen = components.mask(np.arange(count) == i)
        pixels = frozenset(zip(*map(np.ndarray.tolist, np.nonzero(chosen)), strict=True))
        assert pixels in expected
        rows, columns = zip(*pixels, strict=True)
        assert components.sides[i].tolist() == [np.ptp(rows) + 1, np.ptp(columns) + 1]
        borders = (min(rows) == 0, min(columns) == 0, max(rows) == shape[0] - 1, max(columns) == shape[1] - 1)
        assert components.borders[i] == sum(borders)
        assert components.sum(plane)[i] == pytest.approx(plane[chosen].sum())


def test_a_spiral_is_one_component() -> None:
    mask = np.zeros((41, 41), bool)
    row, column, step = 20, 20, np.array([0, 1])
    for length in range(2, 40, 2):
        for _ in range(2):
            for _ in range(length):
                mask[row, column] = True
                row, column = row + int(step[0]), column + int(step[1])
            step = np.array([step[1], -step[0]])
    assert len(Components(mask).sides) == 1
    assert len(flood(mask)) == 1
