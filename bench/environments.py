"""Where the peers live: environments and folders of their own under .cache/, with pinned packages."""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.report import progress
from build_zip import LOCK
from mnist_infer.config import ROOT
from testbed.dependency_groups import pins

CACHE = ROOT / ".cache" / "bench"

_PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check")


class Unavailable(Exception):
    """A peer cannot be had here; the text says why."""


def environment(name: str, requirements: Sequence[str], interpreter: Path | None = None) -> Path:
    """Return the Python of a virtual environment with some packages; the first time it is made.

    Args:
        name: of its folder.
        requirements: as pip takes them; what the dependency group `peers` pins needs no version.
        interpreter: what makes it; the running one unless another is named.

    Raises:
        Unavailable: it cannot be made.
    """
    folder = CACHE / name
    python, ready = folder / "bin" / "python", folder / "ready"
    wanted = "\n".join((*pins("peers"), *requirements))
    if not ready.exists() or ready.read_text() != wanted:
        progress(f"installing {', '.join(requirements) or 'pip'} in {folder.relative_to(ROOT)} (once)")
        shutil.rmtree(folder, ignore_errors=True)
        run([interpreter or sys.executable, "-m", "venv", folder])
        if requirements:
            run([python, *_PIP, "install", *_pinned(), *requirements])
        ready.write_text(wanted)
    return python


def onnx_folder() -> Path:
    """Return a folder with the package onnx and nothing else: what it needs, the development TensorFlow brings.

    Raises:
        Unavailable: it cannot be installed.
    """
    folder = CACHE / "onnx-package"
    if not folder.exists():
        target = folder.with_suffix(".partial")
        shutil.rmtree(target, ignore_errors=True)
        run([sys.executable, *_PIP, "install", "--no-deps", *_pinned(), "--target", target, "onnx"])
        target.rename(folder)
    return folder


def download(python: Path, requirements: Sequence[str], constraints: Sequence[str], folder: Path) -> list[Path]:
    """Return the wheels of some packages and of all that they declare to need, for a Python.

    Args:
        python: of an environment.
        requirements: as pip takes them.
        constraints: versions besides those of the dependency group `peers`.
        folder: where to put them.

    Raises:
        Unavailable: pip finds no such wheels.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    options: list[str | Path] = ["--only-binary=:all:", *_pinned(*constraints), "--dest", folder]
    run([python, *_PIP, "download", *options, *requirements])
    return sorted(folder.glob("*.whl"))


def _pinned(*constraints: str) -> list[str | Path]:
    """Return pip's option for the versions of the dependency group `peers`, and others."""
    file = CACHE / "constraints.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join((*pins("peers"), *constraints)))
    return ["--constraint", file]


def shipped_versions() -> dict[str, str]:
    """Return the versions that the zip has of its packages, by their names."""
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / LOCK).read_text(), re.MULTILINE))


def run(command: Sequence[str | Path], **options: object) -> None:
    """Run a program.

    Args:
        command: and its arguments.
        options: of `subprocess.run`.

    Raises:
        Unavailable: it cannot be run, or fails.
    """
    try:
        child = subprocess.run(command, capture_output=True, text=True, **options)  # type: ignore[call-overload]
    except OSError as error:
        raise Unavailable(f"{command[0]} cannot be run: {error.strerror}") from error
    if child.returncode:
        errors = [line for line in child.stderr.splitlines() if "ERROR" in line or "Error" in line]
        raise Unavailable((errors or child.stderr.splitlines() or [f"status {child.returncode}"])[-1].strip()[:300])
