"""The cold start: from no process at all to the first answer."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from statistics import median

from bench import page_cache
from bench.process import Interpreter, WayProcess
from bench.report import cell
from bench.ways import TITLES
from testbed.tables import MB, table

RUNS, QUICK_RUNS = 9, 2
OURS = "ours"
CACHES = ("warm", "dropped")


@dataclass(frozen=True)
class Start:
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


def median_of(starts: Sequence[Start], field: str) -> float:
    """Return the median of one figure of some starts."""
    return float(median(getattr(start, field) for start in starts))


def compile_way(way: str, interpreter: Interpreter) -> None:
    """Start a way once, to have its `.pyc` files written.

    Raises:
        BenchError: it does not answer as it should.
    """
    _start(way, interpreter, writes_bytecode=True)


def _ratio(starts: Mapping[str, Sequence[Start]], field: str, way: str) -> float:
    """Return how often our figure goes into that of `way`: run by run, then the median."""
    pairs = zip(starts[way], starts[OURS], strict=True)
    ratios = [getattr(start, field) / getattr(ours, field) for start, ours in pairs]
    return float(median(ratios))


def _start(way: str, interpreter: Interpreter, *, writes_bytecode: bool = False) -> Start:
    with WayProcess(way, interpreter, writes_bytecode=writes_bytecode) as process:
        reply = process.ask("entry", 1)
        wall_s = time.perf_counter() - process.started
        cpu_s, peak_bytes = process.finish()
    return Start(wall_s, cpu_s, peak_bytes / MB, reply.read_bytes / MB)


def starts_table(cache: str, starts: Mapping[str, Sequence[Start]]) -> str:
    """Return the table of the ways' starts; what is ahead of this function is bold."""

    def row(way: str) -> tuple[str, ...]:
        wall_s, cpu_s, peak_mb, read_mb = (median(values) for values in zip(*map(astuple, starts[way]), strict=True))
        times = (cell(_ratio(starts, field, way), 1, 2) for field in ("wall_s", "cpu_s", "peak_mb"))
        return TITLES[way], f"{wall_s:.2f}", f"{cpu_s:.2f}", f"{peak_mb:.0f}", f"{read_mb:.0f}", *times

    units = ("wall s", "CPU s", "peak MB", "read MB", "wall, times ours", "CPU, times ours", "peak, times ours")
    return table((f"page cache {cache}", *units), map(row, starts))


def how_measured(runs: int, dropped_by: str) -> str:
    """Return how starts are measured, in words."""
    return (
        f"Medians of {runs} runs, the ways in turn; ratios run by run, then their median. Wall: process creation to "
        "answer. CPU (user and system, all threads): `wait4`, the process ends without taking its interpreter down. "
        "Peak resident memory: `VmHWM` of `/proc`. Read: `read_bytes` of `/proc/self/io` at the answer. The page cache "
        f"is dropped before each start by {dropped_by}. `.pyc` files are there, none is written; one BLAS thread for "
        "all."
    )
