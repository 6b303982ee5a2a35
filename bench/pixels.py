"""What the pixels cost: normalising a small picture, and a photo's way from its file to what the network reads."""

import argparse
import io
from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.guards import PHONE, cpu_us
from bench.report import Figures, figures_table, progress, targets_table
from mnist_infer.config import Settings
from mnist_infer.decode import decode
from mnist_infer.normalise import to_model_input
from testbed.pictures import EXAMPLES, encode, mnist_digits

ROUNDS = 15
DRAFT = (720, 720)
"""What the decoder is asked for, as in the function: the smallest size it can give that is not below."""


def measure(options: argparse.Namespace) -> dict[str, Any]:  # noqa: ARG001
    """Measure the normaliser and the decoder."""
    progress("28×28")
    white = [255 - digit for digit in mnist_digits()[0]]
    shifted = [image[2:, 2:] for image in white]  # not as MNIST has them, so that they are fitted anew
    kept, fitted = _cpu_ms_of(white), _cpu_ms_of(shifted)
    progress("examples")
    limit = Settings().max_decode_bytes
    examples = {path.name: _cpu_ms_of_file(path.read_bytes(), limit) for path in sorted(EXAMPLES.glob("digits/*"))}

    progress("photos")
    photo = phone_photo()
    rounds = [
        (cpu_us(lambda: to_model_input(decode(photo, limit)), 3), cpu_us(lambda: _draft(photo), 3))
        for _ in range(ROUNDS)
    ]
    ours, pillow = (median(column) / 1000 for column in zip(*rounds, strict=True))
    return {
        "rounds": ROUNDS,
        "photo_mb": len(photo) / 1e6,
        "kept": {"cpu_ms": kept},
        "fitted": {"cpu_ms": fitted},
        "examples": {name.replace(".", "_"): {"cpu_ms": ms} for name, ms in examples.items()},
        "photo": {"cpu_ms": ours},
        "pillow": {"cpu_ms": pillow},
    }


def render(figures: Figures) -> str:
    """Return the section's text."""
    examples = {name.replace("_", "."): each for name, each in figures["examples"].items()}
    rows = {
        "28×28 as MNIST has it, either polarity": figures["kept"],
        "26×26, fitted and centred": figures["fitted"],
        **{f"{name}: decoded and normalised": each for name, each in examples.items()},
        "12-megapixel JPEG: decoded and normalised": figures["photo"],
        "the same: decoded by Pillow with `draft`": figures["pillow"],
    }
    slowest = max(each["cpu_ms"] for each in examples.values())
    of_pillow = figures["photo"]["cpu_ms"] / figures["pillow"]["cpu_ms"]
    targets = [
        ("normalising a small picture", figures["fitted"]["cpu_ms"], 1, " ms"),
        ("the slowest example's decoding and normalising", slowest, 1, " ms"),
        ("a photo's decoding and normalising, of Pillow's decoding", of_pillow, 1.5, " times"),
    ]
    how = (
        f"Milliseconds of CPU, medians of {figures['rounds']} rounds on one thread. The photo is "
        f"{figures['photo_mb']:.1f} MB, baseline; Pillow's decoding is asked for the size that the function asks for."
    )
    return f"{figures_table('', rows, ['cpu_ms:.2f'], how)}\n\n{targets_table(targets)}"


def _cpu_ms_of(images: Sequence[NDArray[np.uint8]]) -> float:
    costs = (cpu_us(lambda: [to_model_input(image) for image in images], 1) for _ in range(ROUNDS))
    return median(costs) / len(images) / 1000


def _cpu_ms_of_file(content: bytes, limit: int) -> float:
    return median(cpu_us(lambda: to_model_input(decode(content, limit)), 5) for _ in range(ROUNDS)) / 1000


def phone_photo() -> bytes:
    """Return the example's photo of a digit as a camera of 12 megapixels would have taken it, sensor noise included."""
    (example,) = EXAMPLES.glob("digits/*photo.jpg")
    large = np.asarray(Image.open(example).convert("RGB").resize(PHONE, Image.Resampling.BICUBIC), np.float32)
    noise = np.random.default_rng(1).normal(0, 4, (*large.shape[:2], 1))
    return encode(Image.fromarray(np.clip(large + noise, 0, 255).astype(np.uint8)), "JPEG", quality=90)


def _draft(content: bytes) -> None:
    with Image.open(io.BytesIO(content)) as image:
        image.draft("L", DRAFT)
        image.load()
