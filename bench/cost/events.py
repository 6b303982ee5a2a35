"""The same days event by event, with SimPy: what `expected` is checked against where that is quick enough."""

from collections import deque
from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import simpy

from bench.cost.money import Function, Outcome
from bench.cost.week import DAY_S, share_of_peak

_SEED = 1

Process = Generator[Any, Any, None]


class _Instances:
    """The instances of a function: those at work are out, the idle ones in, the one used last on top.

    Attributes:
        cold_starts: so far.
        lived_s: of all instances, in which there was one.
        most: instances at a time.
    """

    def __init__(self, function: Function) -> None:
        self._function = function
        self._idle: deque[tuple[float, float]] = deque()  # since when it is idle, and when it was started
        self._count = 0
        self.cold_starts, self.lived_s, self.most = 0, 0.0, 0

    def take(self, now: float) -> tuple[float, float]:
        """Return when the instance that a request gets was started, and how long the request waits for it."""
        self.expire(now)
        if self._idle:
            return self._idle.pop()[1], 0.0
        self.cold_starts += 1
        self._count += 1
        self.most = max(self.most, self._count)
        return now, self._function.start_s

    def give_back(self, started: float, now: float) -> None:
        """Take an instance back whose request is answered."""
        self._idle.append((now, started))

    def expire(self, now: float) -> None:
        """Let go of those that have been idle for long enough."""
        while self._idle and self._idle[0][0] + self._function.keep_s <= now:
            since, started = self._idle.popleft()
            self.lived_s += since + self._function.keep_s - started
            self._count -= 1


def simulate_function(function: Function, peak: float, days: float, seed: int = _SEED) -> Outcome:
    """Return what some days brought the function; it has no provisioned instances here."""
    environment, instances, waits = simpy.Environment(), _Instances(function), list[float]()
    answered = 0

    def request() -> Process:
        nonlocal answered
        started, wait_s = instances.take(environment.now)
        waits.append(wait_s)
        yield environment.timeout(wait_s + function.request_s)
        instances.give_back(started, environment.now)
        answered += 1

    requests = _run(environment, request, peak, days, seed)
    instances.expire(float("inf"))
    return _outcome(days, requests, answered, waits, instances)


def simulate_machine(cores: int, request_s: float, peak: float, days: float, seed: int = _SEED) -> Outcome:
    """Return what some days brought machines with as many cores, first come, first served."""
    environment, waits = simpy.Environment(), list[float]()
    machine = simpy.Resource(environment, capacity=cores)
    answered = 0

    def request() -> Process:
        nonlocal answered
        came = environment.now
        with machine.request() as turn:
            yield turn
            waits.append(environment.now - came)
            yield environment.timeout(request_s)
        answered += 1

    requests = _run(environment, request, peak, days, seed)
    return Outcome(days, requests, answered, 0, cores, cores, _quantile(waits))


def _run(environment: Any, request: Callable[[], Process], peak: float, days: float, seed: int) -> int:
    """Run until every request is answered, and return how many came."""
    random, came, end = np.random.default_rng(seed), 0, days * DAY_S

    def arrivals() -> Process:
        nonlocal came
        while peak:
            yield environment.timeout(random.exponential(1 / peak))
            if environment.now >= end:
                return
            if random.random() < share_of_peak(environment.now):  # as many as there are at the peak, thinned
                came += 1
                environment.process(request())

    environment.process(arrivals())
    environment.run()
    return came


def _outcome(days: float, requests: int, answered: int, waits: list[float], instances: _Instances) -> Outcome:
    return Outcome(
        days=days,
        requests=requests,
        answered=answered,
        cold_starts=instances.cold_starts,
        instances_mean=instances.lived_s / (days * DAY_S),
        instances_max=instances.most,
        p99_wait_s=_quantile(waits),
    )


def _quantile(waits: list[float]) -> float:
    return sorted(waits)[len(waits) * 99 // 100] if waits else 0.0
