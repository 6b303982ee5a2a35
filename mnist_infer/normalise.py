"""From a grey picture to what the network reads. The only module that knows what MNIST looks like."""

import numpy as np
from numpy.typing import NDArray

SIDE = 28


def to_model_input(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the picture as MNIST would have it: 28x28, bright ink on black.

    The whole picture is averaged down to 28x28, its aspect not kept, and inverted where it is
    mostly bright. A picture of 28x28 keeps its pixels.

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
    return ink.reshape(1, SIDE * SIDE).clip(0, 1)  # an average of whites may be rounded above 1


def _averages(length: int) -> NDArray[np.float32]:
    """Return the float32 [28, length] matrix that averages `length` pixels down to 28 by area."""
    edges = np.arange(SIDE + 1, dtype=np.float32)[:, None] * np.float32(length / SIDE)
    pixels = np.arange(length, dtype=np.float32)
    covered = np.minimum(edges[1:], pixels + 1) - np.maximum(edges[:-1], pixels)
    weights: NDArray[np.float32] = np.maximum(covered, 0) * np.float32(SIDE / length)
    return weights
