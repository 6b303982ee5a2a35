"""Read pictures through the function's own path, and beside it through the article's normalisation."""

import base64
import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export import article
from export.mnist import Digits
from export.suite import Picture, make_picture
from mnist_infer.config import Settings
from mnist_infer.decode import decode
from mnist_infer.errors import MnistInferError
from mnist_infer.pipeline import run
from mnist_infer.session import SavedModelSession
from mnist_infer.session_config import session_config
from mnist_infer.signature import PIXELS

CHUNK = 100
"""Pictures that a process makes and reads at a time."""


@dataclass(frozen=True)
class Reading:
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


def predict_digits(session: SavedModelSession, digits: Digits) -> NDArray[np.float32]:
    """Return the probabilities of MNIST's own pictures, without the normaliser: float32 [n, 10]."""
    x = np.asarray(digits.images.reshape(-1, PIXELS).astype(np.float32) / 255, np.float32)
    return np.concatenate([session.predict(batch) for batch in np.array_split(x, -(-len(x) // 500))])


def read_suite(model: Path, digits: Digits, counts: Mapping[str, int], processes: int) -> dict[str, list[Reading]]:
    """Make and read pictures of the suite.

    Args:
        model: folder of the SavedModel.
        digits: what the pictures show.
        counts: how many pictures of each kind, by its name.
        processes: that share the work.

    Returns:
        the readings in the pictures' order, by the name of the kind.
    """
    readings: dict[str, list[Reading]] = {}
    fresh = multiprocessing.get_context("spawn")  # a fork of a process where TensorFlow has threads would hang
    with ProcessPoolExecutor(processes, fresh, _start, (model, digits)) as pool:
        under_way = {
            name: [pool.submit(_read_chunk, name, chunk) for chunk in _chunks(count)] for name, count in counts.items()
        }
        for name, futures in under_way.items():
            readings[name] = [reading for future in futures for reading in future.result()]
            right = sum(reading.is_right for reading in readings[name]) / len(readings[name])
            print(f"{name:34}{len(readings[name]):7}{right:9.2%}", flush=True)
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
