"""The system's cache of what files hold."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USUAL_READAHEAD_KIB = 128
"""Linux's default, VM_READAHEAD_PAGES."""


def drop_files(folder: Path) -> None:
    """Drop the pages of a folder's files; they must have been written to the disk before."""
    for path in folder.rglob("*"):
        if path.is_file():
            try:
                with path.open("rb") as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            except OSError:
                continue  # not ours to read, so no way reads it


def readahead_kib(folder: Path) -> int:
    """Return how many KiB the system reads from a folder's disk around what a program asks for; 0 where unknown."""
    try:
        return int(_setting(folder).read_text())
    except (OSError, ValueError):
        return 0


@contextmanager
def readahead(folder: Path, kib: int) -> Iterator[bool]:
    """Have the system read ahead as much, for the length of a `with` block; false where that is not allowed."""
    setting, before = _setting(folder), readahead_kib(folder)
    try:
        setting.write_text(str(kib))
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        setting.write_text(str(before))


def _setting(folder: Path) -> Path:
    device = folder.stat().st_dev
    return Path(f"/sys/class/bdi/{os.major(device)}:{os.minor(device)}/read_ahead_kb")
