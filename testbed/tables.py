"""Tables of figures, in markdown."""

from collections.abc import Iterable, Sequence

MB = 10**6


def table(header: Sequence[str], rows: Iterable[Sequence[str]], how: str = "") -> str:
    """Return a markdown table: its first column is text, the others are figures.

    Args:
        header: one text per column.
        rows: as many texts each.
        how: a line below the table that says how it was measured.
    """
    rule = ["---", *["---:"] * (len(header) - 1)]
    lines = [f"| {' | '.join(cells)} |" for cells in (header, rule, *rows)]
    return "\n".join(lines) + (f"\n\n{how}" if how else "")
