"""What every suite writes with: progress, tables, targets, and the head of RESULTS.md."""

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from testbed.tables import table


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


def progress(line: str) -> None:
    """Tell whoever waits what is being done."""
    print(line, flush=True)


def targets_table(targets: Iterable[Target]) -> str:
    """Return the table of a suite's targets."""
    return table(("target", "measured", "wanted", ""), (target.row for target in targets))


def header() -> str:
    """Return the title of the results, and what they were measured on."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "pillow", "tensorflow-cpu"))
    today = datetime.now(timezone.utc).date().isoformat()
    return (
        "# Results of `make bench`\n\n"
        f"{today}, {_cpu_model()}, {os.cpu_count()} cores, Linux {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}, {packages}.\n\n"
        "Three ways serve the same SavedModel, each in processes of its own:\n"
        "**this function**, `handler.http_interface`; **import tensorflow**, the same steps with\n"
        "`tf.compat.v1.Session` on one thread; and **the article's way**, carried over to today's Python: it adds\n"
        "an argmax node and runs the graph twice per request, and loops over the pixels (`bench/ways/`)."
    )


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown CPU"
