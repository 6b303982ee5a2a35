"""The article's way from a picture to what the network reads: what the suite and the benchmarks compare with."""

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_SIZE = (28, 28)


def to_pixels(image: Image.Image) -> list[float]:
    """Squeeze the whole picture to 28x28, its aspect not kept, and invert it where most pixels are bright.

    Pixel by pixel in Python, as it is printed: what that costs is part of what is compared.

    Returns:
        784 values from 0 to 1, row-major; 1 is ink.

    Source:
        The article «使用 Serverless 进行 AI 预测推理», 2018.
    """
    values = cast(Sequence[int], image.resize(_SIZE).convert("L").get_flattened_data())  # formerly getdata
    pixels = [0.0] * len(values)
    bright = 0
    for i, value in enumerate(values):
        pixels[i] = value / 255
        if value > 127:
            bright += 1
    if bright > len(pixels) / 2:
        for i in range(len(pixels)):
            pixels[i] = 1 - pixels[i]
    return pixels


def to_model_input(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the same of a grey picture.

    Args:
        picture: uint8 [height, width], 0 is black, 255 is white.

    Returns:
        float32 [1, 784].
    """
    return np.array([to_pixels(Image.fromarray(picture))], np.float32)
