"""Files of hours of work: each is written beside its place and renamed, so that a whole one stands there or none.

One that cannot be read all the same, or not be written, is named in one sentence that says what to do.
"""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class FileError(Exception):
    """A file cannot be read or written."""


def save_whole(file: Path, save: Callable[[Path], object]) -> None:
    """Save a file under a name that only whole files have: a run may be stopped while it writes, or the disk be full.

    Args:
        file: its place; there may be an older one.
        save: writes to the path that it is given, whose name ends as the file's does.

    Raises:
        FileError: it cannot be written; the older one is as it was.
    """
    partial = file.with_name(f"partial.{file.name}")
    try:
        save(partial)
        partial.replace(file)
    except OSError as error:
        partial.unlink(missing_ok=True)
        reason = error.strerror or error
        raise FileError(f"{file} cannot be written ({reason}): what was finished before it is kept") from error


def load_array(file: Path) -> NDArray[Any]:
    """Return an array that `np.save` wrote.

    Raises:
        FileError: it is missing or damaged.
    """
    try:
        return np.asarray(np.load(file))
    except (OSError, EOFError, ValueError) as error:
        raise FileError(f"{file} cannot be read: delete it, and it is made again") from error


def load_record(file: Path, advice: str) -> dict[str, Any]:
    """Return the JSON object in a file; the advice is what to do where there is none.

    Raises:
        FileError: it is missing or damaged.
    """
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        record = None
    if not isinstance(record, dict):
        raise FileError(f"{file} cannot be read: {advice}")
    return record


def load_log(file: Path) -> NDArray[Any]:
    """Return the log of a training: a field for each of its columns, a row for each epoch.

    Raises:
        FileError: it is missing, empty, or cut off in a row.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # an empty file
            table = np.atleast_1d(np.genfromtxt(file, delimiter=",", names=True))
        is_whole = table.size and not np.isnan([row.tolist() for row in table]).any()
        if not is_whole or not {"epoch", "loss"} <= set(table.dtype.names or ()):
            raise ValueError("a value is missing")
    except (OSError, ValueError, UserWarning) as error:
        raise FileError(f"{file} is no whole log of a training: complete or delete the row that is cut off") from error
    return table
