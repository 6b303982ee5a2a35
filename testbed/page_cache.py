"""The system's cache of what files hold."""

import os
from pathlib import Path


def drop_files(folder: Path) -> None:
    """Drop the pages of a folder's files; they must have been written to the disk before."""
    for path in folder.rglob("*"):
        if path.is_file():
            try:
                with path.open("rb") as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            except OSError:
                continue  # not ours to read, so no way reads it
