"""The warm container: latency, CPU and memory over thousands of requests to the same process."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import isnan, nan
from statistics import median

from bench.process import Interpreter, Reply, WayProcess
from bench.report import cell, progress
from bench.ways import TITLES
from testbed.tables import MB, table

OURS, ARTICLE = "ours", "article"
BLOCK = 100
"""Requests to one process before the next one has its turn: both see the same noise."""

AFTER = 3_000
WARM_UP = 20
PER_THOUSAND = 1_000 // BLOCK

WINDOWS = ("request at the start", "request after 3 000", "session at the start", "session after 3 000")
"""What latency is told of, each a list of blocks."""


@dataclass(frozen=True)
class Course:
    """How much is asked of a process.

    Attributes:
        requests: in all.
        window: how many make up the latency at the start, and again after 3 000 requests.
        rounds: how often all of it is done, each time in a new process.
    """

    requests: int
    window: int
    rounds: int


COURSE = Course(requests=10_000, window=1_000, rounds=5)
ARTICLE_COURSE = Course(requests=AFTER + BLOCK, window=BLOCK, rounds=1)  # it becomes too slow for more
QUICK_COURSE = Course(requests=AFTER + 2 * BLOCK, window=BLOCK, rounds=1)
QUICK_ARTICLE_COURSE = Course(requests=2 * BLOCK, window=BLOCK, rounds=1)


@dataclass(frozen=True)
class Series:
    """All that one process did, in blocks.

    Attributes:
        entry: whole requests, in their order.
        sessions: runs of the session alone, after the first window of requests and after the
            window that follows 3 000 requests.
    """

    entry: list[Reply] = field(default_factory=list)
    sessions: tuple[list[Reply], list[Reply]] = field(default_factory=lambda: ([], []))

    def windows(self, course: Course) -> tuple[list[Reply], ...]:
        """Return the blocks of each of WINDOWS."""
        count, later = course.window // BLOCK, AFTER // BLOCK
        return self.entry[:count], self.entry[later : later + count], *self.sessions

    @property
    def cpu_s(self) -> tuple[float, float]:
        """CPU seconds of the first and of the last 1 000 requests."""
        first, last = self.entry[:PER_THOUSAND], self.entry[-PER_THOUSAND:]
        return sum(block.cpu_s for block in first), sum(block.cpu_s for block in last)

    @property
    def resident_mb(self) -> tuple[float, float]:
        """Resident memory after the first 1 000 requests and at the end."""
        return self.entry[:PER_THOUSAND][-1].resident_bytes / MB, self.entry[-1].resident_bytes / MB


@dataclass(frozen=True)
class Rounds:
    """What some ways did in their rounds.

    Attributes:
        course: of each way.
        series: of each way, one per round.
    """

    course: dict[str, Course]
    series: dict[str, list[Series]]


def measure(ways: Mapping[str, Interpreter], *, quick: bool) -> Rounds:
    """Have each way answer thousands of requests in one process, in turns; the article's way fewer, by itself.

    Args:
        ways: what runs each.
        quick: whether only to see that it works.
    """
    usual = QUICK_COURSE if quick else COURSE
    slow = QUICK_ARTICLE_COURSE if quick else ARTICLE_COURSE
    others = {way: interpreter for way, interpreter in ways.items() if way != ARTICLE}
    series = _measure(others, usual)
    if ARTICLE in ways:
        series |= _measure({ARTICLE: ways[ARTICLE]}, slow)
    return Rounds({way: slow if way == ARTICLE else usual for way in ways}, {way: series[way] for way in ways})


def _measure(ways: Mapping[str, Interpreter], course: Course) -> dict[str, list[Series]]:
    rounds: dict[str, list[Series]] = {way: [] for way in ways}
    for number in range(1, course.rounds + 1):
        progress(f"{course.requests} requests, round {number} of {course.rounds}")
        for way, series in _measure_once(ways, course).items():
            rounds[way].append(series)
    return rounds


def _measure_once(ways: Mapping[str, Interpreter], course: Course) -> dict[str, Series]:
    series = {way: Series() for way in ways}
    with ExitStack() as stack:
        processes = {way: stack.enter_context(WayProcess(way, interpreter)) for way, interpreter in ways.items()}
        for process in processes.values():
            process.ask("entry", WARM_UP)
        for done in range(BLOCK, course.requests + 1, BLOCK):
            for way, process in processes.items():
                series[way].entry.append(process.ask("entry", BLOCK))
            for session, start in enumerate((0, AFTER)):
                if done == start + course.window:
                    _measure_session(processes, series, session, course)
            if done % 1_000 == 0:
                progress(f"{done}: {', '.join(_latest(way, series[way]) for way in ways)}")
    return series


def _measure_session(processes: dict[str, WayProcess], series: dict[str, Series], session: int, course: Course) -> None:
    for _ in range(course.window // BLOCK):
        for way, process in processes.items():
            series[way].sessions[session].append(process.ask("session", BLOCK))


def _latest(way: str, series: Series) -> str:
    return f"{TITLES[way]} {median(series.entry[-1].milliseconds):.2f} ms"


def _milliseconds(blocks: Iterable[Reply]) -> list[float]:
    return [value for block in blocks for value in block.milliseconds]


def _windows(rounds: Sequence[Series], course: Course) -> list[list[Reply]]:
    """Return the blocks of each of WINDOWS, of all rounds."""
    windows = zip(*(series.windows(course) for series in rounds), strict=True)
    return [[block for blocks in window for block in blocks] for window in windows]


def _quantiles(blocks: Iterable[Reply]) -> tuple[float, float]:
    ordered = sorted(_milliseconds(blocks))
    return (median(ordered), ordered[len(ordered) * 99 // 100]) if ordered else (nan, nan)


def p50_ms(rounds: Rounds, way: str) -> float:
    """Return the median of all whole requests of a way, in milliseconds."""
    return median(_milliseconds(block for series in rounds.series[way] for block in series.entry))


def latency_table(rounds: Rounds) -> str:
    """Return the table of p50 and p99; what is ahead of this function is bold."""

    def figures(way: str) -> list[float]:
        windows = _windows(rounds.series[way], rounds.course[way])
        return [figure for blocks in windows for figure in _quantiles(blocks)]

    ours = figures(OURS)
    rows = [
        (TITLES[way], *("–" if isnan(one) else cell(one, our, 2) for one, our in zip(figures(way), ours, strict=True)))
        for way in rounds.series
    ]
    columns = [f"{what}, {p}" for what in WINDOWS for p in ("p50", "p99")]
    course = rounds.course[OURS]
    slow = [way for way in rounds.course if way == ARTICLE]
    article = "".join(f"; over {rounds.course[way].window} calls in one round for the article's way" for way in slow)
    how = (
        f"Milliseconds by the wall clock, inside the process, log lines written to `/dev/null`; each over "
        f"{course.window} calls in each of {course.rounds} rounds, a round in a new process{article}. {WARM_UP} "
        f"requests before. The ways take turns every {BLOCK} requests, the article's runs alone. Session: without the "
        "picture's preparation. Bold: ahead of this function."
    )
    return table(("", *columns), rows, how)


def _changes(rounds: Sequence[Series]) -> list[float]:
    """Return by how many percent the last 1 000 requests cost more CPU than the first, per round."""
    return [(last / first - 1) * 100 for first, last in (series.cpu_s for series in rounds)]


def _growths(rounds: Sequence[Series]) -> list[float]:
    return [last - first for first, last in (series.resident_mb for series in rounds)]


def endurance_table(rounds: Rounds) -> str:
    """Return the table of CPU time and memory, of the first and of the last thousand requests."""

    def row(way: str) -> tuple[str, ...]:
        series = rounds.series[way]
        cpu_s = (f"{median(values):.2f}" for values in zip(*(each.cpu_s for each in series), strict=True))
        mb = (f"{median(values):.1f}" for values in zip(*(each.resident_mb for each in series), strict=True))
        changes = [f"{change:+.1f}" for change in sorted(_changes(series))]
        requests = f"{len(series[0].entry) * BLOCK}"
        change = f"{median(_changes(series)):+.1f} % ({changes[0]} to {changes[-1]})"
        return TITLES[way], requests, *cpu_s, change, *mb, f"{max(_growths(series)):+.2f}"

    columns = ("requests", "CPU s, first 1 000", "CPU s, last 1 000", "change")
    memory = ("MB after 1 000", "MB at the end", "growth, the largest")
    how = (
        "User and system time of all threads over whole requests, medians of the rounds (and the range of the "
        "change: load from elsewhere moves both ways alike); resident memory from `/proc/self/statm`."
    )
    return table(("", *columns, *memory), map(row, rounds.series), how)
