"""Who may import what: tables that say it of every folder, of every module that ships, and of foreign libraries."""

import ast
from pathlib import Path

import pytest

from mnist_infer.config import ROOT
from tests.imports import folder_of, home, imported, python_files

PACKAGE = ROOT / "mnist_infer"
MODULES = [ROOT / "handler.py", *sorted(path for path in PACKAGE.glob("*.py") if path.name != "__main__.py")]
IMAGE_FILE = sorted((PACKAGE / "image_file").glob("*.py"))

# Every folder that has Python, and the others that it imports from; what the tests and the benchmarks both need stands
# below both. A file beside the folders stands for itself.
FOLDERS = {
    "handler.py": "mnist_infer",
    "mnist_infer": "mnist_infer/image_file mnist_infer/local",  # the second by __main__.py, for a developer's machine
    "mnist_infer/image_file": "mnist_infer",
    "mnist_infer/hosting": "mnist_infer",
    "mnist_infer/local": "mnist_infer mnist_infer/hosting",
    "relink": "",
    "build_zip.py": "mnist_infer relink",
    "deploy": "",
    "export": "export/suite mnist_infer",
    "export/suite": "export",
    "examples": "export",
    "testbed": "build_zip.py mnist_infer mnist_infer/hosting",
    "testbed/costly": "mnist_infer testbed",
    "testbed/inside": "mnist_infer",
    "bench": "bench/serving bench/ways build_zip.py mnist_infer mnist_infer/image_file testbed testbed/costly",
    "bench/serving": "mnist_infer",
    "bench/ways": "export handler.py mnist_infer",
    "tests": "bench build_zip.py deploy export export/suite mnist_infer mnist_infer/hosting"
    " mnist_infer/image_file mnist_infer/local relink testbed testbed/costly tests/fuzz",
    "tests/cloud": "",
    "tests/deploy": "deploy mnist_infer testbed tests/cloud",
    "tests/fixtures/tensorflow_1": "",
    "tests/fuzz": "mnist_infer mnist_infer/hosting testbed testbed/costly",
    "tests/soak": "mnist_infer/hosting testbed tests/fuzz",
    "tests/verify_relink": "mnist_infer relink testbed",
    "tests/verify_zip": "build_zip.py mnist_infer testbed",
}

# The modules that ship, and what each imports of the others.
MAY_IMPORT = {
    "handler": {"answers", "config", "errors", "events", "log", "model", "pipeline"},
    "__init__": set[str](),
    "errors": set[str](),
    "config": {"errors"},
    "payload": {"errors"},
    "download": {"config", "errors", "hosts"},
    "hosts": set[str](),
    "decode": {"errors", "image_file"},
    "components": set[str](),
    "background": {"components"},
    "normalise": {"background", "components", "errors"},
    "saved_model": {"errors"},
    "signature": {"errors", "saved_model"},
    "scores": set[str](),
    "c_api": {"errors"},
    "session_config": set[str](),
    "session": {"c_api", "errors", "saved_model", "scores", "signature"},
    "versions": {"errors"},
    "model": {"config", "errors", "session", "session_config", "versions"},
    "pipeline": {"config", "decode", "download", "normalise", "payload", "session"},
    "events": {"config", "errors", "payload"},
    "answers": {"errors", "events", "page", "pipeline"},
    "log": {"__init__", "errors", "model", "pipeline"},
    "page": set[str](),
}

# Foreign package or special part of the standard library, and the only modules that import it: of those that ship, …
KNOWN_TO = {
    "requests": {"download"},
    "urllib3": {"download"},
    "socket": {"download"},
    "ipaddress": {"hosts"},
    "PIL": {"decode"},
    "ctypes": {"c_api", "session"},
    "os": {"config", "__init__"},
    "sys": {"log"},
    "json": {"answers", "events", "log"},
    "numpy": {"background", "components", "decode", "log", "normalise", "pipeline", "scores", "session"},
    "logging": {"decode", "download"},
    "threading": {"download"},
    "warnings": {"decode"},
    "tensorflow": set[str](),
}
# … and of those that deploy.
KNOWN_TO_DEPLOY = {
    "tencentcloud": {"api"},
    "qcloud_cos": {"storage"},
    "crcmod": {"storage"},
    "requests": {"trial"},
    "tomli": {"settings"},
    "logging": {"cli"},
}


def foreign(path: Path) -> set[str]:
    """Return the packages that a file imports, but for ours."""
    return {name.partition(".")[0] for name in imported(path) if not home(name)}


def of_the_package(path: Path) -> set[str]:
    """Return the modules of `mnist_infer` that a file imports, named as in the table."""
    names = {name for name in imported(path) if name.partition(".")[0] == "mnist_infer"}
    return {name.partition(".")[2] or "__init__" for name in names}


def importers(paths: list[Path], packages: set[str]) -> dict[str, set[str]]:
    """Return which of the files import each package."""
    return {package: {path.stem for path in paths if package in foreign(path)} for package in packages}


def test_every_folder_is_in_the_table_and_imports_from_the_folders_that_stand_there() -> None:
    arrows = {folder_of(path): set[str]() for path in python_files()}
    for path in python_files():
        arrows[folder_of(path)] |= {folder for name in imported(path) if (folder := home(name))} - {folder_of(path)}
    assert arrows == {folder: set(others.split()) for folder, others in FOLDERS.items()}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_imports_what_stands_in_the_table(path: Path) -> None:
    assert of_the_package(path) == MAY_IMPORT[path.stem]


def test_a_foreign_library_is_known_to_the_modules_that_stand_in_the_table() -> None:
    assert importers(MODULES, set(KNOWN_TO)) == KNOWN_TO
    assert importers(sorted((ROOT / "deploy").glob("*.py")), set(KNOWN_TO_DEPLOY)) == KNOWN_TO_DEPLOY


@pytest.mark.parametrize("path", IMAGE_FILE, ids=lambda path: path.stem)
def test_the_walks_over_image_files_know_formats_and_nothing_else(path: Path) -> None:
    assert foreign(path) <= {"collections", "numpy", "re", "struct", "typing", "zlib"}
    assert all(module == "errors" or module.startswith("image_file") for module in of_the_package(path))


def test_an_import_is_found_wherever_and_however_it_is_written(tmp_path: Path) -> None:
    for name in ("room/inner/file.py", "room/inner/near.py", "room/far.py", "alone.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    file = tmp_path / "room" / "inner" / "file.py"
    file.write_text(
        "import json.decoder, alone\nfrom . import near\nfrom ..far import thing\nfrom .. import far as other\n"
        "from numpy import typing\n"
        "def late():\n    from room import far\n    if True:\n        import socket\n"
    )
    ours = {"alone", "room.inner.near", "room.far"}
    assert imported(file, tmp_path) == ours | {"json.decoder", "numpy", "socket"}
    assert {home(name, tmp_path) for name in ours} == {"alone.py", "room/inner", "room"}
    assert home("numpy", tmp_path) is None
    assert python_files(tmp_path)[0] == tmp_path / "alone.py"


def test_the_docstring_of_the_package_names_the_modules_in_the_order_of_the_path() -> None:
    docstring = ast.get_docstring(ast.parse((PACKAGE / "__init__.py").read_text())) or ""
    path = [
        docstring.index(f"`{name}`")
        for name in ("events", "payload", "download", "decode", "normalise", "session", "answers")
    ]
    assert path == sorted(path)
