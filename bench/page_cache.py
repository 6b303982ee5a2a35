"""Has the next process read its files from disk, as the first one of a new container does."""

import os
import sysconfig
from pathlib import Path

from bench.process import ROOT, Interpreter

_DROP = Path("/proc/sys/vm/drop_caches")
_ALL = "3\n"  # pages, directory entries and inodes


def drop(interpreter: Interpreter) -> str:
    """Drop the page cache: all of it for root, else the pages of every file that a way may read.

    Returns:
        how it was done, in words.
    """
    os.sync()  # only clean pages can be dropped
    try:
        _DROP.write_text(_ALL)
    except OSError:
        folders = [ROOT, Path(sysconfig.get_path("stdlib"))]
        packages = interpreter.python.parent.parent
        for folder in folders if packages.is_relative_to(ROOT) else [*folders, packages]:
            drop_files(folder)
        return "`posix_fadvise` over the packages, the standard library and the repository"
    return "`/proc/sys/vm/drop_caches`"


def drop_files(folder: Path) -> None:
    """Drop the pages of a folder's files; they must have been written to the disk before."""
    for path in folder.rglob("*"):
        if path.is_file():
            try:
                with path.open("rb") as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            except OSError:
                continue  # not ours to read, so no way reads it
