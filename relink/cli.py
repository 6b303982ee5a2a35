"""The command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from relink.elf import RelinkError
from relink.linker import analyse, open_libraries, relink
from relink.operations import FUNCTIONS, OPERATIONS
from relink.report import by_unit, explain, summary

say = partial(print, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Relink, or say why something is kept; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m relink",
        description="Link TensorFlow's two libraries again, with only what a set of operations needs.",
    )
    parser.add_argument("source", type=Path, help="the folder of the libraries, as a wheel has them: tensorflow/")
    parser.add_argument("target", type=Path, nargs="?", help="the folder to write them to; none with --explain")
    parser.add_argument("--operations", nargs="+", default=[], metavar="OP", help="more than those in operations.py")
    parser.add_argument("--functions", nargs="+", default=[], metavar="NAME", help="more functions of the C API")
    parser.add_argument("--keep-all", action="store_true", help="drop nothing: bind references, and cut names")
    parser.add_argument("--explain", metavar="SYMBOL", help="by which chain of references is this kept?")
    parser.add_argument("--report", action="store_true", help="what is kept, by source file, and the largest functions")
    options = parser.parse_args(arguments)
    operations = OPERATIONS | set(options.operations)
    functions = [*FUNCTIONS, *options.functions]
    try:
        if options.explain:
            analysis = analyse(open_libraries(options.source), operations, functions, say)
            print(*explain(analysis, options.explain), sep="\n")
            return 0
        if not options.target:
            parser.error("a folder to write to is needed")
        made = relink(options.source, options.target, operations, functions, options.keep_all, say)
        if made:
            print(*summary(made), *(by_unit(made) if options.report else ()), sep="\n")
    except (RelinkError, OSError) as error:
        print(f"relink: {error}", file=sys.stderr)
        return 1
    return 0
