"""Who may import what: the table that keeps each foreign library in one module."""

import ast
from pathlib import Path

import pytest

from mnist_infer.config import ROOT

PACKAGE = ROOT / "mnist_infer"
MODULES = [ROOT / "handler.py", *sorted(path for path in PACKAGE.glob("*.py") if path.name != "__main__.py")]
IMAGE_FILE = sorted((PACKAGE / "image_file").glob("*.py"))

# Foreign package or special part of the standard library, and the only modules that may import it.
KNOWN_TO = {
    "requests": {"download"},
    "urllib3": {"download"},
    "socket": {"download"},
    "ipaddress": {"hosts"},
    "PIL": {"decode"},
    "ctypes": {"session"},
    "os": {"config", "__init__"},
    "sys": {"log"},
    "json": {"answers", "events", "log"},
    "numpy": {"background", "components", "decode", "normalise", "session", "model", "pipeline", "log"},
    "logging": {"decode", "download"},
    "threading": {"download"},
    "warnings": {"decode"},
    "tensorflow": set(),
}

# Our own modules, and what each may import of the others.
MAY_IMPORT = {
    "handler": {"answers", "config", "errors", "events", "log", "model", "pipeline"},
    "__init__": set(),
    "errors": set(),
    "config": {"errors"},
    "payload": {"errors"},
    "download": {"config", "errors", "hosts"},
    "hosts": set(),
    "decode": {"errors", "image_file"},
    "components": set(),
    "background": {"components"},
    "normalise": {"background", "components", "errors"},
    "session": {"errors"},
    "versions": {"errors"},
    "model": {"config", "errors", "session", "versions"},
    "pipeline": {"config", "decode", "download", "normalise", "payload", "session"},
    "events": {"config", "errors", "payload"},
    "answers": {"errors", "events", "page", "pipeline"},
    "log": {"__init__", "errors", "model", "pipeline"},
    "page": set(),
}


# The folders, and what each may import of the others: what the tests and the benchmarks both need stands below both.
FOLDERS = {
    "mnist_infer": set[str](),
    "export": {"mnist_infer"},
    "testbed": {"build_zip", "mnist_infer"},
    "bench": {"build_zip", "export", "handler", "mnist_infer", "testbed"},
    "examples": {"export"},
    "deploy": set[str](),
}


def imports(path: Path) -> tuple[set[str], set[str]]:
    """Return the names of the foreign packages and of our own modules that a file imports."""
    foreign, own = set[str](), set[str]()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "mnist_infer":
            modules = {path.stem for path in PACKAGE.glob("*.py")}
            own |= {alias.name if alias.name in modules else "__init__" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            package, _, module = name.partition(".")
            (own if package == "mnist_infer" else foreign).add(module if package == "mnist_infer" else package)
    return foreign, own


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_imports_what_the_table_allows_and_nothing_more(path: Path) -> None:
    foreign, own = imports(path)
    assert own <= MAY_IMPORT[path.stem]
    for package in foreign & set(KNOWN_TO):
        assert path.stem in KNOWN_TO[package], f"{path.stem} must not import {package}"


def test_the_table_has_every_module_and_no_arrow_that_is_not_used() -> None:
    assert {path.stem for path in MODULES} == set(MAY_IMPORT)
    for path in MODULES:
        foreign, own = imports(path)
        assert own == MAY_IMPORT[path.stem]
        assert {package for package, known_to in KNOWN_TO.items() if path.stem in known_to} <= foreign


@pytest.mark.parametrize("path", IMAGE_FILE, ids=lambda path: path.stem)
def test_the_walks_over_image_files_know_formats_and_nothing_else(path: Path) -> None:
    foreign, own = imports(path)
    assert foreign <= {"collections", "numpy", "re", "struct", "typing", "zlib"}
    assert all(module == "errors" or module.startswith("image_file.") for module in own)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_imports_only_those_below_it(folder: str) -> None:
    known = {path.name.removesuffix(".py") for path in ROOT.iterdir() if path.suffix == ".py" or path.is_dir()}
    for path in (ROOT / folder).rglob("*.py"):
        foreign, own = imports(path)
        others = (foreign | ({"mnist_infer"} if own else set[str]())) & known - {folder}
        assert others <= FOLDERS[folder], path


def test_the_server_and_the_local_tools_are_rooms_apart() -> None:
    for path in (PACKAGE / "hosting").glob("*.py"):
        assert not any(module.startswith("local") for module in imports(path)[1])


def test_nothing_that_is_shipped_imports_the_tools_of_a_developers_machine() -> None:
    for path in MODULES:
        assert not any(module.startswith(("hosting", "local", "export")) for module in imports(path)[1])


def test_the_docstring_of_the_package_names_the_modules_in_the_order_of_the_path() -> None:
    docstring = ast.get_docstring(ast.parse((PACKAGE / "__init__.py").read_text())) or ""
    path = [
        docstring.index(f"`{name}`")
        for name in ("events", "payload", "download", "decode", "normalise", "session", "answers")
    ]
    assert path == sorted(path)
