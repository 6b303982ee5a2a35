"""RESULTS.md: a section for each suite, replaced one at a time, and read by what computes from it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"

_PREAMBLE = (
    "# Results of `make bench`\n\n"
    "Each section is written by its own run, `python -m bench --only SUITE`, and says when, on which machine, with "
    "which versions and at which commit; none is edited by hand."
)
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


class MissingFigure(Exception):
    """No section has the figure that is asked for."""


def replace_section(section: str, titles: Sequence[str], path: Path = RESULTS) -> None:
    """Put a section in the place of the one with the same title, and leave the others as they are.

    Args:
        section: Markdown that begins with a heading of the second level.
        titles: of all sections that there may be, in their order; others are dropped, as no suite writes them any more.
        path: of the file.
    """
    sections = read_sections(path) | split_sections(section)
    kept = [sections[title].strip() for title in titles if title in sections]
    path.write_text("\n\n".join((_PREAMBLE, *kept)) + "\n", encoding="utf-8")


def read_sections(path: Path = RESULTS) -> dict[str, str]:
    """Return the sections of a file by their titles; none where there is no file."""
    return split_sections(path.read_text(encoding="utf-8")) if path.exists() else {}


def split_sections(text: str) -> dict[str, str]:
    """Return the sections of a Markdown text by their titles, headings included."""
    headings = list(_HEADING.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    return {heading[1]: text[heading.start() : end] for heading, end in zip(headings, ends, strict=True)}


def figure(sections: Mapping[str, str], title: str, row: str, column: str, part: str = "") -> float:
    """Return a number from the first table of a section that has both the row and the column.

    Args:
        sections: by their titles.
        title: of the section.
        row: what its first cell says.
        column: what the column's head says.
        part: heading of the third level, after which the table comes.

    Raises:
        MissingFigure: there is no such section, table, row or column, or no number in the cell.
    """
    for table in _tables(sections.get(title, "").partition(f"### {part}\n" if part else "## ")[2]):
        if column not in table[0]:
            continue
        for cells in table[1:]:
            if cells[0] == row:
                return _number(cells[table[0].index(column)], f"{title}: {row}, {column}")
    raise MissingFigure(f"{title}: no table has the row {row!r} and the column {column!r}")


def _tables(text: str) -> Iterator[list[list[str]]]:
    for block in re.findall(r"(?:^\|.*\|\n?)+", text, re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in block.strip().splitlines()]
        yield [rows[0], *rows[2:]]


def _number(cell: str, where: str) -> float:
    try:
        return float(cell.strip("*").replace(" ", ""))
    except ValueError:
        raise MissingFigure(f"{where}: {cell!r} is no number") from None
