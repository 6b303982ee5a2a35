"""The benchmark's figures: kept as data, found by key, rendered as a page."""

from pathlib import Path
from typing import Any

import pytest

from bench import circumstances
from bench.__main__ import PAGE, SUITES, render
from bench.results import UNITS, Figure, MissingFigure, figure, load, replace

NAMES = ("pixels", "guards", "servers")
TREE = {
    "ours": {"start_s": 0.123456789, "runs": 3, "runtime": "C library", "is_capped": True},
    "kinds": [{"name": "chalk", "share": 0.25}],
}
RESULTS = {"servers": {"figures": TREE}}


def part(value: float) -> dict[str, Any]:
    return {"circumstances": {"model": "9"}, "figures": {"ours": {"cpu_ms": value}}}


def test_a_suite_takes_the_place_of_its_own_figures_and_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    for suite, value in (("servers", 1.0), ("pixels", 2.0), ("servers", 3.0)):
        replace(suite, part(value), NAMES, path)
    assert load(path) == {"pixels": part(2.0), "servers": part(3.0)}
    assert list(load(path)) == ["pixels", "servers"]


def test_what_no_suite_writes_any_more_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    replace("agreement", part(1.0), ("agreement",), path)
    replace("servers", part(2.0), NAMES, path)
    assert list(load(path)) == ["servers"]


def test_the_file_has_a_line_for_each_figure_so_that_a_difference_can_be_read(tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    replace("pixels", {"figures": {"a_ms": 1 / 3, "b_ms": 2.0}}, NAMES, first)
    replace("pixels", {"figures": {"a_ms": 2 / 3, "b_ms": 2.0}}, NAMES, second)
    lines = [path.read_text().splitlines() for path in (first, second)]
    changed = [pair for pair in zip(*lines, strict=True) if pair[0] != pair[1]]
    assert changed == [('   "a_ms": 0.333333,', '   "a_ms": 0.666667,')]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param("servers.ours.start_s", Figure(0.123456789, "s", "servers"), id="in seconds"),
        pytest.param("servers.ours.runs", Figure(3, "", "servers"), id="a count"),
        pytest.param("servers.kinds.chalk.share", Figure(0.25, "", "servers"), id="of a list, by its name"),
    ],
)
def test_a_figure_is_found_by_its_key(key: str, expected: Figure) -> None:
    assert figure(RESULTS, key) == expected


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("pixels.ours.start_s", id="no such suite"),
        pytest.param("servers.theirs.start_s", id="no such group"),
        pytest.param("servers.ours.stop_s", id="no such name"),
        pytest.param("servers.kinds.photo.share", id="no such name in a list"),
        pytest.param("servers.ours.runtime", id="a text"),
        pytest.param("servers.ours.is_capped", id="a truth value"),
        pytest.param("servers.ours", id="a group"),
        pytest.param("servers.ours.start_s.more", id="below a number"),
        pytest.param("servers", id="a suite"),
    ],
)
def test_a_figure_that_is_not_there_is_named(key: str) -> None:
    with pytest.raises(MissingFigure, match=key):
        figure(RESULTS, key)


@pytest.mark.parametrize(
    "key",
    [
        *("peers.ours.start_warm_cpu_s", "peers.litert.request_after_p50_ms", "peers.ours.request_cpu_ms"),
        *("sandbox.dropped.wall_s", "sandbox.warm.peak_mib", "sandbox.zip.all.zipped_mb"),
        *("servers.photo.no_server.cpu_ms", "servers.photo.ours_16.cpu_ms", "costly.formats.png.added_mb"),
        *("crowd.costly.worst_ms", "guards.url.difference_us", "pixels.photo.cpu_ms"),
    ],
)
def test_every_suite_has_written_its_figures(key: str) -> None:
    assert figure(load(), key).unit in UNITS.values()


@pytest.mark.train
def test_the_page_is_what_the_figures_render_to() -> None:
    assert list(load()) == list(SUITES)
    assert PAGE.read_text(encoding="utf-8") == render(load())


@pytest.fixture
def today() -> dict[str, Any]:
    return circumstances.measure(of_zip=False)


def test_what_is_measured_today_is_not_old(today: dict[str, Any]) -> None:
    assert circumstances.find_old(today) == []
    assert "Old" not in circumstances.describe(today)


@pytest.mark.parametrize(
    ("changed", "old"),
    [
        pytest.param({"model": "1"}, ["model 1"], id="model"),
        pytest.param({"packages": {"numpy": "1.0"}}, ["numpy 1.0"], id="package"),
        pytest.param({"date": "2020-01-01", "commit": "1234567", "machine": "slow"}, [], id="neither"),
    ],
)
def test_figures_of_another_model_or_library_are_old_whatever_their_date(
    changed: dict[str, Any], old: list[str], today: dict[str, Any]
) -> None:
    measured = today | changed
    assert circumstances.find_old(measured) == old
    assert circumstances.describe(measured).endswith("another is committed.**") == bool(old)
