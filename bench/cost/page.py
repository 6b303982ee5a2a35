"""docs/cost.md: the tables and the sentences around them."""

from collections.abc import Sequence
from datetime import datetime, timezone
from math import isinf

from bench.cost import prices
from bench.cost.comparison import (
    MAX_UTILISATION,
    Assumptions,
    Week,
    break_even_peak,
    cheapest_memory,
    configured,
    for_photos,
    needed_mib,
    per_million,
    week,
)
from bench.cost.events import simulate_function, simulate_machine
from bench.cost.expected import expect_function, expect_machine
from bench.cost.inputs import Inputs
from bench.cost.money import Bill, Function, Outcome, bill, rent
from bench.cost.prices import FULL_CORE_MB, MEMORY_MB
from bench.cost.week import DAYS
from testbed.tables import table

_STRETCH = 50


def write_page(inputs: Inputs, given: Assumptions, check_days: float, peaks: Sequence[float], picture: str) -> str:
    """Return the page, with a picture of that name beside it."""
    memory_mb = cheapest_memory(inputs, given)
    function = for_photos(inputs, given, memory_mb)
    every = [week(inputs, given, function, peak) for peak in peaks]
    return "\n\n".join(
        (
            "# What it costs, and how it scales",
            f"Computed by `python -m bench.cost` on {datetime.now(timezone.utc).date().isoformat()}; "
            "not edited by hand. Money is in CNY, without outbound traffic, the log service and free quotas.",
            "## What it begins with",
            _prices_table(),
            _inputs_table(inputs, given),
            "## A million requests",
            _memory_table(inputs, given, memory_mb),
            "## A week, busy by day and idle by night",
            _weeks_text(function, given),
            _function_table(every, function),
            _others_table(every, function, given),
            f"![money for a week over the peak]({picture})",
            _break_even(inputs, given, function, every),
            "## How it is computed, and how far to trust it",
            _method(),
            _check_table(inputs, given, function, check_days),
        )
    )


def _prices_table() -> str:
    rows = [(price.what, f"{price.cny:.8f}".rstrip("0"), price.unit) for price in prices.ALL]
    how = (
        f"{prices.SOURCE}, {prices.DATE}. Time is billed in steps of {prices.STEP_MS} ms. CPU follows memory, about a "
        f"core at {FULL_CORE_MB} MB. Whether initialisation is billed is not documented: both are computed."
    )
    return table(("price of", "CNY", "for"), rows, how)


def _inputs_table(inputs: Inputs, given: Assumptions) -> str:
    rows = [(measured.source, f"{measured.value:.3g}") for measured in inputs.all]
    rows += [
        ("s that the platform keeps an idle instance: **an assumption**, not documented", f"{given.keep_s:g}"),
        (
            f"CNY a month for a machine of {given.machine_cores} cores: **an example**, nobody's offer: fill in yours "
            "with `--machine-cny` and `--machine-cores`",
            f"{given.machine_cny:g}",
        ),
    ]
    how = (
        "In brackets the section of `bench/RESULTS.md`. `python -m bench.cost --help` names an option for each figure."
    )
    return table(("what it is", "figure"), rows, how)


def _memory_table(inputs: Inputs, given: Assumptions, best: int) -> str:
    rows = []
    for size in MEMORY_MB:
        photo = for_photos(inputs, given, size)
        small = configured(inputs, given, size, inputs.small_ms.value)
        if size < needed_mib(inputs):
            rows.append((f"{size}", *["too small"] * 7))
            continue
        money = [per_million(function, given.peak) for function in (small, photo)]
        cells = [f"{each:.2f}" for both in money for each in (both.without_initialisation, both.total)]
        times = (f"{small.request_s * 1000:.1f}", f"{photo.request_s * 1000:.0f}", f"{photo.start_s:.2f}")
        rows.append((f"**{size}**" if size == best else f"{size}", *times, *cells))
    columns = (
        "memory MB",
        "small picture, ms",
        "photo, ms",
        "cold start, s",
        "million small, CNY",
        "small, initialisation billed",
        "million photos, CNY",
        "photos, initialisation billed",
    )
    how = (
        f"Times are CPU over the share of a core. Cold starts are those of the week below, at its peak of "
        f"{given.peak:g} a second. Too small is what has not {needed_mib(inputs):.0f} MiB: the function's own and what "
        f"the largest picture takes that it decodes. **{best} MB** is cheapest for photos: what more memory costs, "
        "more CPU saves, up to a core; then a request gets no faster, and only dearer."
    )
    return table(columns, rows, how)


def _weeks_text(function: Function, given: Assumptions) -> str:
    return (
        "Every day requests come from 7 to 23 o'clock, rising to the peak at 15 and falling again, as a squared sine, "
        "and by night none at all. All of them are a phone's photos, the dearest picture that people send. The "
        f"function has {function.memory_mb} MB: {function.request_s * 1000:.0f} ms a request, {function.start_s:.2f} s "
        "a cold start, one request at a time in an instance. *Provisioned*: as many instances as are at work on "
        "average at the peak are there all week, and more are started as needed. *Rented*: machines of "
        f"{given.machine_cores} cores, rented all month, as many as keep below {MAX_UTILISATION:.0%} of their CPU at "
        "the peak. Money is for the week; in brackets without initialisation. Quotas of an account are left out."
    )


def _function_table(weeks: Sequence[Week], function: Function) -> str:
    def row(week: Week) -> tuple[str, ...]:
        return (
            f"{week.peak:g}",
            f"{week.function.requests:.3g}",
            f"{week.function.instances_mean:.1f}",
            f"{week.function.instances_max:.1f}",
            f"{week.function.cold_starts:.0f}",
            _share(week.function),
            _seconds(week.function.p99_wait_s),
            _money(bill(function, week.function)),
        )

    columns = ("peak, requests/s", "requests a week", "instances, mean", "at the busiest", "cold starts", "of requests")
    return table((*columns, "p99 waiting", "function, CNY"), map(row, weeks))


def _others_table(weeks: Sequence[Week], function: Function, given: Assumptions) -> str:
    def row(week: Week) -> tuple[str, ...]:
        return (
            f"{week.peak:g}/s",
            f"{week.instances}",
            f"{week.provisioned.cold_starts:.0f}",
            _seconds(week.provisioned.p99_wait_s),
            _money(bill(function, week.provisioned)),
            f"{week.machines}",
            _seconds(week.machine.p99_wait_s),
            f"{rent(week.machines, given.machine_cny, DAYS):.2f}",
        )

    columns = ("peak", "provisioned instances", "cold starts", "p99 waiting", "function with them, CNY")
    return table((*columns, "rented machines", "p99 waiting there", "machines, CNY"), map(row, weeks))


def _share(outcome: Outcome) -> str:
    return f"{outcome.cold_starts / outcome.requests:.2%}" if outcome.requests else "–"


def _seconds(seconds: float) -> str:
    return "never ends" if isinf(seconds) else f"{seconds * 1000:.0f} ms"


def _money(money: Bill) -> str:
    return f"{money.total:.2f} ({money.without_initialisation:.2f})"


def _break_even(inputs: Inputs, given: Assumptions, function: Function, weeks: Sequence[Week]) -> str:
    peak = break_even_peak(inputs, given, function)
    busiest = weeks[-1]
    dear = bill(function, busiest.function).total / rent(1, 1.0, DAYS) / busiest.machines
    below = (
        "The function is cheaper than one machine at every rate that the machine can answer"
        if isinf(peak)
        else f"At the example price the function is cheaper up to a peak of {peak:.2f} requests per second, "
        f"{expect_function(function, peak).requests:,.0f} photos a week; above it one machine is"
    )
    return (
        f"**Break-even.** {below}. At a peak of {busiest.peak:g} the function costs as much as {busiest.machines} "
        f"machines at {dear:.0f} CNY a month each. With nothing to answer it costs nothing, and a machine its rent."
    )


def _method() -> str:
    return (
        "A week at 10 000 requests a second has billions of requests; none is simulated. The number of requests at "
        "work at a time is Poisson, because each has an instance at once and none waits for another. "
        "An instance with number *i* is then there if *i* requests were at work at a time within the last "
        "`keep` seconds, where the platform hands a request to the instance that was used last (an assumption); it is "
        "started cold when that happens for the first time in so long. How often a number is reached is a birth and "
        "death process's mean passage time (`bench/cost/expected.py`). It is an approximation in two points: times "
        "between rare peaks are taken to be exponential, and that a request with a cold start holds its instance "
        "longer is left out. Waiting at machines is Erlang's formula, whose requests vary in length: equal ones, as in "
        "the simulation, wait about half as long. Below, the same is simulated event by event with SimPy where that "
        "can be done."
    )


def _check_table(inputs: Inputs, given: Assumptions, function: Function, days: float) -> str:
    # The machine's requests are longer and fewer: its load is the same, and all waiting is as much longer, with fewer
    # events to simulate.
    cores, request_s = given.machine_cores, inputs.server_photo_ms.value / 1000 * _STRETCH
    busy = MAX_UTILISATION * cores / request_s
    rows = [
        *(
            (
                f"function, {peak:g}/s at the peak",
                *_pair(simulate_function(function, peak, days), expect_function(function, peak, days)),
            )
            for peak in (given.peak / 10, given.peak)
        ),
        (
            f"machine, {busy:.2g}/s of {_STRETCH} times the length",
            *_pair(simulate_machine(cores, request_s, busy, 1), expect_machine(cores, request_s, busy, 1)),
        ),
    ]
    how = f"Simulated event by event / computed: {days:g} days of the function and one of the machine."
    return table(("", "requests", "cold starts", "instances, mean", "p99 waiting"), rows, how)


def _pair(simulated: Outcome, computed: Outcome) -> tuple[str, ...]:
    return (
        f"{simulated.requests:.0f} / {computed.requests:.0f}",
        f"{simulated.cold_starts:.0f} / {computed.cold_starts:.0f}",
        f"{simulated.instances_mean:.2f} / {computed.instances_mean:.2f}",
        f"{_seconds(simulated.p99_wait_s)} / {_seconds(computed.p99_wait_s)}",
    )
