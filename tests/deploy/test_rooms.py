"""Each foreign library is known to one module of `deploy`, and the function to none."""

import ast
from pathlib import Path

import pytest

from mnist_infer.config import ROOT

KNOWN_TO = {
    "tencentcloud": "api",
    "qcloud_cos": "storage",
    "crcmod": "storage",
    "requests": "trial",
    "tomli": "settings",
    "logging": "cli",
}


@pytest.mark.parametrize("path", sorted((ROOT / "deploy").glob("*.py")), ids=lambda path: path.stem)
def test_a_foreign_library_is_known_to_one_module(path: Path) -> None:
    imported = set[str]()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert {package for package in imported if KNOWN_TO.get(package, path.stem) != path.stem} == set()
    assert "mnist_infer" not in imported
