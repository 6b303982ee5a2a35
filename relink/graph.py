"""Who refers to whom: every part of the libraries as a node, every reference as an edge.

The nodes are what can be kept or dropped as one: functions, objects, the slots of the GOT and of
.init_array, the stubs of the PLT, and whatever stands between symbols. Edges come from code (see
`decoder`), from relocations, from the exception tables and from tables of distances in read-only data.

All libraries are in one graph, as one refers to the other by name: an address here is a library's own,
plus `SPACING` times the library's number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relink.decoder import references
from relink.elf import POINTERS, R_X86_64_64, R_X86_64_RELATIVE, SHF_EXECINSTR, STB_LOCAL, SharedLibrary, binding_of
from relink.exceptions import caught_types, read_frames, word_at
from relink.nodes import Nodes, nodes_of

SPACING = 1 << 40
CODE_BYTES_AT_ONCE = 16_000_000
MAX_TABLE_ENTRIES = 4096
MIN_LARGE_BYTES = 1024
"""Constants below this are all kept: nearly all of the gain is in a few hundred large ones."""

Array = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Found(NamedTuple):
    """References of one library: the addresses that they stand at or belong to, and those that they lead to."""

    source: Array
    target: Array
    is_call: Mask


class Graph:
    """The parts of several libraries that are loaded together, and what each refers to.

    Attributes:
        libraries: in the order in which the loader searches them.
        nodes: the parts of all, at their addresses in the graph.
        library: for each part the row of its library.
        frames: for each library its frame descriptions.
        source, target: for each reference the rows of the parts at its two ends; by source.
        is_call: for each reference whether it is a direct call or jump.
    """

    def __init__(self, libraries: Sequence[SharedLibrary], say: Callable[[str], object] = lambda _: None) -> None:
        """Read all references.

        Raises:
            RelinkError: code cannot be read, or refers to a place where there is no part.
        """
        self.libraries = libraries
        parts = [nodes_of(library) for library in libraries]
        self.library = np.repeat(np.arange(len(parts)), [len(part.start) for part in parts])
        shift = self.library * SPACING
        whole = Nodes(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
        self.nodes = whole._replace(start=whole.start + shift, end=whole.end + shift)
        self.frames = [read_frames(library) for library in libraries]
        found = []
        for i, library in enumerate(libraries):
            say(f"reading the code of {library.path.name}")
            is_gap = (self.nodes.symbol < 0) & self.in_sections(".text")
            own = (self.library == i) & self.is_executable()
            found += [self._in_code(i, np.flatnonzero(own & ~is_gap))]
            found += [self._in_relocations(i), self._in_exception_tables(i)]
            found += self._in_gaps(i, found, own & is_gap)
        found.append(self._in_distances(found))
        source, target, is_call = (np.concatenate(columns) for columns in zip(*found, strict=True))
        source, addresses, target = self.at(source), target, self.at(target)
        behind = self._ends(source, addresses, target)
        source, addresses, is_call = (np.append(column, column[behind]) for column in (source, addresses, is_call))
        target = np.append(target, target[behind] - 1)
        keep = (source >= 0) & (target >= 0) & (source != target)
        order = np.lexsort((target[keep], source[keep]))
        self.source, self.target, self.is_call = source[keep][order], target[keep][order], is_call[keep][order]
        self.address = addresses[keep][order]
        self.first = np.searchsorted(self.source, np.arange(len(self.nodes.start) + 1))

    def at(self, addresses: Array) -> Array:
        """Return the rows of the parts at these addresses of the graph; -1 where there is none."""
        row = np.searchsorted(self.nodes.start, addresses, "right") - 1
        return np.where((row >= 0) & (addresses < self.nodes.end[row]), row, -1)

    def name(self, row: int) -> str:
        """Return what a part is called: by its symbol, or by its section and address."""
        library, symbol = self.libraries[self.library[row]], int(self.nodes.symbol[row])
        if symbol < 0:
            section = library.section_names[self.nodes.section[row]]
            return f"{section}+{int(self.nodes.start[row]) % SPACING:#x}"
        at = int(library.symbols["name"][symbol])
        return str(library.symbol_strings[at : library.symbol_strings.index(0, at)].decode())

    def in_sections(self, *names: str) -> Mask:
        """Return which parts stand in sections of these names."""
        mask = np.zeros(len(self.nodes.start), np.bool_)
        for i, library in enumerate(self.libraries):
            rows = [row for row, name in enumerate(library.section_names) if name in names]
            mask |= (self.library == i) & np.isin(self.nodes.section, rows)
        return mask

    def is_executable(self) -> Mask:
        """Return which parts are code."""
        flags = np.zeros(len(self.nodes.start), np.bool_)
        for i, library in enumerate(self.libraries):
            own = self.library == i
            flags[own] = library.sections["flags"][self.nodes.section[own]] & SHF_EXECINSTR != 0
        return flags

    def _in_gaps(self, i: int, found: Sequence[Found], gaps: Mask) -> list[Found]:
        """Read what code has between its symbols: padding, to which nothing refers, and an assembler's own."""
        read: list[Found] = []
        seen = np.zeros(len(gaps), np.bool_)
        new = np.unique(self.at(np.concatenate([part.target for part in found])))
        while len(new := new[(new >= 0) & gaps[new] & ~seen[new]]):
            seen[new] = True
            read.append(self._in_code(i, new))
            new = np.unique(self.at(read[-1].target))
        return read

    def _in_code(self, i: int, rows: Array) -> Found:
        """Read parts that are code."""
        library, nodes = self.libraries[i], self.nodes
        start, end = nodes.start[rows] - i * SPACING, nodes.end[rows] - i * SPACING
        found = []
        while len(rows):
            count = max(1, int(np.searchsorted(end, start[0] + CODE_BYTES_AT_ONCE, "right")))
            section_end = np.flatnonzero(nodes.section[rows] != nodes.section[rows[0]])
            count = min(count, int(section_end[0]) if len(section_end) else count)
            code = library.at(int(start[0]), int(end[count - 1] - start[0]))
            read = references(code, int(start[0]), start[:count], end[:count])
            found.append(Found(start[read.source], read.target, read.is_branch))
            rows, start, end = rows[count:], start[count:], end[count:]
        return self._shifted(i, Found(*(np.concatenate(columns) for columns in zip(*found, strict=True))))

    def _shifted(self, i: int, found: Found) -> Found:
        return found._replace(source=found.source + i * SPACING, target=found.target + i * SPACING)

    def _in_relocations(self, i: int) -> Found:
        """Return where the loader puts the address of what, in this library or in another of them."""
        library = self.libraries[i]
        relocations, symbols = library.relocations, library.dynamic_symbols
        target = np.full(len(symbols), -1, np.int64)
        for row in np.unique(relocations["symbol"]).tolist():
            name = library.dynamic_names[row]
            for j, other in enumerate(self.libraries):
                if name in other.definitions:
                    target[row] = int(other.dynamic_symbols["value"][other.definitions[name]]) + j * SPACING
                    break
        addends = np.where(relocations["type"] == R_X86_64_64, relocations["addend"], 0)
        by_symbol = np.isin(relocations["type"], POINTERS) & (target[relocations["symbol"]] >= 0)
        is_relative = relocations["type"] == R_X86_64_RELATIVE
        ends = np.where(is_relative, relocations["addend"] + i * SPACING, target[relocations["symbol"]] + addends)
        kept = by_symbol | is_relative
        source = relocations["offset"].astype(np.int64)[kept] + i * SPACING
        return Found(source, ends[kept], np.zeros(len(source), np.bool_))

    def _in_exception_tables(self, i: int) -> Found:
        """Return the slots of the types that functions catch: what the loader writes, so not a word of another kind."""
        frames, library = self.frames[i], self.libraries[i]
        row, slot = caught_types(library, frames.table)
        is_slot = np.isin(slot, library.relocations["offset"].astype(np.int64))
        row, slot = row[is_slot], slot[is_slot]
        return self._shifted(i, Found(frames.function[row], slot, np.zeros(len(row), np.bool_)))

    def _in_distances(self, found: Sequence[Found]) -> Found:
        """Read the tables of distances: pointers to constants that the compiler made relative.

        Each begins where code refers to it, and its numbers count from there. Where it ends nobody says,
        so it is read for as long as the numbers lead to a part; something else may be read as such a table,
        and then too much is kept. A switch's table looks the same, and leads to places in its own function.
        LLVM makes such tables of pointers to constants that are local to their source file. A pointer to a large
        one is taken to lead to its beginning: what leads into its middle is taken for some other number. Of the
        19 tables of TensorFlow 2.20.0 that have a symbol, none of the 586 pointers leads to a large one at all.

        Source:
            LLVM, `lib/Transforms/Utils/RelLookupTableConverter.cpp`.
        """
        source, target = (np.concatenate(columns) for columns in list(zip(*found, strict=True))[:2])
        is_readonly, executable = self.in_sections(".rodata"), self.is_executable()
        large = (self.nodes.end - self.nodes.start >= MIN_LARGE_BYTES) & (self.nodes.symbol >= 0)
        local = self._is_local()
        row = self.at(target)
        sources, targets = [], []
        from_readonly = (row >= 0) & is_readonly[row]
        source, base = source[from_readonly], target[from_readonly]
        at = base.copy()
        for _ in range(MAX_TABLE_ENTRIES):
            distance, is_there = self._words(at)
            lead = base + distance
            going = is_there & (distance != 0) & (self.at(lead) >= 0)
            source, base, at, lead = source[going], base[going], at[going], lead[going]
            if not len(source):
                break
            row = self.at(lead)
            is_constant = ~executable[row] & (~large[row] | local[row] & (lead == self.nodes.start[row]))
            sources.append(source[is_constant])
            targets.append(lead[is_constant])
            at = at + 4
        whole = np.concatenate([np.empty(0, np.int64), *sources]), np.concatenate([np.empty(0, np.int64), *targets])
        return Found(*whole, np.zeros(len(whole[0]), np.bool_))

    def _is_local(self) -> Mask:
        """Return which parts have a symbol that is local to its source file."""
        mask = np.zeros(len(self.nodes.start), np.bool_)
        for i, library in enumerate(self.libraries):
            own = (self.library == i) & (self.nodes.symbol >= 0)
            mask[own] = binding_of(library.symbols)[self.nodes.symbol[own]] == STB_LOCAL
        return mask

    def _ends(self, source: Array, addresses: Array, target: Array) -> Array:
        """Return which references may lead to the end of a part, and not to the beginning of the next.

        A loop may count towards an array from behind its end, and never name its beginning. Nobody does so
        with the tables of C++ classes, whose names begin with _ZT.
        """
        data = self.in_sections(".data", ".data.rel.ro")
        rows = np.flatnonzero((source >= 0) & (target > 0))
        rows = rows[self.is_executable()[source[rows]] & data[target[rows]] & data[target[rows] - 1]]
        rows = rows[addresses[rows] == self.nodes.start[target[rows]]]
        rows = rows[self.nodes.end[target[rows] - 1] == addresses[rows]]
        of_class = [row for row in np.unique(target[rows] - 1).tolist() if self.name(row).startswith("_ZT")]
        behind: Array = rows[~np.isin(target[rows] - 1, of_class)]
        return behind

    def _words(self, addresses: Array) -> tuple[Array, Mask]:
        """Return the signed 32-bit numbers at these addresses of read-only data, and whether each is there."""
        value, is_there = np.zeros(len(addresses), np.int64), np.zeros(len(addresses), np.bool_)
        for i, library in enumerate(self.libraries):
            place = library.section(".rodata")
            content = library.at(place.start, place.end - place.start)
            own = addresses - i * SPACING
            inside = np.flatnonzero((own >= place.start) & (own + 4 <= place.end))
            value[inside] = word_at(content, own[inside] - place.start).view(np.int32)
            is_there[inside] = True
        return value, is_there
