"""The Pythons that the ways run in: the development one, and one with the oldest TensorFlow."""

import platform
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from bench.process import Interpreter
from bench.report import progress
from build_zip import TENSORFLOW_LIBRARIES
from mnist_infer.config import ROOT

OLDEST = "2.13.1"
"""The smallest TensorFlow that is supported, stripped: what fits a zip best."""

_OLDEST_TITLE = f"TensorFlow {OLDEST} stripped"
_NUMPY = "1.24.3"  # the last that TensorFlow 2.13 works with
_ENVIRONMENT = ROOT / ".cache" / f"bench-{OLDEST}"
_FETCHED = ROOT / ".cache" / "tensorflow" / OLDEST / "tensorflow"


def development() -> Interpreter:
    """Return the Python that this process runs in, with the TensorFlow that is installed there."""
    title = f"TensorFlow {version('tensorflow-cpu')} as installed"
    return Interpreter(title, version("numpy"), Path(sys.executable), {})


def oldest() -> tuple[Interpreter | None, str]:
    """Return a Python with all of the oldest TensorFlow, stripped; the first time it is installed.

    Returns:
        None where that is impossible, and why.
    """
    ready = _ENVIRONMENT / "ready"
    if not ready.exists():
        if sys.version_info >= (3, 12):
            return None, f"TensorFlow {OLDEST} has no wheel for Python {platform.python_version()}"
        progress(f"installing tensorflow-cpu {OLDEST} in .cache/{_ENVIRONMENT.name} (once, some minutes)")
        try:
            _install()
        except (OSError, subprocess.CalledProcessError):
            return None, f"TensorFlow {OLDEST} could not be installed in .cache/{_ENVIRONMENT.name}"
        ready.touch()
    python = _ENVIRONMENT / "bin" / "python"
    return Interpreter(_OLDEST_TITLE, _NUMPY, python, {}), ""


def oldest_library_alone() -> Interpreter | None:
    """Return the development Python with the oldest library, which is all that the function needs."""
    if not _FETCHED.is_dir():
        return None
    return Interpreter(_OLDEST_TITLE, version("numpy"), Path(sys.executable), {"MNIST_TENSORFLOW_DIR": str(_FETCHED)})


def _install() -> None:
    shutil.rmtree(_ENVIRONMENT, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", _ENVIRONMENT], check=True)
    same: list[str] = [f"{name}=={version(name)}" for name in ("pillow", "requests")]
    pip: list[str | Path] = [
        _ENVIRONMENT / "bin" / "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    subprocess.run([*pip, f"tensorflow-cpu=={OLDEST}", f"numpy=={_NUMPY}", *same], check=True)
    if shutil.which("strip"):
        (packages,) = _ENVIRONMENT.glob("lib/python3*/site-packages")
        for library in TENSORFLOW_LIBRARIES:
            subprocess.run(["strip", "--strip-unneeded", packages / library], check=True)
