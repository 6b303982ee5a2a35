"""Figures in pages: behind a number stands its key in a comment, `62<!-- peers.ours.zipped_mb --> MB`.

In a table the two heads of a cell may have a comment each, of which one is a key with a `*` and the other is put in
its place.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.results import Results, figure, load
from mnist_infer.config import ROOT

CARD = ROOT / "export" / "card" / "figures.json"
PAGES = ("README.md", "README.zh-CN.md", "SECURITY.md", "docs/*.md")

NUMBER = re.compile(r"\d+(?:\.\d+)?")
_KEY = re.compile(r"<!-- (\S+) -->")
_IN_TEXT = re.compile(rf"({NUMBER.pattern})<!-- ([^\s*.]+\.[^\s*]+) -->(\s?(?:%|[^\W\d_]*))")
_TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)
_CELL = re.compile(r"(?<=\|)[^|\n]*(?=\|)")


class Shown(NamedTuple):
    """A number on a page that has a key.

    Attributes:
        start, end: where it stands.
        key: of the figure.
        around: where its unit is: what follows, and in a table its cell and the heads.
    """

    start: int
    end: int
    key: str
    around: str


def find_pages() -> list[Path]:
    """Return the pages that may show figures."""
    return [path for pattern in PAGES for path in sorted(ROOT.glob(pattern))]


def sources() -> Results:
    """Return what the suites measured and, under `card`, what the model card tells."""
    card = json.loads(CARD.read_text(encoding="utf-8"))
    return {**load(), "card": {"circumstances": {"model": card["model"]["version"]}, "figures": card}}


def fill(text: str, results: Results) -> str:
    """Return a page with every number that has a key as it was measured, to as many digits as it shows.

    Raises:
        MissingFigure: there is no figure with such a key.
    """
    for each in sorted(shown(text), reverse=True):
        value, unit, _ = figure(results, each.key)
        if "%" in each.around and unit != "%":  # a share
            value *= 100
        digits = len(text[each.start : each.end].partition(".")[2])
        text = f"{text[: each.start]}{value:.{digits}f}{text[each.end :]}"
    return text


def shown(text: str) -> Iterator[Shown]:
    """Yield the numbers of a page that have a key."""
    for found in _IN_TEXT.finditer(text):
        yield Shown(*found.span(1), found[2], found[3])
    for table in _TABLE.finditer(text):
        yield from _in_table(text, *table.span())


def _in_table(text: str, start: int, end: int) -> Iterator[Shown]:
    lines = re.compile(r"\|.*\n").finditer(text, start, end)
    heads, _, *rows = ([*_CELL.finditer(text, *line.span())] for line in lines)
    for first, *cells in rows:
        for head, cell in zip(heads[1:], cells, strict=True):
            keys, number = [_KEY.search(each[0]) for each in (first, head)], NUMBER.search(cell[0])
            if number and keys[0] and keys[1] and not _KEY.search(cell[0]):
                pattern, name = sorted((keys[0][1], keys[1][1]), key=lambda key: "*" not in key)
                at = cell.start() + number.start()
                around = " ".join((first[0], head[0], cell[0]))
                yield Shown(at, at + len(number[0]), pattern.replace("*", name), around)
