"""The article's way from a picture to what the network reads: what the suite compares with."""

import numpy as np
from numpy.typing import NDArray

_SIDE = 28


def to_model_input(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the whole picture averaged down to 28x28, its aspect not kept, and inverted where it is mostly bright.

    Args:
        picture: uint8 [height, width], 0 is black, 255 is white.

    Returns:
        float32 [1, 784], row-major 28x28, 0 is paper and 1 is ink.

    Source:
        The article «使用 Serverless 进行 AI 预测推理», 2018.
    """
    height, width = picture.shape
    small = _averages(height) @ picture @ _averages(width).T / np.float32(255)
    ink: NDArray[np.float32] = 1 - small if small.mean() > 0.5 else small
    return ink.reshape(1, _SIDE * _SIDE).clip(0, 1)  # an average of whites may be rounded above 1


def _averages(length: int) -> NDArray[np.float32]:
    """Return the float32 [28, length] matrix that averages `length` pixels down to 28 by area."""
    edges = np.arange(_SIDE + 1, dtype=np.float32)[:, None] * np.float32(length / _SIDE)
    pixels = np.arange(length, dtype=np.float32)
    covered = np.minimum(edges[1:], pixels + 1) - np.maximum(edges[:-1], pixels)
    weights: NDArray[np.float32] = np.maximum(covered, 0) * np.float32(_SIDE / length)
    return weights
