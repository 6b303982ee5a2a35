"""Checks of what was written: the file is read again from nothing, and every reference followed.

Nothing of the analysis is used here but the decoder: the functions are those that the file's own
exception tables describe. A reference must end in a place that is mapped and was not dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from relink.cut import INT3
from relink.decoder import references
from relink.elf import (
    DT_INIT_ARRAY,
    DT_INIT_ARRAYSZ,
    PF_X,
    POINTERS,
    R_X86_64_RELATIVE,
    SHN_UNDEF,
    RelinkError,
    SharedLibrary,
    strings_at,
)
from relink.exceptions import read_frames, word_at

Array = NDArray[np.int64]


def check_written(path: Path) -> int:
    """Follow every reference of a relinked library, and return how many there are.

    Raises:
        RelinkError: one ends where nothing is mapped, or in something that was dropped.
    """
    library = SharedLibrary(path)
    relocations = library.relocations
    names = strings_at(library.dynamic_strings, library.dynamic_symbols["name"])
    symbols = library.dynamic_symbols[relocations["symbol"]]
    own = (symbols["section"] != SHN_UNDEF) & np.isin(relocations["type"], POINTERS)
    is_relative = relocations["type"] == R_X86_64_RELATIVE
    pointers = np.where(is_relative, relocations["addend"], symbols["value"].astype(np.int64))[is_relative | own]
    count = library.tag(DT_INIT_ARRAYSZ) // 8
    slots = library.tag(DT_INIT_ARRAY) + 8 * np.arange(count)
    if not np.isin(slots, relocations["offset"][is_relative]).all():
        raise RelinkError(f"{path.name} has an initialiser without an address")
    follow(library, pointers, "a pointer")
    total = len(pointers)
    for source, target in code_references(library):
        follow(library, target, "code", source)
        total += len(target)
    defined = library.dynamic_symbols["value"][library.dynamic_symbols["section"] != SHN_UNDEF].astype(np.int64)
    follow(library, defined, f"one of the names {', '.join(sorted(names)[1:4])}…")
    return total


def code_references(library: SharedLibrary) -> Iterator[tuple[Array, Array]]:
    """Yield what functions refer to, each with its function's address."""
    frames = read_frames(library)
    frame = library.section(".eh_frame")
    words = library.at(frame.start, frame.end - frame.start)
    size = word_at(words, frames.entry + 12 - frame.start).astype(np.int64)
    for load in library.loads[library.loads["flags"] & PF_X != 0]:
        start, end = int(load["address"]), int(load["address"] + load["file_size"])
        inside = (frames.function >= start) & (frames.function < end)
        if inside.any():
            function = frames.function[inside]
            found = references(library.at(start, end - start), start, function, function + size[inside])
            yield function[found.source[found.is_certain]], found.target[found.is_certain]


def follow(library: SharedLibrary, target: Array, what: str, source: Array | None = None) -> None:
    """Refuse a reference that ends where nothing is, or in what was dropped."""
    loads = library.loads
    row = np.maximum(np.searchsorted(loads["address"].astype(np.int64), target, "right") - 1, 0)
    place = target - loads["address"][row].astype(np.int64)
    in_memory = (place >= 0) & (place <= loads["memory_size"][row].astype(np.int64))
    in_file = in_memory & (place + 8 <= loads["file_size"][row].astype(np.int64))
    at = np.where(in_file, place + loads["offset"][row].astype(np.int64), 0)
    is_dropped = in_file.copy()
    for i in range(8):
        is_dropped &= library.content[at + i] == INT3
    for bad in np.flatnonzero(~in_memory | is_dropped)[:1].tolist():
        whose = f" of the function at {int(source[bad]):#x}" if source is not None else ""
        raise RelinkError(
            f"{library.path.name} is wrong: {what}{whose} refers to {int(target[bad]):#x}, which is not kept"
        )
