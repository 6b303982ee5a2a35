"""`predict`: prints the digit in each picture, from files or URLs."""

import base64
import sys
from collections.abc import Sequence
from pathlib import Path

from mnist_infer.config import load_settings
from mnist_infer.errors import MnistInferError
from mnist_infer.model import load_model
from mnist_infer.pipeline import run


def predict(pictures: Sequence[str]) -> int:
    """Print each picture's digit, its probability and its name, and return the exit status.

    Args:
        pictures: paths of image files, or image URLs.

    Returns:
        0, or 1 if a picture could not be read.
    """
    settings = load_settings()
    model = load_model(settings)
    status = 0
    for picture in pictures:
        try:
            prediction = run(_payload(picture), model.session, settings)
        except (MnistInferError, OSError) as error:
            print(f"-             {picture}: {error}", file=sys.stderr)
            status = 1
        else:
            print(f"{prediction.digit}  {prediction.probabilities.max():8.2%}   {picture}")
    return status


def _payload(picture: str) -> dict[str, str]:
    if picture.startswith(("http://", "https://")):
        return {"image_url": picture}
    return {"image_base64": base64.b64encode(Path(picture).read_bytes()).decode()}
