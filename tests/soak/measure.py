"""What a process uses, and what it may use more of in the end."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from testbed.tables import MB, table

MAX_GROWTH_MB = 8.0
MAX_MORE_CPU_PERCENT = 50.0
"""More than the load of a shared machine explains; a request that slows down with their number is far beyond."""

_SETTLING_S = 0.5
_COLUMNS = (
    *("", "requests", "wrong", "MB, first 1 000", "MB, last 1 000", "MB, change", "descriptors", "threads"),
    *("CPU s, first 1 000", "CPU s, last 1 000", "CPU s, change"),
)


class Usage(NamedTuple):
    """What the process uses after a block of requests.

    Attributes:
        resident_mb: memory.
        descriptors: open ones.
        threads: those of the libraries included.
        cpu_s: user and system time of that block.
    """

    resident_mb: float
    descriptors: int
    threads: int
    cpu_s: float


def settled_usage(cpu_s: float) -> Usage:
    """Return what the process uses, once what is still ending has ended."""
    time.sleep(_SETTLING_S)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    descriptors, threads = (len(list(Path("/proc/self", name).iterdir())) for name in ("fd", "task"))
    return Usage(pages * os.sysconf("SC_PAGE_SIZE") / MB, descriptors, threads, cpu_s)


class Stage(NamedTuple):
    """A part of the soak.

    Attributes:
        title: how the requests came.
        requests: how many.
        faults: what was wrong with answers or log lines, a sentence each.
        first: what was used after the first block that follows the warm-up.
        last: after the last block.
    """

    title: str
    requests: int
    faults: list[str]
    first: Usage
    last: Usage

    @property
    def cpu_change_percent(self) -> float:
        """How much more the last block cost than the first."""
        return (self.last.cpu_s / self.first.cpu_s - 1) * 100

    def failures(self) -> Iterator[str]:
        """Yield what is not as promised."""
        growth = self.last.resident_mb - self.first.resident_mb
        if self.faults:
            yield f"{len(self.faults)} answers or log lines are wrong; the first: {self.faults[0]}"
        if growth > MAX_GROWTH_MB:
            yield f"memory grew by {growth:.1f} MB, more than {MAX_GROWTH_MB:g}"
        if self.last.descriptors > self.first.descriptors:
            yield f"there are {self.last.descriptors} descriptors, after {self.first.descriptors}"
        if self.last.threads > self.first.threads:
            yield f"there are {self.last.threads} threads, after {self.first.threads}"
        if self.cpu_change_percent > MAX_MORE_CPU_PERCENT:
            yield f"requests take {self.cpu_change_percent:.0f} % more CPU, more than {MAX_MORE_CPU_PERCENT:g} %"


def stages_table(stages: list[Stage]) -> str:
    """Return a markdown table, a row per stage."""
    how = (
        "Every 1 000 requests are the same ones, in another order. Before the first 1 000 are as many to warm up, "
        "and of several threads each has a few thousand of its own. Resident memory from `/proc/self/statm`, "
        "descriptors and threads from `/proc/self`, user and system time of all threads; the local server is another "
        "process."
    )
    return table(_COLUMNS, map(_row, stages), how)


def _row(stage: Stage) -> tuple[str, ...]:
    first, last = stage.first, stage.last
    return (
        *(stage.title, f"{stage.requests}", f"{len(stage.faults)}"),
        *(f"{first.resident_mb:.1f}", f"{last.resident_mb:.1f}", f"{last.resident_mb - first.resident_mb:+.1f}"),
        *(f"{first.descriptors} → {last.descriptors}", f"{first.threads} → {last.threads}"),
        *(f"{first.cpu_s:.2f}", f"{last.cpu_s:.2f}", f"{stage.cpu_change_percent:+.1f} %"),
    )
