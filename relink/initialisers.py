"""What runs when a library is loaded: what each initialiser registers, and what it fills.

The compiler makes one initialiser for each source file that has objects to construct, named after the
file: `_GLOBAL__sub_I_conv_ops.cc`. TensorFlow registers by constructing such objects: kernels,
operations, sessions, devices. What an initialiser calls says which; the strings that it uses name the
operations of its kernels.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relink.elf import SHF_WRITE, RelinkError
from relink.graph import SPACING, Graph
from relink.operations import NEVER_WANTED, VARIANT_PREFIX, WANTED

Array = NDArray[np.int64]
Mask = NDArray[np.bool_]

_KERNELS = ("OpKernelRegistrar", "TF_NewKernelBuilder")  # of C++, and of the C API
_OPERATION = re.compile(rb"_{0,2}[A-Z]\w+")
_MAX_NAME = 128


class Initialiser(NamedTuple):
    """One entry of .init_array.

    Attributes:
        slot: the row of the entry.
        name: of the function that it leads to.
        names: the mangled names of what it refers to: functions that it calls, tables of virtual functions.
        strings: those that may be names of operations.
        fills: the rows of the objects that it may write to.
        is_runtime: whether it is of another library than the first: TensorFlow's runtime has one of its own,
            and nearly all of it is needed.
    """

    slot: int
    name: str
    names: frozenset[str]
    strings: frozenset[str]
    fills: Array
    is_runtime: bool

    @property
    def source_file(self) -> str:
        """The name of the source file, as far as the compiler tells it."""
        return self.name.removeprefix("_GLOBAL__sub_I_")


class Initialisers:
    """Reads the initialisers of a graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._code = graph.is_executable() & ~graph.in_sections(".plt") & (graph.nodes.symbol >= 0)
        self._named = self._code | graph.in_sections(".data.rel.ro") & (graph.nodes.symbol >= 0)
        self._writable = _is_writable(graph)
        self._source, self._target, self._is_call, self._address = self._direct()
        count = len(graph.nodes.start)
        self._first = np.searchsorted(self._source, np.arange(count + 1))
        order = np.argsort(self._target, kind="stable")
        self._referrers = self._source[order]
        self._first_referrer = np.searchsorted(self._target[order], np.arange(count + 1))

    def read(self) -> list[Initialiser]:
        """Return all initialisers, in the order in which they run, library by library."""
        return [self._read(slot) for slot in np.flatnonzero(self._graph.in_sections(".init_array")).tolist()]

    def _direct(self) -> tuple[Array, Array, Mask, Array]:
        """Return the references, those through the PLT and the GOT led to their ends."""
        graph = self._graph
        slots, stubs = graph.in_sections(".got", ".got.plt"), graph.in_sections(".plt")
        final = np.arange(len(graph.nodes.start))
        for kind in (slots, stubs):  # a stub jumps through a slot
            through = kind[graph.source] & (slots[graph.target] if kind is stubs else True)
            final[graph.source[through]] = final[graph.target[through]]
        real = ~slots[graph.source] & ~stubs[graph.source]
        return graph.source[real], final[graph.target[real]], graph.is_call[real], graph.address[real]

    def _read(self, slot: int) -> Initialiser:
        graph = self._graph
        (start,) = graph.target[graph.first[slot] : graph.first[slot + 1]].tolist()
        own = self._own(start)
        edges = np.concatenate([np.arange(self._first[row], self._first[row + 1]) for row in own])
        target = np.unique(self._target[edges])
        names = frozenset(graph.name(row) for row in target[self._named[target]].tolist())
        is_kernel = any(kernel in name for name in names for kernel in _KERNELS)
        strings = frozenset(self._strings(np.unique(self._address[edges])) if is_kernel else ())
        return Initialiser(
            slot, graph.name(start), names, strings, target[self._writable[target]], bool(graph.library[slot])
        )

    def _own(self, start: int) -> list[int]:
        """Return a function, and those that it calls and to which nothing else refers: they are parts of it."""
        own, work = {start}, [start]
        while work:
            row = work.pop()
            edges = slice(self._first[row], self._first[row + 1])
            for target in np.unique(self._target[edges][self._is_call[edges]]).tolist():
                referrers = self._referrers[self._first_referrer[target] : self._first_referrer[target + 1]]
                if self._code[target] and target not in own and own.issuperset(referrers.tolist()):
                    own.add(target)
                    work.append(target)
        return sorted(own)

    def _strings(self, addresses: Array) -> Iterator[str]:
        for start, content in self._readonly:
            own = addresses[(addresses >= start) & (addresses < start + len(content))] - start
            for at in own.tolist():
                if name := _OPERATION.fullmatch(content[at : at + _MAX_NAME].split(b"\0")[0]):
                    yield name[0].decode()

    @cached_property
    def _readonly(self) -> list[tuple[int, bytes]]:
        places = [library.section(".rodata") for library in self._graph.libraries]
        return [
            (place.start + i * SPACING, library.at(place.start, place.end - place.start).tobytes())
            for i, (place, library) in enumerate(zip(places, self._graph.libraries, strict=True))
        ]


def _is_writable(graph: Graph) -> Mask:
    """Return which parts code may write to: not those that are read-only once relocated."""
    mask = np.zeros(len(graph.nodes.start), np.bool_)
    for i, library in enumerate(graph.libraries):
        own = graph.library == i
        mask[own] = library.sections["flags"][graph.nodes.section[own]] & SHF_WRITE != 0
    return mask & ~graph.in_sections(".data.rel.ro", ".got", ".got.plt", ".init_array", ".fini_array", ".tdata")


def choose(units: Sequence[Initialiser], operations: Collection[str]) -> dict[int, str]:
    """Return which initialisers are wanted for what they register, by their place, and why.

    Raises:
        RelinkError: for one of the operations no initialiser registers a kernel.
    """
    wanted: dict[int, str] = {}
    found: set[str] = set()
    for i, unit in enumerate(units):
        if _uses(unit, NEVER_WANTED) or unit.source_file in NEVER_WANTED:
            continue
        if _uses(unit, _KERNELS):
            its = {name for name in unit.strings if VARIANT_PREFIX.sub("", name) in operations or name in operations}
            found |= its
            if its:
                wanted[i] = f"registers kernels of {', '.join(sorted(its))}"
        elif registry := _uses(unit, WANTED):
            wanted[i] = f"registers through {registry}"
        elif unit.is_runtime:
            wanted[i] = "belongs to the runtime"
    if missing := set(operations) - found:
        raise RelinkError(f"no initialiser registers a kernel for {', '.join(sorted(missing))}")
    return wanted


def _uses(unit: Initialiser, registries: Collection[str]) -> str | None:
    return next((registry for registry in registries for name in unit.names if registry in name), None)
