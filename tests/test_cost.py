"""What the function costs: laws that hold whatever the prices and the figures are."""

import heapq
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import cost
from bench.cost import BUSIEST, GB_S_CNY, INPUTS, KEEP_S, WEEK_S, Function, Inputs
from bench.results import MissingFigure, load

PHOTO = Function(memory_mb=512, request_s=0.15, start_s=1.2)
SLOW = Function(memory_mb=512, request_s=4.0, start_s=1.2)
MEASURED = Inputs(small_ms=0.6, photo_ms=60, machine_ms=65, start_cpu_s=0.4, start_wall_s=0.7, peak_mib=230)


def results(without: str = "") -> dict[str, Any]:
    """Return what the suites would have written, but for one key."""
    tree: dict[str, Any] = {}
    for value, (key, _) in zip(MEASURED, INPUTS.values(), strict=True):
        suite, *names, last = key.split(".")
        node = tree.setdefault(suite, {"figures": {}})["figures"]
        for name in names:
            node = node.setdefault(name, {})
        if key != without:
            node[last] = value
    return tree


def test_the_page_is_what_the_results_are_rendered_to() -> None:
    assert cost.PAGE.read_text(encoding="utf-8") == cost.write_page(load()) + "\n"


def test_the_program_writes_the_page_for_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "load", results)
    assert cost.main(["--machine-cny", "73", "--output", str(tmp_path / "cost.md")]) == 0
    page = (tmp_path / "cost.md").read_text()
    assert page == cost.write_page(results(), 73) + "\n"
    week = [line.split("|")[1:-1] for line in page.splitlines() if line.startswith("| 0.1 |")]
    assert week[0][-1].strip() == f"{7 * 24 * 73 / 730:.2f}"


@pytest.mark.parametrize("key", [key for key, _ in INPUTS.values()])
def test_a_figure_that_was_not_measured_is_named(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(MissingFigure, match=key):
        cost.write_page(results(without=key))
    monkeypatch.setattr(cost, "load", lambda: results(without=key))
    assert cost.main(["--output", str(tmp_path / "cost.md")]) == 1
    assert key in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_money_follows_the_price_list_and_adds_up() -> None:
    function = Function(memory_mb=1024, request_s=0.0995, start_s=0.9999)
    assert function.cny(10_000) == pytest.approx(1000 * GB_S_CNY + 0.0133)
    assert function.cny(10_000, 10) == pytest.approx(function.cny(10_000) + 10 * GB_S_CNY)
    assert function.cny(20_000, 20) == pytest.approx(2 * function.cny(10_000, 10))
    assert function.cny(0) == 0


@pytest.mark.parametrize(("seconds", "billed"), [(0.0006, 0.001), (0.15, 0.15), (0.1501, 0.151), (0.0, 0.0)])
def test_time_is_billed_in_whole_milliseconds(seconds: float, billed: float) -> None:
    assert cost.billed_s(seconds) == pytest.approx(billed)


def test_less_memory_is_slower_and_more_than_a_core_is_no_faster() -> None:
    small, core, large = (cost.configure(MEASURED, 60, size) for size in (640, 1280, 2560))
    assert small == pytest.approx((640, 0.12, 0.8 + 0.3))
    assert core[1:] == large[1:] == pytest.approx((0.06, 0.4 + 0.3))


@pytest.mark.parametrize("cpu_ms", [0.6, 27.2, 60])
def test_no_size_is_cheaper_than_the_best_and_none_is_too_small(cpu_ms: float) -> None:
    costs = {size: cost.configure(MEASURED, cpu_ms, size).cny(1e6) for size in cost.sizes(MEASURED)}
    best = cost.best_size(MEASURED, cpu_ms)
    assert costs[best] == pytest.approx(min(costs.values()))
    assert all(costs[size] > costs[best] for size in costs if size > best)
    assert min(costs) == 384  # 230 MiB, and 122 for the largest picture


def simulate(function: Function, rate: float, seconds: float) -> tuple[int, int]:
    """Return cold starts and the most requests at once, where all come in a part of each hour, one by one."""
    random, part_s = np.random.default_rng(1), 3600 / BUSIEST
    came, cold, most, idle, busy = 0.0, 0, 0, list[float](), list[float]()
    while (came := came + random.exponential(1 / rate / BUSIEST)) < seconds / BUSIEST:
        now = came + came // part_s * (3600 - part_s)
        while busy and busy[0] <= now:
            idle.append(heapq.heappop(busy))  # the one used last on top
        idle = [since for since in idle if since + KEEP_S > now]
        if idle:
            idle.pop()
        else:
            cold, now = cold + 1, now + function.start_s
        heapq.heappush(busy, now + function.request_s)
        most = max(most, len(busy))
    return cold, most


@pytest.mark.parametrize("function", [pytest.param(PHOTO, id="photo"), pytest.param(SLOW, id="slow")])
@pytest.mark.parametrize("rate", [0.0001, 0.01, 0.1, 1.0])
def test_there_are_no_more_cold_starts_than_the_bound_says(function: Function, rate: float) -> None:
    cold, most = simulate(function, rate, 86_400)
    assert 0 < most <= function.max_at_once(rate)
    assert 0 < cold <= function.max_cold_starts(rate, 86_400) <= rate * 86_400


def test_at_the_break_even_the_function_costs_as_much_as_one_machine() -> None:
    rate = cost.break_even_rate(PHOTO, 73)
    assert PHOTO.cny(rate * WEEK_S) == pytest.approx(cost.rent_cny(1, 73)) == pytest.approx(7 * 24 * 73 / 730)


def test_as_many_machines_are_rented_as_the_busiest_time_needs() -> None:
    rate = cost.machine_rate(MEASURED)
    assert rate * BUSIEST * 0.065 == pytest.approx(cost.MAX_UTILISATION * cost.MACHINE_CORES)
    assert [cost.machines(MEASURED, rate * times) for times in (0, 0.999, 1.001, 9.5)] == [1, 1, 2, 10]
