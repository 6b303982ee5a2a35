"""The cold start: from no process at all to the first answer."""

import argparse
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from statistics import median

from bench import interpreters, page_cache
from bench.process import Interpreter, WayProcess
from bench.report import Target, progress, targets_table
from bench.ways import TITLES
from testbed.tables import MB, table

RUNS = 9
OURS, THEIRS = "ours", "import_tensorflow"
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
        """Return how often our figure goes into that of `way`: run by run, then the median."""
        pairs = zip(self.starts[way], self.starts[OURS], strict=True)
        return float(median(getattr(start, field) / getattr(ours, field) for start, ours in pairs))


def section(options: argparse.Namespace) -> str:  # noqa: ARG001
    """Measure the cold starts."""
    plan: list[tuple[str, Interpreter, Sequence[str]]] = [("development", interpreters.development(), list(TITLES))]
    oldest, reason = interpreters.oldest()
    if oldest:
        plan.append(("oldest", oldest, (OURS, THEIRS)))
    elif alone := interpreters.oldest_library_alone():
        plan.append(("oldest", alone, (OURS,)))
    comparisons = []
    dropped_by = ""
    for key, interpreter, ways in plan:
        for way in ways:
            _start(way, interpreter, writes_bytecode=True)
        for cache in ("warm", "dropped"):
            progress(f"cold start, {interpreter.title}, page cache {cache}, {RUNS} runs each")
            starts: dict[str, list[Start]] = {way: [] for way in ways}
            for _ in range(RUNS):
                for way in ways:
                    if cache == "dropped":
                        dropped_by = page_cache.drop(interpreter)
                    starts[way].append(_start(way, interpreter))
            comparisons.append(Comparison(interpreter, key, cache, starts))
            progress(_table(comparisons[-1]))
    return _text(comparisons, dropped_by, reason)


def _start(way: str, interpreter: Interpreter, *, writes_bytecode: bool = False) -> Start:
    with WayProcess(way, interpreter, writes_bytecode=writes_bytecode) as process:
        reply = process.ask("entry", 1)
        wall_s = time.perf_counter() - process.started
        cpu_s, peak_bytes = process.finish()
    return Start(wall_s, cpu_s, peak_bytes / MB, reply.read_bytes / MB)


def _table(comparison: Comparison) -> str:
    def row(way: str) -> tuple[str, ...]:
        wall_s, cpu_s, peak_mb, read_mb = (
            median(values) for values in zip(*map(astuple, comparison.starts[way]), strict=True)
        )
        times = (f"{comparison.ratio(field, way):.2f}" for field in ("wall_s", "cpu_s", "peak_mb"))
        return TITLES[way], f"{wall_s:.2f}", f"{cpu_s:.2f}", f"{peak_mb:.0f}", f"{read_mb:.0f}", *times

    units = ("wall s", "CPU s", "peak MB", "read MB", "wall, times ours", "CPU, times ours", "peak, times ours")
    return table((f"page cache {comparison.cache}", *units), map(row, comparison.starts))


def _targets(comparison: Comparison) -> list[Target]:
    where = f"{comparison.interpreter.title}, page cache {comparison.cache}"
    if THEIRS not in comparison.starts:
        return []
    cpu, memory = comparison.ratio("cpu_s", THEIRS), 100 / comparison.ratio("peak_mb", THEIRS)
    return [
        Target(f"CPU of import tensorflow, times ours: {where}", cpu, MIN_CPU_RATIO[comparison.key], " ×", True),
        Target(f"our peak memory, of import tensorflow's: {where}", memory, MAX_MEMORY_PERCENT, " %"),
    ]


def _text(comparisons: Sequence[Comparison], dropped_by: str, reason: str) -> str:
    lines = ["## Cold start", "From no process at all to the first answer, a POST of the example event's picture."]
    for comparison in comparisons:
        if comparison.cache == "warm":
            lines.append(f"### {comparison.interpreter.title}, NumPy {comparison.interpreter.numpy}")
        lines.append(_table(comparison))
    lines.append(
        f"Medians of {RUNS} runs, the ways in turn; ratios run by run, then their median. Wall: process creation to "
        "answer. CPU (user and system, all threads) and peak resident memory: `wait4`, the process ends without "
        "taking its interpreter down. Read: `read_bytes` of `/proc/self/io` at the answer. The page cache is dropped "
        f"before each start by {dropped_by}. `.pyc` files are there, none is written; one BLAS thread for all."
    )
    if reason:
        lines.append(f"`import tensorflow` on {interpreters.OLDEST} was not measured: {reason}.")
    lines.append(targets_table(target for comparison in comparisons for target in _targets(comparison)))
    return "\n\n".join(lines)
