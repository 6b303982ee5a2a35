"""The MNIST data set, from IDX files or from TensorFlow's own downloader, checked either way."""

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HELD_BACK = 5000
"""Training digits, the last ones, that no training step sees: choices and gates are made on them."""

# SHA-256 of the decoded arrays' bytes: the same whatever the download or the compression was.
_SHA256 = {
    "train-images-idx3-ubyte": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "train-labels-idx1-ubyte": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "t10k-images-idx3-ubyte": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "t10k-labels-idx1-ubyte": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}


_GZIP = b"\x1f\x8b"
_UNSIGNED_BYTES = b"\0\0\x08"


class DataError(Exception):
    """The data set is missing, incomplete or not MNIST."""


@dataclass(frozen=True)
class Digits:
    """Some of MNIST's digits.

    Attributes:
        images: uint8 [n, 28, 28], 0 is paper, 255 is ink.
        labels: uint8 [n], 0 to 9.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Mnist:
    """MNIST in three parts: 55 000 to train on, 5 000 to choose by, 10 000 for a version's export and its card."""

    train: Digits
    held_back: Digits
    test: Digits


def load_mnist(folder: Path | None) -> Mnist:
    """Read MNIST from the IDX files in `folder`, gzipped or plain whatever their names say, or download it.

    Args:
        folder: where the four IDX files are; None downloads them with TensorFlow's own downloader.

    Raises:
        DataError: a file is missing, damaged or not MNIST's.
    """
    arrays = _download() if folder is None else {name: _read_idx(folder, name) for name in _SHA256}
    for name, array in arrays.items():
        if hashlib.sha256(array.tobytes()).hexdigest() != _SHA256[name]:
            raise DataError(f"{name} is not the MNIST file of that name: its content differs")
    train_images, train_labels, test_images, test_labels = arrays.values()
    return Mnist(
        train=Digits(train_images[:-HELD_BACK], train_labels[:-HELD_BACK]),
        held_back=Digits(train_images[-HELD_BACK:], train_labels[-HELD_BACK:]),
        test=Digits(test_images, test_labels),
    )


def _download() -> dict[str, NDArray[np.uint8]]:
    import tensorflow as tf  # slow to import, and not needed where the files are at hand

    try:
        (train_images, train_labels), (test_images, test_labels) = tf.keras.datasets.mnist.load_data()
    except Exception as error:  # the downloader raises bare Exception
        raise DataError(f"MNIST cannot be downloaded; name a folder of its files with --data: {error}") from error
    return dict(zip(_SHA256, (train_images, train_labels, test_images, test_labels), strict=True))


def _read_idx(folder: Path, name: str) -> NDArray[np.uint8]:
    """Read one IDX file of unsigned bytes: 00 00 08 rank, big-endian int32 sizes, then the data."""
    try:
        packed = folder / f"{name}.gz"
        data = (packed if packed.exists() else folder / name).read_bytes()
        if data.startswith(_GZIP):
            data = gzip.decompress(data)
        if not data.startswith(_UNSIGNED_BYTES):
            raise ValueError("it is no IDX file of unsigned bytes, gzipped or plain")
        rank = data[3]
        shape = np.frombuffer(data, ">i4", rank, offset=4)
        return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)
    except (OSError, EOFError, IndexError, ValueError, zlib.error) as error:
        raise DataError(f"{name} cannot be read from {folder}: {error}") from error
