import numpy as np
import pytest

from mnist_infer.normalise import to_model_input
from tests.pictures import mnist_digits


def test_mnists_own_pictures_keep_their_pixels_in_either_polarity() -> None:
    for digit in mnist_digits()[0][:50]:
        expected = digit.reshape(1, 784) / np.float32(255)
        np.testing.assert_allclose(to_model_input(digit), expected, atol=1e-6)
        np.testing.assert_allclose(to_model_input(255 - digit), expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (27, 29), (28, 28), (56, 84), (1000, 333)])
def test_every_size_becomes_one_row_of_784_in_range(shape: tuple[int, int]) -> None:
    pixels = to_model_input(np.random.default_rng(1).integers(0, 256, shape, np.uint8))
    assert pixels.shape == (1, 784)
    assert pixels.dtype == np.float32
    assert 0 <= pixels.min() <= pixels.max() <= 1


def test_a_larger_picture_is_averaged_by_area() -> None:
    digit = mnist_digits()[0][0]
    enlarged = np.kron(digit, np.ones((3, 5), np.uint8))
    np.testing.assert_allclose(to_model_input(enlarged), to_model_input(digit), atol=1e-5)


def test_rows_stay_rows() -> None:
    picture = np.zeros((28, 28), np.uint8)
    picture[3, 20] = 255
    assert to_model_input(picture).argmax() == 3 * 28 + 20
