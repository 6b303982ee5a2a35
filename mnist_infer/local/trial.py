"""Whether the model reads the example pictures, tried before it is shipped or shown.

A file of its own, `python trial.py PICTURES`, because a build runs it in the function's Python with the files that are
about to be shipped; there, `mnist_infer` has no `local`. It prints one sentence, and ends with status 1 where that is a
refusal.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_infer.config import Settings, load_settings
from mnist_infer.decode import decode
from mnist_infer.errors import MnistInferError
from mnist_infer.model import load_model
from mnist_infer.normalise import to_model_input
from mnist_infer.versions import find_version

MIN_RIGHT = 0.8
"""Share of the example pictures that a model must read: a guess reads a tenth, a poor linear model nine tenths."""

RANGES = ((0.0, 1.0), (0.0, 255.0), (-1.0, 1.0), (-0.5, 0.5), (1.0, 0.0), (255.0, 0.0))
"""Values of paper and of ink that models are trained with; the last two have dark ink."""


class Trial(NamedTuple):
    """What a model read.

    Attributes:
        is_good: whether it read enough.
        sentence: what it read, and what to do about it.
    """

    is_good: bool
    sentence: str


def try_model(settings: Settings, pictures: Path) -> Trial:
    """Read the pictures of a folder, whose names begin with their digits.

    Raises:
        MnistInferError: there is no model that can be loaded and run.
        OSError: a picture cannot be read.
    """
    files = sorted(path for path in pictures.iterdir() if path.name[0].isdecimal())
    x = np.concatenate([to_model_input(decode(path.read_bytes(), settings.max_decode_bytes)) for path in files])
    labels = np.array([int(path.name[0]) for path in files])
    digits = _read(settings, x)
    version = find_version(settings.model_dir, settings.model_version).name
    sentence = f"version {version} of the model reads {sum(digits == labels)} of the {len(files)} example pictures"
    if sum(digits == labels) >= MIN_RIGHT * len(files):
        return Trial(True, sentence)
    sentence += f": {' '.join(map(str, digits))} for {' '.join(map(str, labels))}"
    counts = {each: sum(_read(settings._replace(input_range=each), x) == labels) for each in RANGES}
    (paper, ink), right = max(counts.items(), key=lambda item: item[1])  # of several the first
    if right >= MIN_RIGHT * len(files):
        sentence += f"; set MNIST_INPUT_RANGE={paper:g},{ink:g}, with which it reads {right}"
    return Trial(False, sentence)


def _read(settings: Settings, x: NDArray[np.float32]) -> NDArray[np.intp]:
    session = load_model(settings).session
    digits = [session.predict(x[i : i + 1]).argmax() for i in range(len(x))]  # one at a time, as requests come
    session.close()
    return np.array(digits)


def main() -> int:
    """Try the model that the environment names with the pictures of the command line; returns the exit status."""
    try:
        trial = try_model(load_settings(), Path(sys.argv[1]))
    except MnistInferError as error:
        trial = Trial(False, str(error))
    print(trial.sentence)
    return int(not trial.is_good)


if __name__ == "__main__":
    sys.exit(main())
