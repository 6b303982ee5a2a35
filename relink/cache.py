"""Libraries that were linked before: they need not be linked again while nothing that they are made of changes."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Collection
from pathlib import Path

import numpy as np

from relink.linker import LIBRARIES


def fingerprint(source: Path, operations: Collection[str], functions: Collection[str], keep_all: bool) -> str:
    """The SHA-256 of all that the libraries are made of: `relink`'s arguments, its own code, and NumPy's version.

    Raises:
        OSError: a library cannot be read.
    """
    libraries, own_code = [source / name for name in LIBRARIES], sorted(Path(__file__).parent.glob("*.py"))
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in [*libraries, *own_code]]
    made_of = (hashes, sorted(operations), sorted(functions), keep_all, np.__version__)
    return hashlib.sha256(repr(made_of).encode()).hexdigest()


def store(libraries: Path, entry: Path) -> None:
    """Keep a folder's libraries as an entry of the cache, and no others: each takes 160 MB."""
    shutil.rmtree(entry.parent, ignore_errors=True)
    unfinished = entry.with_suffix(".partial")
    unfinished.mkdir(parents=True)
    _copy(libraries, unfinished)
    unfinished.rename(entry)


def restore(entry: Path, target: Path) -> bool:
    """Copy the libraries of an entry to a folder; False where there is no such entry."""
    if entry.is_dir():
        _copy(entry, target)
    return entry.is_dir()


def _copy(source: Path, target: Path) -> None:
    for name in LIBRARIES:
        shutil.copyfile(source / name, target / name)
