"""Measure what the committed model reads, and write its card: `python -m export.evaluate --data DIR`.

Every picture goes through the function's own path, from a base64 payload to the answer, and a second
time through the article's normalisation into the same network. All figures go to `export/card/figures.json`,
and from there into the card, `export/README.md`.
"""

import argparse
import base64
import io
import json
import math
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from export import article
from export.mnist import DataError, Digits, load_mnist
from export.suite import KINDS, Kind, Picture, make_picture
from mnist_infer.config import Settings
from mnist_infer.decode import decode
from mnist_infer.errors import MnistInferError
from mnist_infer.model import find_version
from mnist_infer.normalise import to_model_input
from mnist_infer.pipeline import run
from mnist_infer.session import PIXELS, SavedModelSession, session_config

HERE = Path(__file__).parent
TOO_EASY = 0.6
"""Most that the article's normalisation may read of a canvas or photo: above, the kind asks for nothing."""
CHUNK = 100
"""Pictures that a process makes and reads at a time."""
BINS = 10


class Reading(NamedTuple):
    """What was read in one picture.

    Attributes:
        index: of the picture in its kind.
        label: the digit that it shows.
        probabilities: ten floats; None where the function refused the picture.
        refusal: the error's code; None where there is an answer.
        article: the digit that is read after the article's normalisation.
    """

    index: int
    label: int
    probabilities: list[float] | None
    refusal: str | None
    article: int

    @property
    def digit(self) -> int | None:
        """The answer."""
        return None if self.probabilities is None else int(np.argmax(self.probabilities))

    @property
    def is_right(self) -> bool:
        """Whether the answer is the label; a refusal is wrong."""
        return self.digit == self.label


class Reader:
    """The function, and beside it the article's normalisation, on the same network."""

    def __init__(self, model: Path) -> None:
        config = session_config(intra_op_threads=1, inter_op_threads=0, hide_gpus=True)
        self.session = SavedModelSession(model, config)
        self.settings = Settings()

    def read(self, index: int, picture: Picture) -> Reading:
        """Read one picture both ways."""
        pixels = article.to_model_input(decode(picture.content, self.settings.max_decode_bytes))
        other = int(self.session.predict(pixels).argmax())
        try:
            payload = {"image_base64": base64.b64encode(picture.content).decode()}
            answer = run(payload, self.session, self.settings).probabilities.tolist()
        except MnistInferError as error:
            return Reading(index, picture.label, None, error.code, other)
        return Reading(index, picture.label, answer, None, other)


def main() -> int:
    """Evaluate with the settings of the command line."""
    options = _parser().parse_args()
    try:
        mnist = load_mnist(options.data)
    except DataError as error:
        print(f"not evaluated: {error}", file=sys.stderr)
        return 1
    digits = mnist.test if options.digits == "test" else mnist.held_back
    model = options.model or find_version(HERE, None)
    readings = read_suite(model, digits, options.per_kind, options.processes)
    reader = Reader(model)
    figures = {
        "model": describe(model),
        "digits": {"set": options.digits, "count": len(digits)},
        "kinds": [measure_kind(name, KINDS[name], readings[name]) for name in KINDS],
        "normaliser_on_mnist": measure_normaliser(reader, digits, readings["mnist"]),
        "confusion": confusion(readings["mnist"]).tolist(),
        "worst": worst(readings["mnist"], 24),
        "calibration": calibration([reading for name in KINDS for reading in readings[name]]),
        "foreign": [measure_foreign(reader, *foreign) for foreign in FOREIGN],
    }
    options.output.mkdir(parents=True, exist_ok=True)
    folder = options.output / "card"
    folder.mkdir(exist_ok=True)
    (folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    from export.card import write_card  # draws, which takes a second to import

    write_card(options.output, figures, digits, reader)
    print(f"\n{options.output / 'README.md'}")
    return 0


def read_suite(model: Path, digits: Digits, per_kind: int, processes: int) -> dict[str, list[Reading]]:
    """Make and read every picture of the suite.

    Args:
        model: folder of the SavedModel.
        digits: what the pictures show.
        per_kind: pictures of each kind; of MNIST as it is all digits are read.
        processes: that share the work.

    Returns:
        the readings in the pictures' order, by the name of the kind.
    """
    readings: dict[str, list[Reading]] = {}
    fresh = multiprocessing.get_context("spawn")  # a fork of a process where TensorFlow has threads would hang
    with ProcessPoolExecutor(processes, fresh, _start, (model, digits)) as pool:
        chunks = {name: _chunks(len(digits) if name == "mnist" else per_kind) for name in KINDS}
        under_way = {name: [pool.submit(_read_chunk, name, chunk) for chunk in chunks[name]] for name in KINDS}
        for name, futures in under_way.items():
            readings[name] = [reading for future in futures for reading in future.result()]
            right = sum(reading.is_right for reading in readings[name]) / len(readings[name])
            print(f"{KINDS[name].title:34}{len(readings[name]):7}{right:9.2%}", flush=True)
    return readings


def _chunks(count: int) -> list[range]:
    return [range(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]


_process: tuple[Reader, Digits]


def _start(model: Path, digits: Digits) -> None:
    global _process
    _process = Reader(model), digits


def _read_chunk(name: str, indices: Sequence[int]) -> list[Reading]:
    reader, digits = _process
    return [reader.read(index, make_picture(name, digits, index)) for index in indices]


# --- Figures --------------------------------------------------------------------------------------------------------


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
        **_shares(readings),
        "too_easy": kind.group in ("canvas", "photo") and _shares(readings)["article"] > TOO_EASY,
        "must_be_hard": kind.group in ("canvas", "photo"),
    }


def _shares(readings: Sequence[Reading]) -> dict[str, float]:
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
    x = digits.images.reshape(-1, PIXELS).astype(np.float32) / 255
    answers = np.concatenate([reader.session.predict(part) for part in np.array_split(x, -(-len(x) // 500))])
    return {
        **{f"change_{polarity}": float(np.mean(values)) for polarity, values in changes.items()},
        "accuracy_without": float((answers.argmax(1) == digits.labels).mean()),
        "accuracy_with": _shares(readings)["accuracy"],
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
    misread = [reading for reading in readings if reading.probabilities is not None and not reading.is_right]
    misread.sort(key=lambda reading: -max(reading.probabilities or ()))
    return [
        {
            "index": reading.index,
            "label": reading.label,
            "read": int(np.argmax(reading.probabilities)),
            "probability_read": max(reading.probabilities or ()),
            "probability_label": (reading.probabilities or ())[reading.label],
        }
        for reading in misread[:count]
    ]


def calibration(readings: Iterable[Reading]) -> dict[str, object]:
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
        **(json.loads(record.read_text()) if record.exists() else {}),
    }


# --- Digits from elsewhere ------------------------------------------------------------------------------------------


def _png(grey: Image.Image) -> bytes:
    file = io.BytesIO()
    grey.save(file, "PNG")
    return file.getvalue()


def _as_it_is(dark: Image.Image) -> bytes:
    return _png(dark)


def _enlarged(dark: Image.Image) -> bytes:
    sheet = Image.new("L", (64, 64), 255)
    sheet.paste(dark.resize((48, 48), Image.Resampling.BICUBIC), (8, 8))
    return _png(sheet)


FOREIGN: tuple[tuple[str, Callable[[Image.Image], bytes]], ...] = (
    ("enlarged to 48×48 on a sheet of 64×64", _enlarged),
    ("as they are, 8×8", _as_it_is),
)


def foreign_pictures(render: Callable[[Image.Image], bytes]) -> list[Picture]:
    """Return the pictures of a set that is not MNIST's: 1 797 digits of 8x8 pixels in 17 grey levels.

    Source:
        E. Alpaydin and C. Kaynak, «Optical Recognition of Handwritten Digits», UCI, 1998; its test set, as
        scikit-learn ships it.
    """
    from sklearn.datasets import load_digits  # slow to import

    ink = load_digits()
    dark = np.rint(255 - ink.images * (255 / 16)).astype(np.uint8)
    return [Picture(render(Image.fromarray(image)), int(label)) for image, label in zip(dark, ink.target, strict=True)]


def measure_foreign(reader: Reader, title: str, render: Callable[[Image.Image], bytes]) -> dict[str, object]:
    """Return the figures of the foreign set, and which digits are taken for which."""
    readings = [reader.read(index, picture) for index, picture in enumerate(foreign_pictures(render))]
    pairs = Counter((reading.label, reading.digit) for reading in readings if not reading.is_right)
    print(f"{'foreign, ' + title:34}", f"{_shares(readings)['accuracy']:9.2%}", flush=True)
    return {
        "title": title,
        **_shares(readings),
        "misread": [{"label": label, "read": read, "n": n} for (label, read), n in pairs.most_common(8)],
        "worst": worst(readings, 24),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m export.evaluate", description="Measure what the model reads.")
    parser.add_argument("--data", type=Path, help="folder of MNIST's IDX files (default: download them)")
    parser.add_argument("--model", type=Path, help="folder of the SavedModel (default: the highest version)")
    parser.add_argument("--digits", choices=("test", "held_back"), default="test", help="default: %(default)s")
    parser.add_argument("--per-kind", type=int, default=2000, help="pictures of each kind, default: %(default)s")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="default: %(default)s")
    parser.add_argument("--output", type=Path, default=HERE, help="of README.md and card/, default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
