"""Pictures, and where the files are that they come from."""

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnist_infer.config import ROOT
from mnist_infer.versions import find_version

FIXTURES = ROOT / "tests" / "fixtures"
EXAMPLES = ROOT / "examples"
MODEL_DIR = find_version(ROOT / "export", None)


def mnist_digits() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the first 300 test digits of MNIST: images uint8 [300, 28, 28], labels uint8 [300]."""
    with np.load(FIXTURES / "mnist_300.npz") as arrays:
        return arrays["images"], arrays["labels"]


def encode(pixels: NDArray[np.generic] | Image.Image, file_format: str = "PNG", **options: object) -> bytes:
    """Return an image file of the pixels."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def to_base64(content: bytes) -> str:
    """Return bytes as base64 text."""
    return base64.b64encode(content).decode()


def digit_png(digit: int) -> bytes:
    """Return a PNG file of a digit, as MNIST has it."""
    images, labels = mnist_digits()
    return encode(images[labels == digit][0])
