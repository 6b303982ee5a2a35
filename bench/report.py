"""What every suite writes with: progress, tables, targets, and the circumstances of a section."""

import os
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from mnist_infer.config import ROOT
from mnist_infer.versions import find_version
from testbed.tables import table

_WRITTEN = ("bench/RESULTS.md", "bench/*.png", "docs/cost.*")
"""What the suites write themselves: it makes no other commit of what they measure."""


@dataclass(frozen=True)
class Target:
    """A figure that the project promises, and what was measured.

    Attributes:
        figure: what was measured, in words.
        measured: in the unit of `limit`.
        limit: the promise.
        unit: written behind both.
        at_least: whether more is better.
    """

    figure: str
    measured: float
    limit: float
    unit: str
    at_least: bool = False

    @property
    def row(self) -> tuple[str, str, str, str]:
        """The cells of a table's row."""
        is_met = self.measured >= self.limit if self.at_least else self.measured <= self.limit
        bound = "at least" if self.at_least else "at most"
        measured = f"{self.measured:.2f}{self.unit}"
        return self.figure, measured, f"{bound} {self.limit:g}{self.unit}", "met" if is_met else "**missed**"


LEAD = 0.95
"""Below this times our figure another one is ahead; nearer, it is noise."""


def cell(value: float, ours: float, digits: int) -> str:
    """Return a figure as a table shows it: bold where it is ahead, which is less, of this function's."""
    text = f"{value:.{digits}f}"
    return f"**{text}**" if value < LEAD * ours else text


def progress(line: str) -> None:
    """Tell whoever waits what is being done."""
    print(line, flush=True)


def targets_table(targets: Iterable[Target]) -> str:
    """Return the table of a suite's targets."""
    return table(("target", "measured", "wanted", ""), (target.row for target in targets))


def with_circumstances(section: str) -> str:
    """Return a section with the date, the commit, the machine and the versions below its heading."""
    heading, _, body = section.partition("\n\n")
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "pillow", "tensorflow-cpu"))
    today, model = datetime.now(timezone.utc).date().isoformat(), find_version(ROOT / "export", None).name
    line = (
        f"*{today}, {_commit()}, model {model}; "
        f"{_cpu_model()}, {os.cpu_count()} cores, Linux {platform.release().split('-')[0]}; "
        f"Python {platform.python_version()}, {packages}.*"
    )
    return f"{heading}\n\n{line}\n\n{body.strip()}"


def _commit() -> str:
    """Return the commit of the checkout, and whether anything but results has changed since."""
    try:
        commit = _git("rev-parse", "--short", "HEAD").strip()
        is_changed = _git("status", "--porcelain", "--", ".", *(f":!{path}" for path in _WRITTEN))
    except (OSError, subprocess.CalledProcessError):
        return "not a checkout"
    return f"commit {commit}{' with changes' if is_changed else ''}"


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown CPU"
