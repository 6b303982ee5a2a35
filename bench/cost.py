"""What the function costs, with a pencil: `python -m bench.cost` computes docs/cost.md from bench/results.json.

Every formula is the docstring of a function of a few lines. Two things nobody documents, and they are assumed here:
how long an idle instance is kept (`KEEP_S`), and how the traffic of a day rises and falls (`BUSIEST`). What a machine
costs (`MACHINE_CNY`) is an example.
"""

import argparse
import math
import sys
from pathlib import Path
from typing import NamedTuple

from bench.results import MissingFigure, Results, figure, load
from mnist_infer.config import ROOT, Settings
from testbed.tables import table

PAGE = ROOT / "docs" / "cost.md"

# Tencent Cloud, price list of SCF, pay as you go, mainland China, read in 2026-11.
GB_S_CNY = 0.00011108
CALL_CNY = 0.0133 / 10_000
IDLE_GB_S_CNY = 0.00005471
"""Of a provisioned instance while it does nothing."""
STEP_S = 0.001
"""Time is billed in whole steps of this length."""
FULL_CORE_MB = 1280
"""An instance of this size has about one core, a smaller one its share; a request uses no more than one."""
SIZES_MB = (*range(128, FULL_CORE_MB + 1, 128), 1536, 2048, 3072)
"""Memory comes in steps of 128 MB up to 3072: all sizes that have no more than a core, and some larger ones."""

KEEP_S = 600
"""AN ASSUMPTION: an instance is kept for so long after its last request."""
BUSIEST = 3
"""AN ASSUMPTION: at the busiest time of a week requests come at so many times the week's mean rate."""

MACHINE_CNY = 100.0
"""AN EXAMPLE, nobody's offer: rent of a machine for a month."""
MACHINE_CORES = 2
MAX_UTILISATION = 0.7
"""At the busiest time, of the machines' cores; above it requests begin to wait for each other."""

WEEK_S = 7 * 86_400
MONTH_S = 730 * 3600
RATES = (0.1, 1.0, 10.0, 100.0)
"""Requests per second, the mean of the week."""
MILLION_RATE = 10.0
"""That a million requests come at: the fewer a second, the more of them may have a cold start."""


class Inputs(NamedTuple):
    """What was measured, see `INPUTS`."""

    small_ms: float
    photo_ms: float
    machine_ms: float
    start_cpu_s: float
    start_wall_s: float
    peak_mib: float


INPUTS = {
    "small_ms": ("peers.ours.request_cpu_ms", "CPU ms of a request with a picture of 28×28"),
    "photo_ms": ("servers.photo.no_server.cpu_ms", "CPU ms of a request with a phone's photo of 12 megapixels"),
    "machine_ms": ("servers.photo.ours_16.cpu_ms", "the same on a machine of one's own, HTTP server included"),
    "start_cpu_s": ("sandbox.dropped.cpu_s", "CPU s of a cold start with nothing in the page cache"),
    "start_wall_s": ("sandbox.dropped.wall_s", "s that it takes on a whole core; what is not CPU is the disk"),
    "peak_mib": ("sandbox.warm.peak_mib", "MiB of memory that the function needs for a small picture"),
}
"""Of each input its key in bench/results.json, and what it is."""


class Function(NamedTuple):
    """The function with some memory, and how long it takes there, in seconds."""

    memory_mb: int
    request_s: float
    start_s: float

    def cny(self, requests: float, cold_starts: float = 0.0) -> float:
        """Return the money: billed seconds × GB × price of a GB·s, and the price of the calls.

        Args:
            requests: that are answered.
            cold_starts: whose initialisation is billed. Whether it is, is not documented: none and all are computed.
        """
        seconds = requests * billed_s(self.request_s) + cold_starts * billed_s(self.start_s)
        return seconds * self.memory_mb / 1024 * GB_S_CNY + requests * CALL_CNY

    def max_at_once(self, rate: float) -> float:
        """Return an upper bound of the requests at work at once, for a mean rate of requests per second.

        It is a Poisson number; its mean is the busiest rate × seconds per request, here as if each had a cold start as
        well; and all but never is it more than six standard deviations and two above its mean.
        """
        mean = BUSIEST * rate * (self.start_s + self.request_s)
        return mean + 6 * math.sqrt(mean) + 2

    def max_cold_starts(self, rate: float, seconds: float) -> float:
        """Return an upper bound of the cold starts in some time: `max_at_once` within each KEEP_S, or all requests.

        An instance is started when a request comes and none is free. Those that are started within KEEP_S of each
        other are still there when the last one is, and all at work: so there are no more than requests at once.
        """
        return min(rate * seconds, math.ceil(seconds / KEEP_S) * self.max_at_once(rate))


def read_inputs(results: Results) -> Inputs:
    """Return what was measured.

    Raises:
        MissingFigure: something was not.
    """
    return Inputs(**{name: figure(results, key).value for name, (key, _) in INPUTS.items()})


def configure(inputs: Inputs, cpu_ms: float, memory_mb: int) -> Function:
    """Return the function with some memory: time is CPU over the share of a core, and for a start the disk besides."""
    share = min(1.0, memory_mb / FULL_CORE_MB)
    disk_s = max(0.0, inputs.start_wall_s - inputs.start_cpu_s)
    return Function(memory_mb, cpu_ms / 1000 / share, inputs.start_cpu_s / share + disk_s)


def billed_s(seconds: float) -> float:
    """Return a time as it is billed, in whole steps."""
    return math.ceil(seconds / STEP_S - 1e-9) * STEP_S


def needed_mib(inputs: Inputs) -> float:
    """Return the memory that the function needs, with the largest picture that it decodes."""
    return inputs.peak_mib + Settings().max_decode_bytes / 2**20


def sizes(inputs: Inputs) -> list[int]:
    """Return the sizes in MB that are large enough."""
    return [size for size in SIZES_MB if size >= needed_mib(inputs)]


def best_size(inputs: Inputs, cpu_ms: float) -> int:
    """Return the size in MB at which such requests cost least; of equal ones the larger, because it is faster."""
    return min(sizes(inputs), key=lambda size: (round(configure(inputs, cpu_ms, size).cny(1e6), 6), -size))


def machine_rate(inputs: Inputs) -> float:
    """Return the mean rate, in requests per second, that one machine is enough for: its cores over a request's CPU."""
    return MAX_UTILISATION * MACHINE_CORES / (inputs.machine_ms / 1000) / BUSIEST


def machines(inputs: Inputs, rate: float) -> int:
    """Return how many machines are rented for a mean rate; one at least, as a machine cannot come with a request."""
    return max(1, math.ceil(rate / machine_rate(inputs)))


def rent_cny(count: int, cny_a_month: float) -> float:
    """Return what machines cost for a week; a month has 730 hours."""
    return count * cny_a_month * WEEK_S / MONTH_S


def break_even_rate(function: Function, cny_a_month: float) -> float:
    """Return the mean rate at which the function's requests cost as much as one machine, initialisation not billed."""
    return rent_cny(1, cny_a_month) / function.cny(1) / WEEK_S


def write_page(results: Results, cny_a_month: float = MACHINE_CNY) -> str:
    """Return docs/cost.md.

    Raises:
        MissingFigure: the results lack an input.
    """
    inputs = read_inputs(results)
    photo = configure(inputs, inputs.photo_ms, best_size(inputs, inputs.photo_ms))
    return "\n\n".join(
        (
            "# What it costs",
            "`python -m bench.cost` computes this page from [what was measured](../bench/RESULTS.md) and a price list, "
            "with the formulas in the docstrings of [bench/cost.py](../bench/cost.py). Money is in CNY, without "
            "outbound traffic, the log service and free quotas.",
            "## What it begins with",
            _inputs_table(inputs, cny_a_month),
            "## A million requests",
            _million_table(inputs),
            _by_hand(inputs, photo),
            "## A week of photos, beside a rented machine",
            _week_table(inputs, photo, cny_a_month),
            _break_even(inputs, photo, cny_a_month),
        )
    )


def _inputs_table(inputs: Inputs, cny_a_month: float) -> str:
    rows = [(what, f"{value:.3g}", f"`{key}`") for value, (key, what) in zip(inputs, INPUTS.values(), strict=True)]
    rows += [
        ("CNY for a GB·s of an instance at work", f"{GB_S_CNY:.8f}", "price list"),
        ("CNY for 10 000 calls", f"{CALL_CNY * 10_000:.4f}", "price list"),
        ("CNY for a GB·s of a provisioned instance that is idle", f"{IDLE_GB_S_CNY:.8f}", "price list"),
        ("s that an idle instance is kept", f"{KEEP_S}", "**an assumption**"),
        ("times the mean rate at the busiest time", f"{BUSIEST}", "**an assumption**"),
        (f"CNY a month for a machine of {MACHINE_CORES} cores", f"{cny_a_month:g}", "**an example**: `--machine-cny`"),
    ]
    how = (
        "Keys are those of `bench/results.json`. The price list is Tencent Cloud's of SCF, pay as you go, mainland "
        "China, read in 2026-11: time is billed in steps of 1 ms. CPU follows memory, about a core at "
        f"{FULL_CORE_MB} MB. Whether initialisation is billed is not documented: both are computed."
    )
    return table(("what it is", "figure", "from"), rows, how)


def _million_table(inputs: Inputs) -> str:
    def cells(size: int, cpu_ms: float) -> tuple[str, str, str]:
        function = configure(inputs, cpu_ms, size)
        money = f"{function.cny(1e6):.2f}"
        with_starts = function.cny(1e6, function.max_cold_starts(MILLION_RATE, 1e6 / MILLION_RATE))
        is_best = size == best_size(inputs, cpu_ms)
        return f"{function.request_s * 1000:.3g}", f"**{money}**" if is_best else money, f"{with_starts:.2f}"

    rows = []
    for size in sizes(inputs):
        start_s = configure(inputs, 0, size).start_s
        rows.append((f"{size}", f"{start_s:.2f}", *cells(size, inputs.small_ms), *cells(size, inputs.photo_ms)))
    billed = "initialisation billed, at most"
    columns = ("memory MB", "cold start, s", "small picture, ms", "CNY", billed, "photo, ms", "CNY", billed)
    how = (
        f"Time is CPU over the share of a core. {needed_mib(inputs):.0f} MiB are needed: the function's own and what "
        "the largest picture takes that it decodes. In bold what is cheapest: what more memory costs, more CPU saves, "
        f"up to a core; then a request gets no faster, and only dearer. *At most* is for {MILLION_RATE:g} requests a "
        "second and a generous bound: within the time that idle instances are kept, no more of them are started than "
        "would be at work at once if every request had a cold start."
    )
    return table(columns, rows, how)


def _by_hand(inputs: Inputs, photo: Function) -> str:
    billed_ms = billed_s(photo.request_s) * 1000
    return (
        f"By hand, photos at {photo.memory_mb} MB: {inputs.photo_ms:.3g} ms × {FULL_CORE_MB} / {photo.memory_mb} is "
        f"{billed_ms:.0f} ms, rounded up; {billed_ms / 1000:.3f} s × {photo.memory_mb / 1024:g} GB × {GB_S_CNY:.8f} × "
        f"1 000 000 + {CALL_CNY * 1e6:.2f} = {photo.cny(1e6):.2f} CNY."
    )


def _week_table(inputs: Inputs, photo: Function, cny_a_month: float) -> str:
    rows = []
    for rate in RATES:
        requests, starts, count = rate * WEEK_S, photo.max_cold_starts(rate, WEEK_S), machines(inputs, rate)
        money = (photo.cny(requests), photo.cny(requests, starts), rent_cny(count, cny_a_month))
        function, with_starts, rent = (f"{each:.2f}" for each in money)
        rows.append((f"{rate:g}", f"{requests:,.0f}", function, f"{starts:,.0f}", with_starts, f"{count}", rent))
    columns = ("requests/s, mean", "requests", "function, CNY", "cold starts, at most", "with these billed, CNY")
    how = (
        f"The function has {photo.memory_mb} MB. Machines have {MACHINE_CORES} cores, and there are as many as keep "
        f"below {MAX_UTILISATION:.0%} of their CPU at the busiest time, {BUSIEST} times the mean rate."
    )
    return table((*columns, "machines", "machines, CNY"), rows, how)


def _break_even(inputs: Inputs, photo: Function, cny_a_month: float) -> str:
    rate, idle_cny = break_even_rate(photo, cny_a_month), photo.memory_mb / 1024 * WEEK_S * IDLE_GB_S_CNY
    return (
        f"**Break-even.** For one machine's rent the function reads {rate * WEEK_S:,.0f} photos a week, {rate:.1f} a "
        f"second on average; one machine is enough for {machine_rate(inputs):.1f}. With nothing to answer the function "
        f"costs nothing, and a machine its rent. An instance that is provisioned, so that nobody waits for its cold "
        f"start, costs {idle_cny:.2f} CNY a week before it answers anything."
    )


def main(arguments: list[str] | None = None) -> int:
    """Write the page, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.cost", description="Compute docs/cost.md.")
    parser.add_argument("--machine-cny", type=float, default=MACHINE_CNY, help="rent for a month (%(default)s)")
    parser.add_argument("--output", type=Path, default=PAGE, help="(%(default)s)")
    options = parser.parse_args(arguments)
    try:
        page = write_page(load(), options.machine_cny)
    except MissingFigure as error:
        print(f"{error}: measure it with `python -m bench` first", file=sys.stderr)
        return 1
    options.output.write_text(page + "\n", encoding="utf-8")
    print(f"{options.output} is written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
