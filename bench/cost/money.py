"""Money of what a week brought."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from bench.cost import prices
from bench.cost.week import DAY_S


@dataclass(frozen=True)
class Function:
    """The function as it is configured.

    Attributes:
        memory_mb: of an instance.
        request_s: of one request, at the share of a core that goes with the memory.
        start_s: of a cold start.
        keep_s: how long an idle instance is kept.
        provisioned: instances that are always there.
    """

    memory_mb: int
    request_s: float
    start_s: float
    keep_s: float
    provisioned: int = 0

    @property
    def gb(self) -> float:
        """Memory in GB, as it is billed."""
        return self.memory_mb / 1024


@dataclass(frozen=True)
class Outcome:
    """What some days brought, by computation or by simulation.

    Attributes:
        days: how many.
        requests: that came.
        answered: that were answered.
        cold_starts: that requests waited for.
        instances_mean, instances_max: at a time.
        p99_wait_s: before a request was begun.
        provisioned_idle_s: of all provisioned instances.
    """

    days: float
    requests: float
    answered: float
    cold_starts: float
    instances_mean: float
    instances_max: float
    p99_wait_s: float
    provisioned_idle_s: float = 0.0


class Bill(NamedTuple):
    """Money in CNY by what it is for; `initialisation` may not be billed at all: the documents do not say."""

    run: float
    calls: float
    idle: float
    initialisation: float

    @property
    def without_initialisation(self) -> float:
        """All but the initialisation."""
        return self.run + self.calls + self.idle

    @property
    def total(self) -> float:
        """All parts."""
        return self.without_initialisation + self.initialisation


def share_of_core(memory_mb: int) -> float:
    """Return what part of a core a request has with that memory, at most all of one."""
    return min(1.0, memory_mb / prices.FULL_CORE_MB)


def configure(memory_mb: int, request_ms: float, start_cpu_s: float, start_disk_s: float, keep_s: float) -> Function:
    """Return the function with some memory, from what was measured on a whole core."""
    share = share_of_core(memory_mb)
    return Function(memory_mb, request_ms / 1000 / share, start_disk_s + start_cpu_s / share, keep_s)


def billed_s(seconds: float) -> float:
    """Return a time as it is billed, in whole steps."""
    return math.ceil(seconds * 1000 / prices.STEP_MS - 1e-9) * prices.STEP_MS / 1000


def bill(function: Function, outcome: Outcome) -> Bill:
    """Return what a function is billed for some days."""
    return Bill(
        run=outcome.answered * billed_s(function.request_s) * function.gb * prices.RUN.cny,
        calls=outcome.answered / 10_000 * prices.CALLS.cny,
        idle=outcome.provisioned_idle_s * function.gb * prices.IDLE.cny,
        initialisation=outcome.cold_starts * billed_s(function.start_s) * function.gb * prices.RUN.cny,
    )


def rent(machines: int, cny_per_month: float, days: float) -> float:
    """Return what rented machines cost for some days."""
    return machines * cny_per_month * days * DAY_S / 3600 / prices.HOURS_PER_MONTH
