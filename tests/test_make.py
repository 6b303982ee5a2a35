"""The Makefile in environments that newcomers have, with a stand-in for pip that is as easily misled as pip is."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mnist_infer.config import ROOT

# What sends pip's packages or Python's imports elsewhere, and what makes either fail or do less.
FOLDERS = (
    *("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON"),
    *("PYTHONHOME", "PYTHONPATH", "PYTHONPLATLIBDIR", "PYTHONEXECUTABLE"),
)
SWITCHES = (
    *("PIP_DRY_RUN", "PIP_NO_DEPS", "PIP_REQUIRE_HASHES", "PIP_REQUIRE_VIRTUALENV"),
    *("PYTHONSAFEPATH", "PYTHONINSPECT", "PYTHONOPTIMIZE", "PYTHONWARNINGS", "PYTHONDEVMODE"),
)

# Its new environments have the stand-in for pip; else it is the Python that runs the tests.
PYTHON = """#!/bin/sh
test "$*" = "-m venv .venv" || exec "{python}" "$@"
"{python}" -m venv --without-pip .venv && cp -r "{pip}" .venv/lib/python3.*/site-packages
"""

# `install`, as far as the Makefile relies on it: settings and a pip.conf say where to, and what has METADATA is whole.
PIP = """
import configparser, json, os, signal, sys, sysconfig
from pathlib import Path

configuration = configparser.ConfigParser()
configuration.read(os.environ.get("PIP_CONFIG_FILE", os.devnull))
settings = dict(configuration["install"]) if configuration.has_section("install") else {}
settings |= {name[4:].lower(): value for name, value in os.environ.items() if name.startswith("PIP_")}
Path("told.json").write_text(json.dumps(dict(os.environ)))
if settings.get("user", "no") not in ("no", "0") or "require_hashes" in settings:
    sys.exit("ERROR: cannot install")
fault = Path("fault").read_text() if Path("fault").exists() else ""
if "dry_run" in settings or fault == "lies":
    sys.exit()
if fault == "fails":
    sys.exit("ERROR: the network is down")
elsewhere = [settings[name] for name in ("target", "prefix", "root", "python") if name in settings]
site = Path(elsewhere[0] if elsewhere else sysconfig.get_path("purelib"))
if sys.argv[-1].startswith("pip=="):
    (site / "pip").mkdir(parents=True, exist_ok=True)
    (site / "pip" / "__init__.py").write_text(f'__version__ = "{sys.argv[-1][5:]}"')
    sys.exit()
wanted = {
    "numpy": ["numpy"],
    "requirements-serve.txt": ["numpy", "PIL", "requests", "tensorflow", "waitress"],
    "train": ["matplotlib", "scipy", "skimage", "sklearn", "tqdm"],
}
for name in [] if "no_deps" in settings else wanted[sys.argv[-1]]:
    about = site / f"{name}-1.dist-info"
    if not (about / "METADATA").exists():
        about.mkdir(parents=True, exist_ok=True)
        (about / "METADATA").touch()
        (site / f"{name}.py").write_text("raise ImportError('half of it')" if fault else "")
        if fault == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        (site / f"{name}.py").write_text("")
        (about / "INSTALLER").touch()
"""

# What stands for each program that a recipe runs.
PROGRAM = """
import json, os, sys
try:
    import numpy, PIL, requests
    found = [numpy.__file__, PIL.__file__, requests.__file__]
except ImportError as error:
    found = [str(error)]
print(json.dumps([sys.argv[1:], found, dict(os.environ)]))
"""


class Checkout:
    """A checkout of nothing but the Makefile and what it reads; its path has a blank and letters that are not ASCII."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "数字 checkout"
        self.stamp = self.folder / ".venv" / "runtime"
        self.path = folder / "bin"
        for program in ("mnist_infer/__main__.py", "export/train.py", "build_zip.py"):
            _write(self.folder / program, PROGRAM)
        for file in [ROOT / "Makefile", ROOT / "pyproject.toml", *ROOT.glob("requirements*.txt")]:
            shutil.copy(file, self.folder)
        _write(folder / "pip" / "__init__.py", '__version__ = "21.2.4"')
        _write(folder / "pip" / "__main__.py", PIP)
        _write(self.path / "python3", PYTHON.format(python=Path(sys.executable).resolve(), pip=folder / "pip"))
        (self.path / "python3").chmod(0o755)

    def make(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run make as a user with some variables would."""
        environ = {"PATH": f"{self.path}:/usr/bin:/bin", "LANG": "C.UTF-8"} | variables
        return subprocess.run(
            ["make", *arguments], cwd=self.folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )

    def demo(self, **variables: str) -> dict[str, str]:
        """Return the environment of `make demo`'s program, which has found what was installed into .venv."""
        child = self.make("demo", **variables)
        assert child.returncode == 0, child.stderr
        _, modules, environ = _said(child)
        assert all(Path(module).is_relative_to(self.folder / ".venv") for module in modules), modules
        assert self.stamp.exists()
        return dict[str, str](environ)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def _said(child: subprocess.CompletedProcess[str]) -> Any:
    return json.loads(child.stdout.splitlines()[-1])


@pytest.fixture
def bare(tmp_path: Path) -> Checkout:
    """A checkout as it is cloned."""
    return Checkout(tmp_path)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout whose .venv has NumPy alone; not to be changed."""
    checkout = Checkout(tmp_path_factory.mktemp("begun"))
    assert checkout.make(".venv/numpy").returncode == 0
    return checkout


@pytest.fixture
def checkout(begun: Checkout, bare: Checkout) -> Checkout:
    """A copy of it, which lacks what `make demo` installs."""
    shutil.copytree(begun.folder / ".venv", bare.folder / ".venv", symlinks=True)
    return bare


@pytest.fixture(scope="module")
def misleading(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables above, with a folder that has another NumPy."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    _write(elsewhere / "numpy.py", "raise ImportError('not this one')")
    return dict.fromkeys(FOLDERS, str(elsewhere)) | dict.fromkeys(SWITCHES, "1") | {"PYTHONWARNINGS": "error"}


@pytest.mark.parametrize("name", [*FOLDERS, *SWITCHES])
def test_a_variable_that_misleads_pip_or_python_does_not_reach_them(
    name: str, checkout: Checkout, misleading: dict[str, str]
) -> None:
    assert name not in checkout.demo(**{name: misleading[name]})


def test_a_fresh_checkout_works_with_all_of_them_set(bare: Checkout, misleading: dict[str, str]) -> None:
    assert not misleading.keys() & bare.demo(**misleading).keys()


def test_packages_go_into_the_environment_where_the_users_pip_installs_for_the_user(
    checkout: Checkout, tmp_path: Path
) -> None:
    _write(tmp_path / "pip.conf", "[install]\nuser = yes\n")
    checkout.demo(PIP_USER="1", PIP_CONFIG_FILE=str(tmp_path / "pip.conf"))


def test_mirrors_proxies_and_certificates_reach_pip(checkout: Checkout) -> None:
    names = "PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_CERT PIP_CONFIG_FILE PIP_PROXY https_proxy"
    given = dict.fromkeys(names.split(), "/theirs")
    checkout.demo(**given)
    assert given.items() <= json.loads((checkout.folder / "told.json").read_text()).items()


@pytest.mark.parametrize("fault", ["fails", "lies", "killed"])
def test_an_installation_that_went_wrong_is_not_taken_for_done_and_the_next_make_heals_it(
    fault: str, checkout: Checkout
) -> None:
    _write(checkout.folder / "fault", fault)
    child = checkout.make("demo")
    assert child.returncode != 0
    assert not checkout.stamp.exists()
    (checkout.folder / "fault").unlink()
    checkout.demo()


def test_a_pip_conf_that_sends_packages_elsewhere_is_named_and_once_it_is_gone_make_works(
    bare: Checkout, tmp_path: Path
) -> None:
    _write(tmp_path / "pip.conf", f"[install]\ntarget = {tmp_path / 'elsewhere'}\n")
    child = bare.make("demo", PIP_CONFIG_FILE=str(tmp_path / "pip.conf"))
    assert child.returncode != 0
    assert "python -m pip config list" in child.stdout
    bare.demo()


def test_an_environment_without_pip_is_made_anew(checkout: Checkout) -> None:
    checkout.demo()
    for path in checkout.folder.glob(".venv/lib/*/site-packages/pip"):
        shutil.rmtree(path)
    (checkout.folder / "requirements.txt").touch()
    checkout.demo()


def test_an_environment_whose_python_was_removed_is_made_anew(checkout: Checkout) -> None:
    checkout.demo()
    for path in checkout.folder.glob(".venv/bin/python*"):
        path.unlink()
        path.symlink_to("/nowhere/python3")
    checkout.demo()


def test_an_environment_whose_python_was_replaced_by_another_version_is_made_anew(checkout: Checkout) -> None:
    checkout.demo()
    (library,) = checkout.folder.glob(".venv/lib/python*")
    library.rename(library.with_name("python3.9"))
    checkout.demo()


def test_an_environment_that_works_is_left_alone(checkout: Checkout, misleading: dict[str, str]) -> None:
    checkout.demo()
    (checkout.folder / "told.json").unlink()
    checkout.demo(VIRTUAL_ENV="/nowhere", CONDA_PREFIX="/nowhere", **misleading)
    assert not (checkout.folder / "told.json").exists()


@pytest.mark.parametrize(("target", "variable"), [("train", "DATA"), ("zip", "INTERPRETER")])
def test_a_path_reaches_the_program_whatever_letters_it_has(target: str, variable: str, checkout: Checkout) -> None:
    path = """/a  b/数 字/it's $HOME "$(x)" `y`;&|\\"""
    (arguments, _, _) = _said(checkout.make(target, **{variable: path}))
    assert arguments == [f"--{variable.lower()}", path]
    (arguments, _, _) = _said(checkout.make(target, f"{variable}={path}"))
    assert arguments == [f"--{variable.lower()}", path]
