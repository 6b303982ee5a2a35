"""Has the next process read its files from disk, as the first one of a new container does."""

import os
import sysconfig
from pathlib import Path

from bench.process import Interpreter
from mnist_infer.config import ROOT
from testbed.page_cache import drop_files

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
        folders = [ROOT, interpreter.folder, Path(sysconfig.get_path("stdlib"))]
        packages = interpreter.python.parent.parent
        for folder in folders if packages.is_relative_to(ROOT) else [*folders, packages]:
            drop_files(folder)
        return "`posix_fadvise` over the packages, the standard library and the repository"
    return "`/proc/sys/vm/drop_caches`"
