"""Versions: each of the tools' stands once, and what has to agree with the zip does."""

import re
from collections import Counter

import pytest
import tomli

from mnist_infer.config import ROOT
from testbed.dependency_groups import pins

VERSIONS = ("requirements.txt", "requirements-zip.lock")


def test_each_version_stands_once() -> None:
    groups = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    found = [entry for group in groups.values() for entry in group if isinstance(entry, str)]
    for file in ROOT.glob("requirements*.txt"):
        found += [line for line in file.read_text().splitlines() if not line.startswith("#")]
    assert all("==" in pin.partition(";")[0] for pin in found)
    names = Counter((pin.partition("==")[0], pin.partition(";")[2]) for pin in found)
    assert set(names.values()) == {1}


def test_the_pins_of_a_group_are_its_own_and_those_of_the_groups_that_it_includes() -> None:
    assert set(pins("deploy")) < set(pins("test")) < set(pins("development"))
    assert not set(pins("peers")) & set(pins("development"))


@pytest.mark.parametrize("package", ["tensorflow-cpu", "numpy"])
def test_development_runs_the_version_that_the_zip_has(package: str) -> None:
    ours, shipped = (re.findall(rf"^{package}==\S+", (ROOT / name).read_text(), re.MULTILINE) for name in VERSIONS)
    assert ours == shipped != []
