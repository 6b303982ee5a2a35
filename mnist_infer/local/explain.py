"""`explain`: what the network sees in a picture and how sure it is of each digit, to find out why one was misread."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mnist_infer.config import load_settings
from mnist_infer.decode import decode
from mnist_infer.model import load_model
from mnist_infer.normalise import SIDE, to_model_input

_PANEL = 336  # pixels: twelve for each of the network's
_MARGIN = 24
_CAPTION = 36
_ROW = _PANEL // 10
_PAPER, _TEXT, _FRAME, _BAR, _BEST = "#ffffff", "#222222", "#cccccc", "#9fb3c8", "#1f6fb2"


def explain(picture: Path, output: Path) -> int:
    """Write a PNG with the picture, the 28x28 pixels that the network sees, and the ten probabilities.

    Args:
        picture: an image file.
        output: the PNG.

    Returns:
        the exit status, 0.

    Raises:
        MnistInferError: the picture cannot be read.
    """
    settings = load_settings()
    grey = decode(picture.read_bytes(), settings.max_decode_bytes)
    pixels = to_model_input(grey)
    probabilities = load_model(settings).session.predict(pixels)[0]
    draw_explanation(grey, pixels, probabilities).save(output, "PNG")
    print(f"{probabilities.argmax()}  {probabilities.max():8.2%}   {picture}, see {output}")
    return 0


def draw_explanation(
    grey: NDArray[np.uint8], pixels: NDArray[np.float32], probabilities: NDArray[np.float32]
) -> Image.Image:
    """Return the three panels side by side.

    Args:
        grey: uint8 [height, width], the picture as it was decoded.
        pixels: float32 [1, 784], what the network sees.
        probabilities: float32 [10].
    """
    image = Image.new("RGB", (3 * _PANEL + 4 * _MARGIN, _PANEL + 2 * _MARGIN + _CAPTION), _PAPER)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(18)
    seen = Image.fromarray(np.rint(pixels.reshape(SIDE, SIDE) * 255).astype(np.uint8))
    panels = (
        ("the picture, in grey", _fitted(Image.fromarray(grey))),
        ("what the network sees", seen.resize((_PANEL, _PANEL), Image.Resampling.NEAREST)),
    )
    for i, (caption, panel) in enumerate(panels):
        left = _MARGIN + i * (_PANEL + _MARGIN)
        draw.text((left, _MARGIN), caption, _TEXT, font)
        draw.rectangle((left - 1, _MARGIN + _CAPTION - 1, left + _PANEL, _MARGIN + _CAPTION + _PANEL), outline=_FRAME)
        inset = ((_PANEL - panel.width) // 2, (_PANEL - panel.height) // 2)
        image.paste(panel, (left + inset[0], _MARGIN + _CAPTION + inset[1]))
    left = _MARGIN + 2 * (_PANEL + _MARGIN)
    draw.text((left, _MARGIN), "how probable each digit is", _TEXT, font)
    for digit, probability in enumerate(probabilities):
        top = _MARGIN + _CAPTION + digit * _ROW
        colour = _BEST if digit == probabilities.argmax() else _BAR
        length = (_PANEL - 110) * float(probability)
        draw.text((left, top + 5), str(digit), _TEXT, font)
        draw.rectangle((left + 24, top + 5, left + 24 + max(length, 1), top + _ROW - 5), fill=colour)
        draw.text((left + 32 + length, top + 5), f"{probability:.1%}", _TEXT, font)
    return image


def _fitted(image: Image.Image) -> Image.Image:
    scale = _PANEL / max(image.size)
    width, height = (max(round(side * scale), 1) for side in image.size)
    return image.resize((width, height), Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS)
