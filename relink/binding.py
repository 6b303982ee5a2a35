"""References to symbols: which are settled now, and which names the loader is still asked for.

A library built without `-Bsymbolic` lets the loader look up even its own symbols, each by its name,
in case another library defines it too. Here that is settled for good, as the loader would settle it:
the libraries stand in the order in which it searches them, and a reference is bound when the first
that defines the name is the one that refers to it. The loader's answer would differ only if the
program itself, or what it preloads, defined one of the names.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relink.elf import (
    POINTERS,
    R_X86_64_64,
    R_X86_64_RELATIVE,
    SHN_UNDEF,
    STB_GNU_UNIQUE,
    STT_TLS,
    RelinkError,
    SharedLibrary,
    Table,
    binding_of,
    kind_of,
)


class Bound(NamedTuple):
    """A library's relocations, its own references settled.

    Attributes:
        relocations: those that are left, relative ones first, by address; then by symbol.
        relative: how many are relative.
        symbols: the rows of the dynamic symbols that are kept, for a relocation or for a name that is asked for.
        imported: those of them that are defined here too, but found in an earlier library.
    """

    relocations: Table
    relative: int
    symbols: NDArray[np.int64]
    imported: NDArray[np.int64]


def bind(libraries: Sequence[SharedLibrary], wanted: Sequence[Table], functions: Collection[str]) -> list[Bound]:
    """Settle what can be settled of several libraries that are loaded together.

    Args:
        libraries: in the order in which the loader searches them.
        wanted: for each library the relocations that are wanted of it.
        functions: names that a program asks for.

    Raises:
        RelinkError: no library defines one of the functions.
    """
    bound = [
        bind_own(library, relocations, earlier_names(libraries[:i]))
        for i, (library, relocations) in enumerate(zip(libraries, wanted, strict=True))
    ]
    asked = [asked_names(library, table) for library, table in zip(libraries, bound, strict=True)]
    if missing := set(functions).difference(*(library.definitions for library in libraries)):
        raise RelinkError(f"no library defines {', '.join(sorted(missing))}")
    result = []
    for i, (library, table) in enumerate(zip(libraries, bound, strict=True)):
        earlier = earlier_names(libraries[:i])
        exported = set(functions).union(*asked) & library.definitions.keys() - earlier
        used = set(np.unique(table["symbol"]).tolist()) - {0}
        rows = {library.definitions[name] for name in exported} | used
        imported = {row for row in used if library.dynamic_names[row] in earlier}
        relative = int(np.count_nonzero(table["type"] == R_X86_64_RELATIVE))
        result.append(Bound(table, relative, *(np.array(sorted(each), np.int64) for each in (rows, imported))))
    return result


def earlier_names(earlier: Sequence[SharedLibrary]) -> set[str]:
    """Return the names that the loader finds before it comes to a library."""
    return set().union(*(library.definitions for library in earlier))


def asked_names(library: SharedLibrary, relocations: Table) -> set[str]:
    """Return the names that these relocations ask the loader for."""
    return {library.dynamic_names[row] for row in np.unique(relocations["symbol"]).tolist() if row}


def bind_own(library: SharedLibrary, relocations: Table, earlier: Collection[str]) -> Table:
    """Make references to own symbols relative, and sort: the loader looks a symbol up once for a run of it."""
    table = relocations.copy()
    symbols = library.dynamic_symbols[table["symbol"]]
    own = is_own(library, earlier)[table["symbol"]] & np.isin(table["type"], POINTERS)
    addends = np.where(table["type"] == R_X86_64_64, table["addend"], 0)  # the others have none
    table["addend"] = np.where(own, symbols["value"].astype(np.int64) + addends, table["addend"])
    table["type"][own], table["symbol"][own] = R_X86_64_RELATIVE, 0
    is_relative = table["type"] == R_X86_64_RELATIVE
    relative, rest = table[is_relative], table[~is_relative]
    rest = rest[np.lexsort((rest["offset"], rest["type"], rest["symbol"]))]
    return np.concatenate([relative[np.argsort(relative["offset"])], rest])


def is_own(library: SharedLibrary, earlier: Collection[str]) -> NDArray[np.bool_]:
    """Return for each dynamic symbol whether a reference from here ends in this library's own definition.

    A thread-local variable is found through its module, so it stays to be asked for.

    Raises:
        RelinkError: something refers to a symbol that is to be unique in the whole process.
    """
    symbols, names = library.dynamic_symbols, library.dynamic_names
    asked = np.unique(library.relocations["symbol"])
    for row in asked[binding_of(symbols)[asked] == STB_GNU_UNIQUE].tolist():
        raise RelinkError(f"{library.path.name} refers to {names[row]}, which is unique in the process")
    own: NDArray[np.bool_] = (symbols["section"] != SHN_UNDEF) & (kind_of(symbols) != STT_TLS)
    for row in np.flatnonzero(own).tolist():
        if names[row] in earlier:
            own[row] = False
    return own
