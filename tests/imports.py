"""What a Python file imports, read from its text: the one walker behind the tables of `tests/test_architecture.py`."""

import ast
from pathlib import Path

from mnist_infer.config import ROOT

MADE = {"build", "dist", "training"}
"""Folders of the checkout that no commit has; so are those that begin with a dot."""


def imported(path: Path, root: Path = ROOT) -> set[str]:
    """Return the dotted names of the modules that a file imports, at the top, in functions and in branches.

    Args:
        path: of the file.
        root: that our own modules are named from; a relative import is named from there, too.

    Returns:
        `from a import b` is `a.b` where that is a module of ours, and else `a`.
    """
    package = path.relative_to(root).parent.parts
    names = set[str]()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            parent = ".".join([*above, *filter(None, [node.module])])
            names |= {name if home(name := f"{parent}.{alias.name}", root) else parent for alias in node.names}
    return names


def home(name: str, root: Path = ROOT) -> str | None:
    """Return the folder of ours that a module is in, such as `export/suite`, or its file's if it is in none.

    Returns:
        None for a module that is none of ours.
    """
    path = root / name.replace(".", "/")
    if path.with_suffix(".py").exists():
        return folder_of(path.with_suffix(".py"), root)
    return path.relative_to(root).as_posix() if path.is_dir() else None


def folder_of(path: Path, root: Path = ROOT) -> str:
    """Return the folder of a file below the root, or its own name for one that is in none."""
    folder = path.relative_to(root).parent.as_posix()
    return path.name if folder == "." else folder


def python_files(root: Path = ROOT) -> list[Path]:
    """Return the Python files of the checkout."""
    tops = [path for path in root.iterdir() if path.name[0] != "." and path.name not in MADE]
    return sorted(file for top in tops for file in ([top] if top.suffix == ".py" else top.rglob("*.py")))
