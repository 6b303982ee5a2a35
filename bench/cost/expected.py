"""What a day brings, computed in expectation: no request is simulated, so that any rate is as quick as another.

How many requests are at work at a time is Poisson, with the mean rate × time of a request: every request has an
instance at once, so none waits for another. The platform is taken to hand a request to the instance that was used
last. Then instance number i works exactly while i requests or more are at work, it is there if that has happened
within the time that idle instances are kept, and it is started cold when it happens for the first time in that long.
So all that is needed is how often the number of requests reaches i: `hit_rates`. Those times are taken to be a Poisson
process of their own, which holds where they are rare, and only where they are rare is there a cold start.

Not counted: that a request with a cold start holds its instance longer. It matters while many starts fall together.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from bench.cost.money import Function, Outcome
from bench.cost.week import DAY_S, DAYS, rates

STEP_S = 60.0
QUANTILE = 0.99

Rates = NDArray[np.float64]


def expect_function(function: Function, peak: float, days: float = DAYS) -> Outcome:
    """Return what some days with that peak of requests per second bring the function."""
    rate = rates(peak, STEP_S)
    hits = hit_rates(rate, rate * function.request_s)
    window = max(1, round(function.keep_s / STEP_S))
    recent = np.zeros_like(hits)  # expected hits within keep_s
    for shift in range(window):
        recent += np.roll(hits, shift, axis=0) * STEP_S
    on_demand = np.arange(1, hits.shape[1] + 1) > function.provisioned
    alive = np.where(on_demand, -np.expm1(-recent), 1.0)
    instances = alive.sum(axis=1) + max(0, function.provisioned - hits.shape[1])
    cold = float(_cold_starts(hits, recent, window)[:, on_demand].sum())
    requests = float(rate.sum()) * STEP_S
    return Outcome(
        days=days,
        requests=requests * days,
        answered=requests * days,
        cold_starts=cold * days,
        instances_mean=float(instances.mean()),
        instances_max=float(instances.max()),
        p99_wait_s=function.start_s if cold > (1 - QUANTILE) * requests else 0.0,
        provisioned_idle_s=_idle_s(rate * function.request_s, function.provisioned) * days,
    )


def hit_rates(rate: Rates, load: Rates) -> Rates:
    """Return how often a second the requests at work reach each number, having been fewer for long.

    It is one over the mean time that a Poisson number of requests, known to be below i, takes to reach i. From k to
    k + 1 a process of births and deaths takes P(N ≤ k) / (rate · P(N = k)) on average; summed over all k from where it
    begins to i - 1.

    Args:
        rate: requests a second, [steps].
        load: mean number of requests at work, [steps].

    Returns:
        [steps, levels], the level of column j being j + 1.
    """
    highest = float(load.max(initial=0.0))
    levels = np.arange(int(highest + 8 * np.sqrt(highest) + 8))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        log_at_most = poisson.logcdf(levels, load[:, None])
        log_exactly = poisson.logpmf(levels, load[:, None])
        passages = np.cumsum(np.exp(2 * log_at_most - log_exactly), axis=1)
        hits = rate[:, None] * np.exp(log_at_most) / passages
    # Levels far below the mean have no numbers: they are reached with every request.
    hits = np.where(np.isfinite(hits), hits, rate[:, None])
    return np.where(rate[:, None] > 0, np.minimum(hits, rate[:, None]), 0.0)


def _cold_starts(hits: Rates, recent: Rates, window: int) -> Rates:
    """Return the expected cold starts in each step, of each level: hits without one in the time before.

    Within a step the hits of the time before, H, go from `before` to `recent` as a line, and exp(-H) has an integral.
    """
    before = np.roll(recent, 1, axis=0)
    leaving = np.roll(hits, window, axis=0)
    change = hits - leaving
    is_flat = np.abs(change) * STEP_S < 1e-9
    sloped = hits * (np.exp(-before) - np.exp(-recent)) / np.where(is_flat, 1.0, change)
    flat = hits * STEP_S * np.exp(-before)
    return np.where(is_flat, flat, sloped)


def _idle_s(load: Rates, provisioned: int) -> float:
    """Return for how long the provisioned instances of a day are idle, all of them together."""
    if not provisioned:
        return 0.0
    # The mean of min(N, c) is the sum of P(N ≥ i) for i from 1 to c.
    busy = sum(float(poisson.sf(level, load).sum()) for level in range(provisioned)) * STEP_S
    return provisioned * DAY_S - busy


def expect_machine(cores: int, request_s: float, peak: float, days: float = DAYS) -> Outcome:
    """Return what some days bring machines with as many cores in all, each of which works on one request.

    Waiting is Erlang's formula for requests of random length; with equal ones it is less.
    """
    rate = rates(peak, STEP_S)
    waits = np.array([_erlang_c(cores, load) for load in rate * request_s])
    requests = float(rate.sum()) * STEP_S
    return Outcome(
        days=days,
        requests=requests * days,
        answered=requests * days,
        cold_starts=0.0,
        instances_mean=cores,
        instances_max=cores,
        p99_wait_s=_wait_quantile(rate, waits, (cores - rate * request_s) / request_s),
    )


def _erlang_c(servers: int, load: float) -> float:
    """Return the probability that a request waits."""
    if load >= servers:
        return 1.0
    blocked = float(np.exp(poisson.logpmf(servers, load) - poisson.logcdf(servers, load))) if load else 0.0
    return blocked / (1 - load / servers * (1 - blocked))


def _wait_quantile(rate: Rates, waits: Rates, decay: Rates) -> float:
    """Return the time that 99 of 100 requests wait at most."""
    if not rate.any():
        return 0.0
    if (decay[rate > 0] <= 0).any():
        return float("inf")  # more comes than can be answered
    low, high = 0.0, 1e6
    for _ in range(80):
        middle = (low + high) / 2
        late = float((rate * waits * np.exp(-decay * middle)).sum() / rate.sum())
        low, high = (middle, high) if late > 1 - QUANTILE else (low, middle)
    return high if high > 1e-6 else 0.0
