"""What is kept: everything that the roots lead to, and every initialiser of something that is kept.

The rule that makes dropping sound is the second half. An initialiser runs when the library is loaded
and fills objects that code finds filled ever after. So one that is not wanted for what it registers is
kept all the same as soon as anything kept refers to an object that it fills; and it leads to more, so
this is repeated until nothing changes. No kept code ever sees an object that was not constructed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from relink.elf import DT_FINI, DT_INIT, RelinkError
from relink.exceptions import personality
from relink.graph import SPACING, Graph
from relink.initialisers import Initialiser

Array = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Reached:
    """What is kept so far.

    Attributes:
        kept: for each part whether it is kept.
        parent: for each kept part the one that refers to it; -1 for a root.
        reasons: for each root why it is one.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        count = len(graph.nodes.start)
        self.kept: Mask = np.zeros(count, np.bool_)
        self.parent: Array = np.full(count, -1)
        self.reasons: dict[int, str] = {}
        self._initialisers = graph.in_sections(".init_array")

    def add(self, roots: Mapping[int, str]) -> None:
        """Keep roots, and all that they lead to. An initialiser is only ever kept as a root."""
        new = np.array([row for row in roots if not self.kept[row]], np.int64)
        self.reasons |= {row: roots[row] for row in new.tolist()}
        self.kept[new] = True
        first = self._graph.first
        while len(new):
            count = first[new + 1] - first[new]
            edges = np.repeat(first[new] - (np.cumsum(count) - count), count) + np.arange(count.sum())
            target, place = np.unique(self._graph.target[edges], return_index=True)
            is_new = ~self.kept[target] & ~self._initialisers[target]
            new = target[is_new]
            self.kept[new] = True
            self.parent[new] = self._graph.source[edges[place[is_new]]]

    def chain(self, row: int) -> list[int]:
        """Return by which parts one is kept, from it up to a root."""
        rows = [row]
        while self.parent[rows[-1]] >= 0:
            rows.append(int(self.parent[rows[-1]]))
        return rows


def keep(graph: Graph, functions: Sequence[str], units: Sequence[Initialiser], wanted: Mapping[int, str]) -> Reached:
    """Return what is kept.

    Args:
        graph: the libraries.
        functions: the names that a program asks for.
        units: all initialisers.
        wanted: by its place among `units` why an initialiser is wanted for what it registers.
    """
    reached = Reached(graph)
    reached.add(roots(graph, functions))
    reached.add({units[i].slot: reason for i, reason in wanted.items()})
    left = [unit for i, unit in enumerate(units) if i not in wanted]
    while more := [unit for unit in left if reached.kept[unit.fills].any()]:
        for unit in more:
            filled = int(unit.fills[reached.kept[unit.fills]][0])
            reached.parent[unit.slot] = filled
        reached.add({unit.slot: "fills an object that is kept" for unit in more})
        left = [unit for unit in left if not reached.kept[unit.slot]]
    return reached


def roots(graph: Graph, functions: Sequence[str]) -> dict[int, str]:
    """Return what is kept whatever the operations are, and why."""
    found: dict[int, str] = {}
    for i, library in enumerate(graph.libraries):
        places = {
            int(library.dynamic_symbols["value"][library.definitions[name]]): "asked for by name"
            for name in functions
            if name in library.definitions
        }
        places |= {library.tag(tag): "run by the loader" for tag in (DT_INIT, DT_FINI) if library.tag(tag)}
        for common in np.unique(graph.frames[i].common).tolist():
            if slot := personality(library, common):
                places[slot] = "finds the way of exceptions"
        rows = graph.at(np.array(list(places), np.int64) + i * SPACING)
        if np.any(rows < 0):
            raise RelinkError(f"{library.path.name} has no part at an address that must be kept")
        found |= dict(zip(rows.tolist(), places.values(), strict=True))
    always = graph.in_sections(".fini_array", ".tdata")
    return found | dict.fromkeys(np.flatnonzero(always).tolist(), "run by the loader, or copied for each thread")
