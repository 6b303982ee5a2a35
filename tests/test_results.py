"""RESULTS.md by sections."""

from pathlib import Path

import pytest

from bench.results import MissingFigure, figure, read_sections, replace_section

TITLES = ("Pixels", "Guards", "Servers")
TABLE = "|  | ms | runs |\n| --- | ---: | ---: |\n| this | **1.50** | 10 000 |\n| that | – | 3 |\n"


def test_a_section_takes_the_place_of_its_own_and_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    for text in ("## Servers\n\nfirst\n", "## Pixels\n\nkept\n\n### part\n\nof it\n", "## Servers\n\nsecond\n"):
        replace_section(text, TITLES, path)
    sections = read_sections(path)
    assert list(sections) == ["Pixels", "Servers"]
    assert sections["Pixels"].strip() == "## Pixels\n\nkept\n\n### part\n\nof it"
    assert sections["Servers"].strip() == "## Servers\n\nsecond"


def test_a_section_that_no_suite_writes_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    path.write_text("# Results\n\n## Agreement\n\nold\n\n## Pixels\n\nkept\n")
    replace_section("## Servers\n\nnew", TITLES, path)
    assert list(read_sections(path)) == ["Pixels", "Servers"]


def test_a_figure_is_found_by_row_and_column() -> None:
    sections = {"Servers": f"## Servers\n\n| other |\n| --- |\n| this |\n\ntext\n\n{TABLE}\n### photo\n\n{TABLE}"}
    assert figure(sections, "Servers", "this", "ms") == 1.5
    assert figure(sections, "Servers", "this", "runs") == 10_000
    assert figure(sections, "Servers", "that", "runs", "photo") == 3


@pytest.mark.parametrize(
    ("title", "row", "column", "part"),
    [
        pytest.param("Pixels", "this", "ms", "", id="no such section"),
        pytest.param("Servers", "those", "ms", "", id="no such row"),
        pytest.param("Servers", "this", "s", "", id="no such column"),
        pytest.param("Servers", "that", "ms", "", id="no number"),
        pytest.param("Servers", "this", "ms", "photo", id="no such part"),
    ],
)
def test_a_figure_that_is_not_there_is_named(title: str, row: str, column: str, part: str) -> None:
    with pytest.raises(MissingFigure, match=title):
        figure({"Servers": f"## Servers\n\n{TABLE}"}, title, row, column, part)
