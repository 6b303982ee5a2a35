"""What was kept, and why, as text."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from relink.elf import RelinkError
from relink.linker import Analysis


def summary(analysis: Analysis) -> Iterator[str]:
    """Yield a line for each library, and one for the initialisers."""
    graph, kept = analysis.graph, analysis.reached.kept
    size = graph.nodes.end - graph.nodes.start
    is_function = graph.is_executable() & (graph.nodes.symbol >= 0)
    for i, library in enumerate(graph.libraries):
        own = is_function & (graph.library == i)
        counts, bytes_ = ([int(x) for x in (of[own & kept].sum(), of[own].sum())] for of in (is_function, size))
        yield (
            f"{library.path.name}: {counts[0]} of {counts[1]} functions are kept, "
            f"{bytes_[0] / 1e6:.1f} of {bytes_[1] / 1e6:.1f} MB"
        )
    running = sum(bool(kept[unit.slot]) for unit in analysis.units)
    yield f"{running} of {len(analysis.units)} initialisers run when they are loaded"


def by_unit(analysis: Analysis) -> Iterator[str]:
    """Yield a line for each initialiser that is kept, with its reason, and the largest functions."""
    graph, reached = analysis.graph, analysis.reached
    for unit in analysis.units:
        if reached.kept[unit.slot]:
            filled = int(reached.parent[unit.slot])
            what = f", {graph.name(filled)}" if filled >= 0 else ""
            yield f"{unit.source_file}: {reached.reasons[unit.slot]}{what}"
    size = np.where(reached.kept & graph.is_executable(), graph.nodes.end - graph.nodes.start, 0)
    yield "the largest functions:"
    for row in np.argsort(-size)[:40].tolist():
        yield f"{int(size[row]):9} bytes  {graph.name(row)}"


def explain(analysis: Analysis, symbol: str) -> Iterator[str]:
    """Yield by which chain of references a symbol is kept, from it up to a root.

    Raises:
        RelinkError: there is no such symbol.
    """
    graph, reached = analysis.graph, analysis.reached
    named = np.flatnonzero(graph.nodes.symbol >= 0).tolist()
    rows = [row for row in named if graph.name(row) == symbol]
    if not rows:
        raise RelinkError(f"no library has a symbol {symbol}")
    for row in rows:
        if not reached.kept[row]:
            yield f"{symbol} is dropped"
            continue
        chain = reached.chain(row)
        yield from (graph.name(part) for part in chain)
        yield f"    which {reached.reasons[chain[-1]]}"
