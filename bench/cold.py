"""The cold start: from no process at all to the first answer."""

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from statistics import median

from bench import interpreters, page_cache
from bench.process import Interpreter, WayProcess
from bench.report import Target, cell, progress, targets_table
from bench.ways import TITLES
from testbed.tables import MB, table

RUNS, QUICK_RUNS = 9, 2
OURS, THEIRS = "ours", "import_tensorflow"
THREE = (OURS, THEIRS, "article")
CACHES = ("warm", "dropped")
MIN_CPU_RATIO = {"development": 5.0, "oldest": 6.5}
MAX_MEMORY_PERCENT = 60.0


@dataclass(frozen=True)
class Start:
    """What one cold start took."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    read_mb: float


@dataclass(frozen=True)
class Comparison:
    """Cold starts of some ways with one interpreter, in turn (a, b, c, a, b, c).

    Attributes:
        interpreter: what they ran in.
        key: of its target.
        cache: `warm` or `dropped`.
        starts: by way; those of one index were made one right after the other.
    """

    interpreter: Interpreter
    key: str
    cache: str
    starts: dict[str, list[Start]]

    def ratio(self, field: str, way: str) -> float:
        """Return how often our figure goes into that of `way`."""
        return _ratio(self.starts, field, way)


def section(options: argparse.Namespace) -> str:
    """Measure the cold starts."""
    runs = QUICK_RUNS if options.quick else RUNS
    plan: list[tuple[str, Interpreter, Sequence[str]]] = [("development", interpreters.development(), THREE)]
    oldest, reason = interpreters.oldest()
    if oldest:
        plan.append(("oldest", oldest, (OURS, THEIRS)))
    elif alone := interpreters.oldest_library_alone():
        plan.append(("oldest", alone, (OURS,)))
    comparisons = []
    dropped_by = ""
    for key, interpreter, ways in plan:
        for way in ways:
            compile_way(way, interpreter)
        for cache in CACHES:
            progress(f"cold start, {interpreter.title}, page cache {cache}, {runs} runs each")
            starts, how = measure_starts(dict.fromkeys(ways, interpreter), cache, runs)
            dropped_by = how or dropped_by
            comparisons.append(Comparison(interpreter, key, cache, starts))
            progress(starts_table(cache, starts))
    return _text(comparisons, dropped_by, reason, runs)


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


def _targets(comparison: Comparison) -> list[Target]:
    where = f"{comparison.interpreter.title}, page cache {comparison.cache}"
    if THEIRS not in comparison.starts:
        return []
    cpu, memory = comparison.ratio("cpu_s", THEIRS), 100 / comparison.ratio("peak_mb", THEIRS)
    return [
        Target(f"CPU of import tensorflow, times ours: {where}", cpu, MIN_CPU_RATIO[comparison.key], " ×", True),
        Target(f"our peak memory, of import tensorflow's: {where}", memory, MAX_MEMORY_PERCENT, " %"),
    ]


def _text(comparisons: Sequence[Comparison], dropped_by: str, reason: str, runs: int) -> str:
    lines = ["## Cold start", "From no process at all to the first answer, a POST of the example event's picture."]
    for comparison in comparisons:
        if comparison.cache == "warm":
            lines.append(f"### {comparison.interpreter.title}, NumPy {comparison.interpreter.numpy}")
        lines.append(starts_table(comparison.cache, comparison.starts))
    lines.append(how_measured(runs, dropped_by))
    if reason:
        lines.append(f"`import tensorflow` on {interpreters.OLDEST} was not measured: {reason}.")
    lines.append(targets_table(target for comparison in comparisons for target in _targets(comparison)))
    return "\n\n".join(lines)


def how_measured(runs: int, dropped_by: str) -> str:
    """Return how starts are measured, in words."""
    return (
        f"Medians of {runs} runs, the ways in turn; ratios run by run, then their median. Wall: process creation to "
        "answer. CPU (user and system, all threads): `wait4`, the process ends without taking its interpreter down. "
        "Peak resident memory: `VmHWM` of `/proc`. Read: `read_bytes` of `/proc/self/io` at the answer. The page cache "
        f"is dropped before each start by {dropped_by}. `.pyc` files are there, none is written; one BLAS thread for "
        "all."
    )
