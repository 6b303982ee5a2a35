"""The figures in the pages: each is one that was measured, rounded."""

import re
from pathlib import Path

import pytest

from bench.circumstances import find_old
from bench.pages import fill, find_pages, shown, sources
from bench.results import MissingFigure, figure
from mnist_infer.config import ROOT
from tests.pages import READMES, read, without_comments

SOURCES = sources()
PAGES = [page for page in find_pages() if any(shown(read(page)))]

FACTS = {
    "500 MB": "the platform's limit",
    "10 % of the traffic": "what the command asks for",
    "10% 的流量": "what the command asks for",
}
"""Numbers with a unit in the READMEs that nobody measured."""

_UNIT = r"(?:MB|MiB|GB|GiB|KiB|µs|ms|s|seconds|times|percent|%|毫秒|秒|倍)(?![A-Za-z])"
_WITH_UNIT = re.compile(rf"(?<![\w.])\d[\d ]*(?:\.\d+)?\s?{_UNIT}")
_BARE_CELL = re.compile(r"(?<=\|)\s*\**\d[\d ]*(?:\.\d+)?\**\s*(?=\|)")

WORDS = {"s": r"(?<![\w'])s(?!\w)|(?<!毫)秒", "ms": r"\bms\b|毫秒", "times": "times|倍"}


def test_both_readmes_and_the_tables_of_other_pages_name_their_sources() -> None:
    expected = {*READMES, ROOT / "SECURITY.md", ROOT / "docs" / "zip.md"}
    assert expected <= set(PAGES)
    assert all(len(list(shown(read(page)))) >= 12 for page in expected)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_figure_of_a_page_is_what_was_measured_rounded(page: Path) -> None:
    assert read(page) == fill(read(page), SOURCES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_figure_that_differs_in_its_last_digit_is_found(page: Path) -> None:
    text = read(page)
    for each in shown(text):
        last = each.end - 1
        changed = f"{text[:last]}{(int(text[last]) + 1) % 10}{text[each.end :]}"
        assert fill(changed, SOURCES) != changed, each


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_figure_of_a_page_stands_beside_its_unit(page: Path) -> None:
    for each in shown(read(page)):
        unit = figure(SOURCES, each.key).unit
        assert re.search(WORDS.get(unit, re.escape(unit)), without_comments(each.around)), each


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_every_figure_of_a_readme_is_of_the_model_and_the_libraries_that_are_committed(readme: Path) -> None:
    suites = {figure(SOURCES, each.key).suite for each in shown(read(readme))}
    assert {suite: find_old(SOURCES[suite]["circumstances"]) for suite in suites} == {suite: [] for suite in suites}


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_every_number_with_a_unit_in_a_readme_has_a_source_or_is_a_fact(readme: Path) -> None:
    assert unsourced(read(readme)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("It takes 1.5 s.", ["1.5 s"], id="in a sentence"),
        pytest.param("需要 30 毫秒。", ["30 毫秒"], id="in Chinese"),
        pytest.param("98% are read", ["98%"], id="a share"),
        pytest.param("| a | 12 |\n|---|---:|\n| b | 0.5 |\n", ["12", "0.5"], id="in a table"),
        pytest.param("It takes 1.5<!-- sandbox.warm.cpu_s --> s, of 500 MB, in Python 3.10.", [], id="with a key"),
        pytest.param("```console\n$ make  # 5 s\n```\n", [], id="in code"),
    ],
)
def test_a_number_without_a_source_is_found(text: str, expected: list[str]) -> None:
    assert unsourced(text) == expected


def unsourced(text: str) -> list[str]:
    """Return the numbers of a page that look measured and have neither a key nor a place among the facts."""
    for each in sorted(shown(text), reverse=True):
        text = text[: each.start] + text[each.end :]
    text = without_comments(re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    for fact in FACTS:
        text = text.replace(fact, "")
    return [found.strip(" *") for found in _WITH_UNIT.findall(text) + _BARE_CELL.findall(text)]


RESULTS = {
    "zip": {"figures": {"ours": {"size_mb": 61.96, "cpu_s": 0.1551}, "theirs": {"size_mb": 0.5, "share": 0.2155}}}
}
TABLE = """\
| what | ours<!-- ours --> | theirs 3.1<!-- theirs --> |
|---|---:|---:|
| 10^6<!-- zip.*.size_mb --> | 1.0 | **2.00** |
| a word | 3 | 4 |
"""


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        pytest.param("9<!-- zip.ours.size_mb --> MB", "62<!-- zip.ours.size_mb --> MB", id="as a whole number"),
        pytest.param("9.00<!-- zip.ours.cpu_s --> s", "0.16<!-- zip.ours.cpu_s --> s", id="to its digits"),
        pytest.param("9.9<!-- zip.theirs.share -->%", "21.6<!-- zip.theirs.share -->%", id="as percent"),
        pytest.param("9 MB, 8 s", "9 MB, 8 s", id="without a key"),
        pytest.param(TABLE, TABLE.replace("1.0", "62.0").replace("2.00", "0.50"), id="by the heads of a table"),
    ],
)
def test_a_page_is_filled_with_what_was_measured(text: str, filled: str) -> None:
    assert fill(text, RESULTS) == filled


def test_a_key_that_nothing_has_is_refused() -> None:
    with pytest.raises(MissingFigure, match=r"zip\.ours\.size_s"):
        fill("9<!-- zip.ours.size_s --> s", RESULTS)


def test_a_number_in_a_table_is_found_where_it_stands() -> None:
    assert [TABLE[each.start : each.end] for each in shown(TABLE)] == ["1.0", "2.00"]
