"""What a week costs: laws that hold whatever the prices and the figures are."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.cost import prices
from bench.cost.__main__ import main
from bench.cost.events import simulate_function, simulate_machine
from bench.cost.expected import expect_function, expect_machine
from bench.cost.money import Function, Outcome, bill, billed_s, configure, rent

PHOTO = Function(memory_mb=512, request_s=0.15, start_s=1.2, keep_s=600)
BUSY = Function(memory_mb=512, request_s=2.0, start_s=1.2, keep_s=120)
NAMED = {
    "small-ms": 0.6,
    "photo-ms": 60,
    "start-cpu-s": 0.4,
    "start-disk-s": 0.3,
    "peak-mib": 230,
    "server-photo-ms": 65,
}


def run_program(output: Path, *options: str) -> int:
    named = [f"--{name}={value}" for name, value in NAMED.items()]
    return main([*named, "--peak=0.05", "--check-days=1", "--output", str(output), *options])


def cells(page: str, row: str) -> list[str]:
    (line,) = (line for line in page.splitlines() if line.startswith(f"| {row} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_program_writes_the_page_of_a_small_week(tmp_path: Path) -> None:
    assert run_program(tmp_path / "cost.md", "--peaks", "0", "0.05") == 0
    page = (tmp_path / "cost.md").read_text()
    assert (tmp_path / "cost.png").stat().st_size > 1000
    nothing, some = cells(page, "0"), cells(page, "0.05")
    assert nothing[1] == "0"
    assert nothing[7] == "0.00 (0.00)"
    assert float(some[7].split()[0]) > 0
    assert cells(page, "0/s")[-1] == cells(page, "0.05/s")[-1] == f"{rent(1, prices.MACHINE_CNY_PER_MONTH, 7):.2f}"
    assert "too small" in cells(page, "128")


def test_the_program_names_a_figure_that_was_not_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bench.cost.inputs.read_sections", lambda _: {})
    assert main(["--output", str(tmp_path / "cost.md")]) == 1
    assert "Peers as functions" in capsys.readouterr().err
    assert not (tmp_path / "cost.md").exists()


@pytest.mark.parametrize("function", [pytest.param(PHOTO, id="photo"), pytest.param(BUSY, id="busy")])
@pytest.mark.parametrize("peak", [0.0, 0.01, 0.1])
def test_every_request_is_answered_and_the_parts_are_the_money(function: Function, peak: float) -> None:
    for outcome in (simulate_function(function, peak, days=2), expect_function(function, peak, days=2)):
        assert outcome.answered == outcome.requests
        assert outcome.cold_starts <= outcome.requests
        money = bill(function, outcome)
        assert money.total == pytest.approx(sum(money))
        assert money.total - money.without_initialisation == pytest.approx(money.initialisation)
        assert money.run == pytest.approx(outcome.requests * function.request_s * 0.5 * prices.RUN.cny)
        assert (money.total == 0) == (peak == 0)


@pytest.mark.parametrize(
    ("function", "peak", "days"),
    [
        pytest.param(PHOTO, 0.01, 14, id="a photo now and then"),
        pytest.param(PHOTO, 0.2, 3, id="photos"),
        pytest.param(BUSY, 0.2, 3, id="many at a time"),
        pytest.param(replace(PHOTO, keep_s=60), 0.1, 3, id="hardly kept"),
    ],
)
def test_the_computation_agrees_with_the_simulation(function: Function, peak: float, days: float) -> None:
    simulated, computed = simulate_function(function, peak, days), expect_function(function, peak, days)
    assert computed.requests == pytest.approx(simulated.requests, rel=0.05)
    assert computed.cold_starts == pytest.approx(simulated.cold_starts, rel=0.2)
    assert computed.instances_mean == pytest.approx(simulated.instances_mean, rel=0.05)
    assert computed.p99_wait_s == simulated.p99_wait_s


def test_ten_thousand_requests_a_second_keep_as_many_instances_as_are_at_work_and_few_more() -> None:
    outcome = expect_function(replace(PHOTO, request_s=0.01), 10_000)
    assert 100 < outcome.instances_max < 100 + 6 * 100**0.5
    assert outcome.cold_starts < outcome.requests / 100_000


def test_provisioned_instances_take_cold_starts_away_and_are_paid_while_idle() -> None:
    without, some, many = (expect_function(replace(BUSY, provisioned=n), 0.3, days=1) for n in (0, 1, 50))
    assert without.cold_starts > some.cold_starts > many.cold_starts
    assert many.cold_starts == pytest.approx(0, abs=1e-6)
    assert many.instances_mean == pytest.approx(50)
    at_work_s = many.requests * BUSY.request_s
    assert many.provisioned_idle_s == pytest.approx(50 * 86_400 - at_work_s)
    assert 0 < 86_400 - some.provisioned_idle_s < at_work_s
    money = bill(replace(BUSY, provisioned=50), many)
    assert money.total == pytest.approx(sum(money))
    assert money.idle == pytest.approx(many.provisioned_idle_s * 0.5 * prices.IDLE.cny)


def test_provisioned_instances_cost_money_also_where_nothing_comes() -> None:
    idle = replace(PHOTO, provisioned=2)
    assert bill(idle, expect_function(idle, 0.0)).idle == pytest.approx(2 * 7 * 86_400 * 0.5 * prices.IDLE.cny)


def test_waiting_at_a_machine_is_at_most_what_is_computed() -> None:
    simulated, computed = simulate_machine(2, 5.0, 0.28, days=1), expect_machine(2, 5.0, 0.28, days=1)
    assert simulated.answered == simulated.requests
    assert 0 < simulated.p99_wait_s <= computed.p99_wait_s
    assert simulate_machine(100, 5.0, 0.28, days=1).p99_wait_s == 0


def test_a_machine_with_too_much_to_do_never_ends() -> None:
    assert expect_machine(2, 1.0, 3.0).p99_wait_s == float("inf")


def test_the_week_is_seven_days() -> None:
    one, week = (bill(PHOTO, expect_function(PHOTO, 1.0, days)) for days in (1, 7))
    assert week.total == pytest.approx(7 * one.total)
    assert rent(1, prices.HOURS_PER_MONTH, 7) == 7 * 24


@pytest.mark.parametrize(("seconds", "billed"), [(0.0006, 0.001), (0.15, 0.15), (0.1501, 0.151), (0.0, 0.0)])
def test_time_is_billed_in_whole_milliseconds(seconds: float, billed: float) -> None:
    assert billed_s(seconds) == pytest.approx(billed)


def test_less_memory_is_slower_and_more_than_a_core_is_no_faster() -> None:
    small, core, large = (configure(memory, 60, 0.4, 0.3, 600) for memory in (640, 1280, 2560))
    assert small.request_s == pytest.approx(0.12)
    assert small.start_s == pytest.approx(0.3 + 0.8)
    assert core.request_s == large.request_s == pytest.approx(0.06)


def test_money_follows_the_price_list() -> None:
    outcome = Outcome(1, 10_000, 10_000, 10, 1, 1, 0)
    money = bill(Function(memory_mb=1024, request_s=0.0995, start_s=0.9999, keep_s=600), outcome)
    assert money == pytest.approx((1000 * 0.00011108, 0.0133, 0.0, 10 * 0.00011108))
