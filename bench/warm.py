"""The warm container: latency, CPU and memory over thousands of requests to the same process."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from bench.process import Interpreter, Reply, WayProcess
from bench.report import Figures, figures_table, progress
from testbed.tables import MB

ARTICLE = "article"
BLOCK = 100
"""Requests to one process before the next one has its turn: both see the same noise."""

AFTER = 3_000
WARM_UP = 20
PER_THOUSAND = 1_000 // BLOCK

WINDOWS = ("request", "request_after", "session", "session_after")
"""What latency is told of, each a list of blocks: at the start, and after 3 000 requests."""


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
    return series


def _measure_session(processes: dict[str, WayProcess], series: dict[str, Series], session: int, course: Course) -> None:
    for _ in range(course.window // BLOCK):
        for way, process in processes.items():
            series[way].sessions[session].append(process.ask("session", BLOCK))


def figures(rounds: Rounds, way: str) -> dict[str, float]:
    """Return the figures of a way: latency in each of WINDOWS that it came to, CPU and memory from first to last."""
    every = rounds.series[way]
    found: dict[str, float] = {"requests": len(every[0].entry) * BLOCK}
    windows = zip(*(series.windows(rounds.course[way]) for series in every), strict=True)
    for name, window in zip(WINDOWS, windows, strict=True):
        ordered = sorted(value for blocks in window for block in blocks for value in block.milliseconds)
        if ordered:
            found |= {f"{name}_p50_ms": median(ordered), f"{name}_p99_ms": ordered[len(ordered) * 99 // 100]}
    cpu_s, resident_mb = [series.cpu_s for series in every], [series.resident_mb for series in every]
    changes = [(last / first - 1) * 100 for first, last in cpu_s]
    first_s, last_s = (median(values) for values in zip(*cpu_s, strict=True))
    first_mb, last_mb = (median(values) for values in zip(*resident_mb, strict=True))
    return found | {
        "request_cpu_ms": first_s,  # the seconds of a thousand requests are the milliseconds of one
        "request_last_cpu_ms": last_s,
        "change_percent": median(changes),
        "change_least_percent": min(changes),
        "change_most_percent": max(changes),
        "resident_mb": first_mb,
        "resident_last_mb": last_mb,
        "growth_mb": max(last - first for first, last in resident_mb),
    }


def latency_table(ways: Mapping[str, Figures], course: Figures, ours: Figures) -> str:
    """Return the table of p50 and p99."""
    columns = [f"{window}_{p}_ms:.2f" for window in WINDOWS for p in ("p50", "p99")]
    how = (
        f"Milliseconds by the wall clock, inside the process, log lines written to `/dev/null`; each over "
        f"{course['window']} calls in each of {course['rounds']} rounds, a round in a new process; over "
        f"{course['article_window']} calls in one round for the article's way. {WARM_UP} requests before. The ways "
        f"take turns every {BLOCK} requests, the article's runs alone. After: after 3 000 requests. Session: without "
        "the picture's preparation."
    )
    return figures_table("", ways, columns, how, dict.fromkeys(ways, ours))


def endurance_table(ways: Mapping[str, Figures]) -> str:
    """Return the table of CPU time and memory, of the first and of the last thousand requests."""
    columns = (
        *("requests", "request_cpu_ms:.2f", "request_last_cpu_ms:.2f"),
        *("change_percent:+.1f", "change_least_percent:+.1f", "change_most_percent:+.1f"),
        *("resident_mb:.1f", "resident_last_mb:.1f", "growth_mb:+.2f"),
    )
    how = (
        "User and system time of all threads over whole requests, of the first 1 000 and of the last, medians of the "
        "rounds (and the range of the change: load from elsewhere moves both ways alike); resident memory from "
        "`/proc/self/statm`, after the first 1 000 and at the end, and its growth in the worst round."
    )
    return figures_table("", ways, columns, how)
