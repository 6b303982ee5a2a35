"""What is compared: a million requests at each memory size, and a week of photos three ways."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import NamedTuple

from bench.cost.expected import expect_function, expect_machine
from bench.cost.inputs import Inputs
from bench.cost.money import Bill, Function, Outcome, bill, configure, rent
from bench.cost.prices import MEMORY_MB
from bench.cost.week import DAYS
from mnist_infer.config import Settings

MAX_UTILISATION = 0.7
"""Of a machine's cores at the peak: so many machines are rented that there is no more."""


class Assumptions(NamedTuple):
    """What is neither documented nor measured: the reader's to fill in.

    Attributes:
        keep_s: how long the platform keeps an idle instance.
        machine_cny: a machine's rent for a month.
        machine_cores: its cores.
        peak: requests per second at the busiest, for the table by memory size and for the check.
    """

    keep_s: float
    machine_cny: float
    machine_cores: int
    peak: float


class Week(NamedTuple):
    """A week at one peak, three ways: what it brings and costs.

    Attributes:
        peak: requests per second at the busiest.
        function, provisioned, machine: what it brings each.
        instances: that are provisioned.
        machines: that are rented.
    """

    peak: float
    function: Outcome
    provisioned: Outcome
    instances: int
    machine: Outcome
    machines: int


def needed_mib(inputs: Inputs) -> float:
    """Return the memory that the function needs, with the largest picture that it decodes."""
    return inputs.peak_mib.value + Settings().max_decode_bytes / 2**20


def cheapest_memory(inputs: Inputs, given: Assumptions) -> int:
    """Return the size at which a million photos cost least, everything billed; of equal ones the larger, faster one."""
    costs = {
        size: per_million(for_photos(inputs, given, size), given.peak).total
        for size in MEMORY_MB
        if size >= needed_mib(inputs)
    }
    return max(size for size, cost in costs.items() if cost <= min(costs.values()) + 1e-9)


def week(inputs: Inputs, given: Assumptions, function: Function, peak: float) -> Week:
    """Return a week of photos at one peak."""
    request_s = inputs.server_photo_ms.value / 1000
    instances = ceil(peak * function.request_s)
    machines = max(1, ceil(peak * request_s / given.machine_cores / MAX_UTILISATION))
    return Week(
        peak,
        expect_function(function, peak),
        expect_function(replace(function, provisioned=instances), peak),
        instances,
        expect_machine(machines * given.machine_cores, request_s, peak),
        machines,
    )


def break_even_peak(inputs: Inputs, given: Assumptions, function: Function) -> float:
    """Return the peak, in requests per second, above which one machine is cheaper than the function."""
    machine = rent(1, given.machine_cny, DAYS)
    low, high = 0.0, given.machine_cores * MAX_UTILISATION / (inputs.server_photo_ms.value / 1000)
    if bill(function, expect_function(function, high)).total < machine:
        return float("inf")  # one machine cannot answer as much as would make it worth its rent
    for _ in range(40):
        middle = (low + high) / 2
        is_cheaper = bill(function, expect_function(function, middle)).total < machine
        low, high = (middle, high) if is_cheaper else (low, middle)
    return high


def money_of(weeks: Sequence[Week], function: Function, given: Assumptions) -> dict[str, list[float]]:
    """Return the money for a week at each peak, everything billed, by the way."""
    return {
        "the function": [bill(function, each.function).total for each in weeks],
        "with provisioned instances": [bill(function, each.provisioned).total for each in weeks],
        "rented machines (example price)": [rent(each.machines, given.machine_cny, DAYS) for each in weeks],
    }


def configured(inputs: Inputs, given: Assumptions, memory_mb: int, request_ms: float) -> Function:
    """Return the function with some memory, for requests of that length on a whole core."""
    return configure(memory_mb, request_ms, inputs.start_cpu_s.value, inputs.start_disk_s.value, given.keep_s)


def for_photos(inputs: Inputs, given: Assumptions, memory_mb: int) -> Function:
    """Return the function with some memory, as it reads photos."""
    return configured(inputs, given, memory_mb, inputs.photo_ms.value)


def per_million(function: Function, peak: float) -> Bill:
    """Return the money for a million requests of a week with that peak."""
    outcome = expect_function(function, peak)
    return Bill(*(part / outcome.answered * 1e6 for part in bill(function, outcome)))
