"""The zip as the platform unpacks it, and the interpreter that runs it."""

import os
import shutil
import zipfile
from pathlib import Path

import build_zip

SOMEBODY = 12345
"""A user that the sandbox's own is not, so that it can read what everybody may and nothing else."""


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a zip with the modes that its entries have, owned by somebody else where that can be done."""
    with zipfile.ZipFile(archive) as opened:
        for entry in opened.infolist():
            path = Path(opened.extract(entry, folder))
            path.chmod(entry.external_attr >> 16)
            if os.getuid() == 0:
                os.chown(path, SOMEBODY, SOMEBODY)
    return folder


def without_bytecode(code: Path, sources: Path, folder: Path) -> Path:
    """Return a copy of unpacked code as it would be if nothing were compiled.

    Args:
        code: the unpacked zip; its dependencies come without sources.
        sources: a folder of the dependencies' packages with their sources.
        folder: where to put it.
    """
    shutil.copytree(code, folder, copy_function=os.link)
    for compiled in list(folder.rglob("*.pyc")):
        source = sources / compiled.relative_to(folder).with_suffix(".py")
        if compiled.parent.name != "__pycache__":
            shutil.copyfile(source, compiled.with_suffix(".py"))
        compiled.unlink()
    return folder


def snapshot(code: Path) -> set[tuple[str, int, int]]:
    """Return what would show that a file was written: every name with its size and time."""
    return {(str(path), path.lstat().st_size, path.lstat().st_mtime_ns) for path in code.rglob("*")}


def find_interpreter(python: str, named: str | None) -> Path:
    """Return the executable of a Python of that version, with its standard library around it.

    Raises:
        build_zip.BuildError: there is none.
    """
    return Path(build_zip.find_interpreter(python, named).command).resolve()
