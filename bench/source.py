"""How much code there is, and how long its functions are."""

import argparse
import ast
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from mnist_infer.config import ROOT
from testbed.tables import table

PARTS = {
    "the function: `handler.py`, `mnist_infer/`": ("handler.py", "mnist_infer/*.py"),
    "local tools: `mnist_infer/local/`": ("mnist_infer/local/**/*.py",),
    "training and package: `export/`, `build_zip.py`": ("export/**/*.py", "build_zip.py"),
    "`examples/`": ("examples/**/*.py",),
    "`tests/`": ("tests/**/*.py",),
    "`bench/`": ("bench/**/*.py",),
}


@dataclass(frozen=True)
class Function:
    """A function or a method, with its decorators left out."""

    name: str
    lines: int


def section(options: argparse.Namespace) -> str:  # noqa: ARG001
    """Count."""
    columns = ("", "files", "lines", "functions", "median lines", "longest")
    parts = {title: [path for pattern in patterns for path in ROOT.glob(pattern)] for title, patterns in PARTS.items()}
    rows = [_row(title, paths) for title, paths in parts.items() if paths]
    how = "Lines without blank ones; of a function all lines from `def` on, docstring included."
    return f"## Source\n\n{table(columns, rows, how)}"


def _row(title: str, paths: Iterable[Path]) -> tuple[str, ...]:
    texts = [path.read_text() for path in paths]
    lines = sum(bool(line.strip()) for text in texts for line in text.splitlines())
    functions = [function for text in texts for function in _functions(text)]
    if not functions:
        return title, f"{len(texts)}", f"{lines}", "0", "", ""
    longest = max(functions, key=lambda function: function.lines)
    middle = median(function.lines for function in functions)
    return title, f"{len(texts)}", f"{lines}", f"{len(functions)}", f"{middle:g}", f"{longest.lines}, `{longest.name}`"


def _functions(text: str) -> list[Function]:
    return [
        Function(node.name, (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
