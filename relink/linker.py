"""The steps, in their order: read, follow the references, choose, cut, bind, write, check."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from relink.binding import bind
from relink.check import check_written
from relink.cut import Cut, cut
from relink.elf import PAGE, RelinkError, SharedLibrary
from relink.graph import Graph
from relink.initialisers import Initialiser, Initialisers, choose
from relink.names import cut_names
from relink.reachability import Reached, keep
from relink.understood import check
from relink.writer import write

LIBRARIES = ("libtensorflow_cc.so.2", "libtensorflow_framework.so.2")
"""In the order in which the loader searches them: a program opens the first, which needs the second."""

Say = Callable[[str], object]


class Analysis(NamedTuple):
    """What is kept of the libraries, and why."""

    graph: Graph
    units: list[Initialiser]
    wanted: dict[int, str]
    reached: Reached


def relink(
    source: Path, target: Path, operations: Collection[str], functions: Sequence[str], keep_all: bool, say: Say
) -> Analysis | None:
    """Write the libraries of one folder, linked again, to another.

    Args:
        source: has the libraries as a wheel has them.
        target: gets them, under the same names; it may be the same folder.
        operations: of the graphs that they must run.
        functions: of the C API that a program asks for.
        keep_all: whether to drop nothing: references are bound, and names are cut.
        say: gets a line at each step that takes long.

    Returns:
        What is kept and why; None where all is.

    Raises:
        RelinkError: a library has something for which there is no rule, an operation has no kernel, or what
            was written does not hold.
        OSError: a file cannot be read or written.
    """
    libraries = open_libraries(source)
    analysis = None if keep_all else analyse(libraries, operations, functions, say)
    cuts = [whole(library) for library in libraries]
    if analysis:
        say("dropping what nothing refers to")
        cuts = [cut(analysis.graph, i, analysis.reached.kept) for i in range(len(libraries))]
    target.mkdir(parents=True, exist_ok=True)
    for library, bound, part in zip(
        libraries, bind(libraries, [part.relocations for part in cuts], functions), cuts, strict=True
    ):
        names = cut_names(library, bound.symbols, bound.imported)
        unfinished = target / f".{library.path.name}"
        write(unfinished, library, part.content, names, bound, part.pages, part.changed, part.header_bytes)
        unfinished.replace(target / library.path.name)
    for name in LIBRARIES if analysis else ():
        say(f"following every reference of the new {name}")
        say(f"all {check_written(target / name)} end in something that is kept")
    return analysis


def open_libraries(folder: Path) -> list[SharedLibrary]:
    """Return the libraries, once it is sure that there is a rule for everything in them."""
    for name in LIBRARIES:
        if not (folder / name).exists():
            raise RelinkError(f"{folder} has no {name}")
    libraries = [SharedLibrary(folder / name) for name in LIBRARIES]
    for library in libraries:
        check(library)
    return libraries


def analyse(
    libraries: Sequence[SharedLibrary], operations: Collection[str], functions: Sequence[str], say: Say
) -> Analysis:
    """Return what must be kept, and why."""
    graph = Graph(libraries, say)
    say("reading what initialisers register")
    units = Initialisers(graph).read()
    wanted = choose(units, operations)
    return Analysis(graph, units, wanted, keep(graph, functions, units, wanted))


def whole(library: SharedLibrary) -> Cut:
    """Return a library of which nothing is dropped."""
    pages = np.ones(library.end // PAGE + 2, np.bool_)
    return Cut(np.memmap(library.path, np.uint8, "c"), library.relocations, pages, {}, None)
