"""Digits that are not MNIST's: other writers, another scanner. Nothing is trained on them."""

import io
from collections import Counter
from collections.abc import Callable

import numpy as np
from PIL import Image

from export.figures import shares, worst
from export.reader import Reader
from export.suite import Picture


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
    print(f"{'foreign, ' + title:34}", f"{shares(readings)['accuracy']:9.2%}", flush=True)
    return {
        "title": title,
        **shares(readings),
        "misread": [{"label": label, "read": read, "n": n} for (label, read), n in pairs.most_common(8)],
        "worst": worst(readings, 24),
    }
