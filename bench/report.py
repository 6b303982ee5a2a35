"""What every suite reports with: progress, tables of figures, and targets."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.results import UNITS
from testbed.tables import table

LEAD = 0.95
"""Below this times our figure another one is ahead; nearer, it is noise."""

Figures = Mapping[str, Any]
"""What was measured of one thing, by name: numbers, texts, and further figures."""

_WORDS = {"cpu": "CPU", **UNITS}
_MORE_IS_BETTER = ("rate",)


def figures_table(
    head: str,
    rows: Mapping[str, Figures],
    columns: Sequence[str],
    how: str = "",
    against: Mapping[str, Figures] | None = None,
) -> str:
    """Return a table of figures; what is ahead of ours is bold, and what was not measured a dash.

    Args:
        head: of the first column.
        rows: figures by the title of their row.
        columns: names of figures, each with a format behind a colon, where it is not `.0f`.
        how: a line below the table that says how it was measured.
        against: by the title of a row, ours that it is compared with.
    """
    pairs = [(name, spec or ".0f") for name, _, spec in (column.partition(":") for column in columns)]
    cells = [
        (title, *(_cell(name, spec, figures, (against or {}).get(title)) for name, spec in pairs))
        for title, figures in rows.items()
    ]
    return table((head, *(in_words(name) for name, _ in pairs)), cells, how)


def in_words(name: str) -> str:
    """Return the name of a figure as a table's head has it: `peak_mib` is peak MiB."""
    return " ".join(_WORDS.get(word, word) for word in name.split("_"))


def _cell(name: str, spec: str, figures: Figures, ours: Figures | None) -> str:
    value = figures.get(name)
    if not isinstance(value, int | float):
        return value or "–"
    text = f"{value:{spec}}"
    if not ours:
        return text
    is_ahead = value * LEAD > ours[name] if name in _MORE_IS_BETTER else value < LEAD * ours[name]
    return f"**{text}**" if is_ahead else text


def progress(line: str) -> None:
    """Tell whoever waits what is being done."""
    print(line, flush=True)


Target = tuple[str, float, float, str]
"""A figure that the project promises: in words, as it was measured, at most, and the unit to write behind both."""


def targets_table(targets: Iterable[Target]) -> str:
    """Return the table of a suite's targets."""
    rows = (
        (what, f"{value:.2f}{unit}", f"at most {limit:g}{unit}", "met" if value <= limit else "**missed**")
        for what, value, limit, unit in targets
    )
    return table(("target", "measured", "wanted", ""), rows)
