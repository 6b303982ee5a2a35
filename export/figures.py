"""Figures of a model: shares with their intervals, the confusion matrix, the worst mistakes, calibration."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.files import load_record
from export.mnist import Digits
from export.reader import Reader, Reading, predict_digits
from export.suite import Kind
from mnist_infer.errors import MnistInferError
from mnist_infer.normalise import to_model_input

MAX_ARTICLE_ACCURACY = 0.6
"""Most that the article's normalisation may read of a canvas or photo: above, the kind asks for nothing."""
SURE = (50, 90, 99)
"""Per cent of probability, above which answers to pictures of no digit are counted."""
BINS = 10
"""Of the reliability diagram."""


def wilson(right: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share.

    Source:
        E. B. Wilson, «Probable inference, the law of succession, and statistical inference», 1927; 1.96 is the
        normal distribution's 97.5th percentile.
    """
    z = 1.959964
    share, spread = right / n, z * z / n
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread * spread / 4) / (1 + spread)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def measure_kind(name: str, kind: Kind, readings: Sequence[Reading]) -> dict[str, object]:
    """Return the figures of one kind, see the card's table."""
    return {
        "name": name,
        "title": kind.title,
        "wanted": kind.wanted,
        **shares(readings),
        "calibration_error": calibration(readings)["error"],
        "too_easy": kind.group in ("canvas", "photo") and shares(readings)["article"] > MAX_ARTICLE_ACCURACY,
    }


def measure_not_digits(title: str, readings: Sequence[Reading]) -> dict[str, object]:
    """Return how sure the answers are where there is no right one."""
    sure = np.array([max(reading.probabilities) for reading in readings if reading.probabilities])
    n = len(readings)
    return {
        "title": title,
        "n": n,
        "refused": n - len(sure),
        **{f"above_{level}": float((sure >= level / 100).sum()) / n for level in SURE},
    }


def shares(readings: Sequence[Reading]) -> dict[str, float]:
    """Return how many of the pictures are read, with the 95 % interval, refused, and read the article's way."""
    right, n = sum(reading.is_right for reading in readings), len(readings)
    low, high = wilson(right, n)
    return {
        "n": n,
        "accuracy": right / n,
        "low": low,
        "high": high,
        "refused": sum(reading.probabilities is None for reading in readings),
        "article": sum(reading.article == reading.label for reading in readings) / n,
    }


def measure_normaliser(reader: Reader, digits: Digits, readings: Sequence[Reading]) -> dict[str, float]:
    """Return what the normaliser does to MNIST's own pictures, which are as it should leave them.

    Returns:
        the mean absolute change of a pixel, of 255, with light ink on dark and with dark ink on light, and
        the accuracy with and without the normaliser.
    """
    changes: dict[str, list[float]] = {"light_on_dark": [], "dark_on_light": []}
    for image in digits.images:
        for polarity, sent in (("light_on_dark", image), ("dark_on_light", 255 - image)):
            try:
                seen = to_model_input(sent).reshape(image.shape) * 255
            except MnistInferError:
                continue  # counted where the picture is read
            changes[polarity].append(float(np.abs(seen - image).mean()))
    answers = predict_digits(reader.session, digits)
    return {
        **{f"change_{polarity}": float(np.mean(values)) for polarity, values in changes.items()},
        "accuracy_without": float((answers.argmax(1) == digits.labels).mean()),
        "accuracy_with": shares(readings)["accuracy"],
    }


def confusion(readings: Iterable[Reading]) -> NDArray[np.int64]:
    """Return int64 [10, 10], how often each digit (row) was read as each (column); refusals are left out."""
    counts = np.zeros((10, 10), np.int64)
    for reading in readings:
        if reading.digit is not None:
            counts[reading.label, reading.digit] += 1
    return counts


def worst(readings: Iterable[Reading], count: int) -> list[dict[str, float]]:
    """Return the misread pictures of which the network was surest, the surest first."""
    rows = [
        {
            "index": reading.index,
            "label": reading.label,
            "read": reading.digit,
            "probability_read": max(reading.probabilities),
            "probability_label": reading.probabilities[reading.label],
        }
        for reading in readings
        if reading.probabilities is not None and reading.digit is not None and not reading.is_right
    ]
    return sorted(rows, key=lambda row: -row["probability_read"])[:count]


def calibration(readings: Iterable[Reading]) -> dict[str, Any]:
    """Return how often the answers of each probability are right, and the expected calibration error.

    The error is the mean distance between an answer's probability and the share of right answers among
    those of its bin.

    Source:
        Guo et al., «On calibration of modern neural networks», 2017.
    """
    answered = [(max(reading.probabilities), reading.is_right) for reading in readings if reading.probabilities]
    sure, right = np.array([s for s, _ in answered]), np.array([r for _, r in answered], np.float64)
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    rows, error = [], 0.0
    for i in range(BINS):
        chosen = bins == i
        if chosen.any():
            n, stated, true = int(chosen.sum()), float(sure[chosen].mean()), float(right[chosen].mean())
            low, high = wilson(round(true * n), n)
            rows.append({"n": n, "stated": stated, "right": true, "low": low, "high": high})
            error += n / len(sure) * abs(stated - true)
    return {"bins": rows, "error": error, "n": len(sure)}


def describe(model: Path) -> dict[str, object]:
    """Return what there is to say of a model: its version, its size on disk, and the record of its training."""
    record = model / "figures.json"
    return {
        "version": model.name,
        "bytes": (model / "saved_model.pb").stat().st_size,
        **(load_record(record, "export the version again, or delete it") if record.exists() else {}),
    }
