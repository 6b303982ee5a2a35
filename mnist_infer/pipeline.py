"""The path of a request, from its payload to a digit."""

import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_infer.config import Settings
from mnist_infer.decode import decode
from mnist_infer.normalise import to_model_input
from mnist_infer.payload import ImageSource, InlineImage, parse_payload
from mnist_infer.session import SavedModelSession


class Prediction(NamedTuple):
    """What the network reads in an image, and what the log says about it.

    Attributes:
        digit: the most probable digit, 0 to 9.
        probabilities: float32 [10], the probability of each digit; they sum to 1.
        source: where the image came from, `base64` or `url`.
        image_bytes: size of the image file.
        milliseconds: how long each step took, by the step's name.
        wants_probabilities: whether the payload asks for them in the answer.
    """

    digit: int
    probabilities: NDArray[np.float32]
    source: str
    image_bytes: int
    milliseconds: dict[str, float]
    wants_probabilities: bool


def run(payload: object, session: SavedModelSession, settings: Settings) -> Prediction:
    """Read the digit in a payload's image.

    Args:
        payload: parsed JSON, an object with `image_base64` or `image_url`.
        session: the model that reads.
        settings: the limits.

    Raises:
        MnistInferError: no digit could be read; the class says whose fault it is.
    """
    clock = _StepClock()
    request = parse_payload(payload, settings.max_image_bytes)  # its image inline or by URL
    clock.lap("payload")
    content = _read_image_bytes(request.image, settings)  # an image file
    clock.lap("read")
    picture = decode(content, settings.max_decode_bytes)  # uint8 [height, width], 255 is white
    clock.lap("decode")
    pixels = to_model_input(picture)  # float32 [1, 784], 1 is ink
    clock.lap("normalise")
    probabilities = session.predict(pixels)[0]  # float32 [10]
    clock.lap("session")
    return Prediction(
        digit=int(probabilities.argmax()),
        probabilities=probabilities,
        source="base64" if isinstance(request.image, InlineImage) else "url",
        image_bytes=len(content),
        milliseconds=clock.milliseconds,
        wants_probabilities=request.wants_probabilities,
    )


def _read_image_bytes(source: ImageSource, settings: Settings) -> bytes:
    if isinstance(source, InlineImage):
        return source.content
    from mnist_infer.download import fetch  # brings `requests`, 0.1 s that only a URL should cost

    return fetch(source.url, settings)


class _StepClock:
    """Notes how long each step took."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.milliseconds[step] = round((now - self._last) * 1000, 3)
        self._last = now
