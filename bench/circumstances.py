"""When, where and with what a suite ran, and whether that is still what is committed."""

import os
import platform
import re
import subprocess
import zipfile
from collections.abc import Mapping
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from build_zip import LOCK
from mnist_infer.config import ROOT
from mnist_infer.versions import find_version

ARCHIVE = ROOT / "dist" / "mnist_infer.zip"
PYTHON = "3.10"
"""The zip's."""

_PACKAGES = ("tensorflow-cpu", "numpy", "pillow")
_WRITTEN = ("bench/results.json", "*.png", "*.md")
"""What the suites write themselves: it makes no other commit of what they measure."""


def measure(of_zip: bool) -> dict[str, Any]:
    """Return the circumstances of a suite that runs now, of the zip in `dist/` or of the checkout."""
    return {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "commit": _commit(),
        "machine": _cpu_model(),
        "cores": os.cpu_count(),
        "kernel": platform.release().split("-")[0],
        **(_of_zip() if of_zip else _of_checkout()),
    }


def describe(circumstances: Mapping[str, Any]) -> str:
    """Return the circumstances as a line, and below it what of them is no longer committed."""
    packages = ", ".join(f"{name} {version}" for name, version in circumstances["packages"].items())
    line = (
        "*{date}, commit {commit}, model {model}; {machine}, {cores} cores, Linux {kernel}; "
        "Python {python}, {packages}.*"
    ).format_map({**circumstances, "packages": packages})
    old = find_old(circumstances)
    return f"{line}\n\n**Old: measured with {', '.join(old)}; another is committed.**" if old else line


def find_old(circumstances: Mapping[str, Any]) -> list[str]:
    """Return what was measured, model and packages, and is another by now: the highest version, and what is pinned."""
    found = [("model", circumstances["model"])]
    wanted = [("model", find_version(ROOT / "export", None).name)]
    if "pins" in circumstances:
        found += circumstances["packages"].items()
        wanted += re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / circumstances["pins"]).read_text(), re.MULTILINE)
    return [" ".join(each) for each in found if each not in wanted]


def _of_checkout() -> dict[str, Any]:
    return {
        "model": find_version(ROOT / "export", None).name,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "pins": "requirements.txt",
    }


def _of_zip() -> dict[str, Any]:
    with zipfile.ZipFile(ARCHIVE) as archive:
        names = "\n".join(archive.namelist())
    (model,) = set(re.findall(r"^export/(\d+)/", names, re.MULTILINE))
    versions = dict(re.findall(r"^(\w+)-([\w.]+)\.dist-info/METADATA$", names, re.MULTILINE))
    return {
        "model": model,
        "python": PYTHON,
        "packages": {name: versions[name.replace("-", "_")] for name in _PACKAGES},
        "pins": LOCK,
    }


def _commit() -> str:
    """Return the commit of the checkout, and whether anything but results has changed since."""
    try:
        commit = _git("rev-parse", "--short", "HEAD").strip()
        is_changed = _git("status", "--porcelain", "--", ".", *(f":!{path}" for path in _WRITTEN))
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit}{' with changes' if is_changed else ''}"


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def _cpu_model() -> str:
    found = re.search(r"^model name\s*: (.*)", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else "unknown CPU"
