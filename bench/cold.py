"""The cold start: from no process at all to the first answer."""

import time
from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

from bench import page_cache
from bench.process import Interpreter, WayProcess
from bench.report import Figures, figures_table
from testbed.tables import MB

RUNS, QUICK_RUNS = 9, 2
OURS = "ours"
CACHES = ("warm", "dropped")


class Start(NamedTuple):
    """What one cold start took."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    read_mb: float


def measure_starts(ways: Mapping[str, Interpreter], cache: str, runs: int) -> tuple[dict[str, list[Start]], str]:
    """Start every way in turn, as often as `runs` says.

    Args:
        ways: what runs each.
        cache: of CACHES.
        runs: of each way.

    Returns:
        the starts of each way, and how the page cache was dropped.
    """
    starts: dict[str, list[Start]] = {way: [] for way in ways}
    dropped_by = ""
    for _ in range(runs):
        for way, interpreter in ways.items():
            if cache == "dropped":
                dropped_by = page_cache.drop(interpreter)
            starts[way].append(_start(way, interpreter))
    return starts, dropped_by


def compile_way(way: str, interpreter: Interpreter) -> None:
    """Start a way once, to have its `.pyc` files written.

    Raises:
        BenchError: it does not answer as it should.
    """
    _start(way, interpreter, writes_bytecode=True)


def _start(way: str, interpreter: Interpreter, *, writes_bytecode: bool = False) -> Start:
    with WayProcess(way, interpreter, writes_bytecode=writes_bytecode) as process:
        reply = process.ask("entry", 1)
        wall_s = time.perf_counter() - process.started
        cpu_s, peak_bytes = process.finish()
    return Start(wall_s, cpu_s, peak_bytes / MB, reply.read_bytes / MB)


def figures(starts: Mapping[str, Mapping[str, Sequence[Start]]], way: str) -> dict[str, float]:
    """Return the figures of a way: medians of its starts, and how many times ours they are, run by run."""
    found = {}
    for cache, every in starts.items():
        for name in Start._fields:
            found[f"start_{cache}_{name}"] = median(getattr(start, name) for start in every[way])
        for name in ("wall_s", "cpu_s", "peak_mb"):
            pairs = zip(every[way], every[OURS], strict=True)
            ratio = median(getattr(start, name) / getattr(ours, name) for start, ours in pairs)
            found[f"start_{cache}_{name.partition('_')[0]}_times"] = ratio
    return found | {"peak_mb": max(found[f"start_{cache}_peak_mb"] for cache in starts)}


def starts_table(cache: str, ways: Mapping[str, Figures], ours: Figures) -> str:
    """Return the table of the ways' starts."""

    def row(way: Figures) -> Figures:
        prefix = f"start_{cache}_"
        return {name.removeprefix(prefix): value for name, value in way.items() if name.startswith(prefix)}

    columns = ("wall_s:.2f", "cpu_s:.2f", "peak_mb", "read_mb", "wall_times:.2f", "cpu_times:.2f", "peak_times:.2f")
    rows = {title: row(way) for title, way in ways.items()}
    return figures_table(f"page cache {cache}", rows, columns, against=dict.fromkeys(rows, row(ours)))


def how_measured(runs: int, dropped_by: str) -> str:
    """Return how starts are measured, in words."""
    return (
        f"Medians of {runs} runs, the ways in turn; times: of ours, run by run, then their median. Wall: from process "
        "creation to answer. CPU: user and system, all threads, by `wait4`; the process ends without taking its "
        "interpreter down. Peak: resident, `VmHWM` of `/proc`. Read: `read_bytes` of `/proc/self/io` at the answer. "
        f"The page cache is dropped before each start by {dropped_by}. `.pyc` files are there, none is written; one "
        "BLAS thread for all."
    )
