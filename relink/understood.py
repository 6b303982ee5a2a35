"""What must hold of a library before anything in it is touched. Everything else is refused."""

import numpy as np

from relink.elf import (
    DF_BIND_NOW,
    DT_FLAGS,
    DT_INIT_ARRAY,
    DT_REL,
    DT_RELR,
    DT_SYMBOLIC,
    DT_TEXTREL,
    PAGE,
    POINTERS,
    PT_LOAD,
    R_X86_64_RELATIVE,
    SHN_LORESERVE,
    STT_FUNC,
    STT_GNU_IFUNC,
    STT_NOTYPE,
    STT_OBJECT,
    STT_TLS,
    THREAD_LOCAL,
    RelinkError,
    SharedLibrary,
    kind_of,
)

_REFUSED_TAGS = {
    DT_RELR: "packed relative relocations (DT_RELR)",
    DT_REL: "relocations without addends (DT_REL)",
    DT_TEXTREL: "relocations in its code (DT_TEXTREL)",
    DT_SYMBOLIC: "DT_SYMBOLIC",
}


def check(library: SharedLibrary) -> None:
    """Refuse a library that has something for which there is no rule here.

    Raises:
        RelinkError: with the first thing that was found.
    """
    name = library.path.name
    for tag, what in _REFUSED_TAGS.items():
        if tag in library.dynamic["tag"]:
            raise RelinkError(f"{name} has {what}, for which relink has no rule")
    if not library.tag(DT_FLAGS) & DF_BIND_NOW or not library.tag(DT_INIT_ARRAY):
        raise RelinkError(f"{name} is not linked with -z now, or has no .init_array")
    loads = library.segments[library.segments["type"] == PT_LOAD]
    if int(loads["address"][0]) or int(loads["offset"][0]) or np.any(loads["align"] > PAGE):
        raise RelinkError(f"{name} does not begin at address 0, or is aligned to more than a page")
    _check_relocations(library)
    _check_symbols(library)
    library.symbols  # noqa: B018  refuses what is stripped


def _check_relocations(library: SharedLibrary) -> None:
    known = (*POINTERS, R_X86_64_RELATIVE, *THREAD_LOCAL)
    unknown = np.setdiff1d(library.relocations["type"], known)
    if len(unknown):
        raise RelinkError(f"{library.path.name} has relocations of type {unknown[0]}, for which relink has no rule")


def _check_symbols(library: SharedLibrary) -> None:
    symbols, name = library.dynamic_symbols, library.path.name
    unknown = np.setdiff1d(kind_of(symbols), (STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_TLS))
    if STT_GNU_IFUNC in unknown:
        raise RelinkError(f"{name} has indirect functions (STT_GNU_IFUNC), for which relink has no rule")
    if len(unknown) or np.any(symbols["section"] >= SHN_LORESERVE):
        raise RelinkError(f"{name} has symbols of a kind for which relink has no rule")
    if STT_GNU_IFUNC in kind_of(library.symbols):
        raise RelinkError(f"{name} has indirect functions (STT_GNU_IFUNC), for which relink has no rule")
