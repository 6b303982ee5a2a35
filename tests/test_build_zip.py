"""The builder, on small wheels that the tests make. Nothing is downloaded."""

import marshal
import os
import re
import resource
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import CodeType

import pytest

import build_zip
from mnist_infer.config import ROOT
from mnist_infer.saved_model import operations_of
from relink.linker import LIBRARIES, relink
from relink.operations import OPERATIONS
from testbed.pictures import MODEL_DIR
from tests.small_checkout import (
    LIBRARY,
    PYTHON,
    change_a_pin,
    foreign_library,
    greedy_library,
    make_checkout,
    too_new_a_library,
)

PYC = f".cpython-{PYTHON.replace('.', '')}.pyc"
OFFLINE = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}

MakeCheckout = Callable[..., Path]


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever asks pip finds nothing."""
    for name, value in OFFLINE.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeCheckout:
    """Make a checkout and let the builder stand in it; the arguments are those of `make_checkout`."""

    def make(wheel_changes: Mapping[str, Mapping[str, bytes]] | None = None, name: str = "checkout") -> Path:
        root = make_checkout(tmp_path / name, wheel_changes)
        monkeypatch.setattr(build_zip, "ROOT", root)
        monkeypatch.setattr(build_zip, "relink", strip_instead)
        return root

    return make


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The zip of an unchanged checkout."""
    root = tmp_path_factory.mktemp("built")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in OFFLINE.items():
            patch.setenv(name, value)
        patch.setattr(build_zip, "ROOT", make_checkout(root / "checkout"))
        patch.setattr(build_zip, "relink", strip_instead)
        assert build(root / "out.zip") == 0
    with zipfile.ZipFile(root / "out.zip") as archive:
        yield archive


def strip_instead(source: Path, target: Path, *_: object) -> None:
    """Stand in for the linker, which knows TensorFlow's libraries only: the small checkout has others."""
    for name in LIBRARIES:
        subprocess.run(["strip", "--strip-unneeded", "-o", target / name, source / name], check=True)


def build(output: Path, *arguments: str) -> int:
    return build_zip.main(["--python", PYTHON, "--output", str(output), *arguments])


def refused(root: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Build where it must fail, check that it leaves what was there, and return its one sentence."""
    dist = root / "dist"
    dist.mkdir()
    (dist / "mnist_infer.zip").write_bytes(b"the last build")
    assert build(dist / "mnist_infer.zip", *arguments) == 1
    assert {path.name: path.read_bytes() for path in dist.iterdir()} == {"mnist_infer.zip": b"the last build"}
    (sentence,) = capsys.readouterr().err.splitlines()
    return str(sentence)


def printed_by(code: str, folder: Path) -> str:
    """Run code in a folder, with no other packages, and return what it prints."""
    command = [sys.executable, "-S", "-B", "-c", code]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def test_two_builds_are_the_same_byte_by_byte(
    checkout: MakeCheckout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout(name="one")
    assert build(tmp_path / "one.zip") == 0
    root = checkout(name="another")
    for path in root.rglob("*"):
        os.utime(path, (1, 1_000_000_000))
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    monkeypatch.chdir(tmp_path)
    previous = os.umask(0o077)
    try:
        assert build(Path("elsewhere", "another.zip")) == 0
    finally:
        os.umask(previous)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "elsewhere" / "another.zip").read_bytes()


def test_the_zip_has_exactly_these_files(built: zipfile.ZipFile) -> None:
    assert {name for name in built.namelist() if not name.endswith("/")} == {
        "LICENSE",
        "handler.py",
        f"__pycache__/handler{PYC}",
        "mnist_infer/__init__.py",
        f"mnist_infer/__pycache__/__init__{PYC}",
        "export/10/saved_model.pb",
        "export/10/variables/variables.index",
        "tensorflow/libtensorflow_cc.so.2",
        "tensorflow/libtensorflow_framework.so.2",
        "tensorflow/THIRD_PARTY_NOTICES.txt",
        "tensorflow/include/external/png/LICENSE",
        "tensorflow_cpu-1.0.dist-info/LICENSE",
        "tensorflow_cpu-1.0.dist-info/METADATA",
        "numpy/__init__.pyc",
        "numpy/core.pyc",
        "numpy/_core/_multiarray_umath.so",
        "numpy/_core/tests/_natype.pyc",
        "numpy/random/LICENSE.md",
        "numpy.libs/libopenblas.so",
        "numpy-1.0.dist-info/LICENSE.txt",
        "numpy-1.0.dist-info/METADATA",
        "PIL/__init__.pyc",
        "PIL/PngImagePlugin.pyc",
        "pillow-1.0.dist-info/licenses/LICENSE",
        "pillow-1.0.dist-info/METADATA",
        "requests/__init__.pyc",
        "requests-1.0.dist-info/licenses/AUTHORS",
        "requests-1.0.dist-info/METADATA",
    }


def test_the_unpacked_zip_answers(built: zipfile.ZipFile, tmp_path: Path) -> None:
    built.extractall(tmp_path)
    assert printed_by("import handler; print(handler.demo({}, {}))", tmp_path) == "7\n"


def test_any_user_can_read_files_and_enter_folders(built: zipfile.ZipFile) -> None:
    modes = {(entry.is_dir(), oct(entry.external_attr >> 16)) for entry in built.infolist()}
    assert modes == {(False, "0o100644"), (True, "0o40755")}
    folders = {str(parent) + "/" for name in built.namelist() for parent in Path(name).parents if parent.name}
    assert folders <= {entry.filename for entry in built.infolist() if entry.is_dir()}


def test_names_are_sorted_and_times_are_fixed(built: zipfile.ZipFile) -> None:
    names = [entry.filename.rstrip("/") for entry in built.infolist()]
    assert names == sorted(names)
    assert {entry.date_time for entry in built.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert {(entry.extra, entry.comment, entry.create_system) for entry in built.infolist()} == {(b"", b"", 3)}


def test_only_tensorflows_libraries_are_linked_again(built: zipfile.ZipFile, tmp_path: Path) -> None:
    stripped = tmp_path / "stripped.so"
    stripped.write_bytes(LIBRARY)
    subprocess.run(["strip", "--strip-unneeded", stripped], check=True)
    assert len(stripped.read_bytes()) < len(LIBRARY)
    for name in build_zip.TENSORFLOW_LIBRARIES:
        assert built.read(name) == stripped.read_bytes()
    assert built.read("numpy.libs/libopenblas.so") == LIBRARY


def test_compiled_files_have_the_paths_of_the_platform(built: zipfile.ZipFile) -> None:
    paths = {
        name: code.co_filename
        for name in built.namelist()
        if name.endswith(".pyc") and isinstance(code := marshal.loads(built.read(name)[16:]), CodeType)
    }
    assert paths[f"__pycache__/handler{PYC}"] == "/var/user/handler.py"
    assert paths["numpy/core.pyc"] == "/var/user/numpy/core.py"
    assert all(path.startswith("/var/user/") for path in paths.values())


def test_compiled_files_are_trusted_where_no_source_stands_beside_them(built: zipfile.ZipFile) -> None:
    unchecked, checked = 0b01, 0b11  # by their sources' hashes, as PEP 552 has it
    flags = {name: built.read(name)[4] for name in built.namelist() if name.endswith(".pyc")}
    assert {name for name, flag in flags.items() if flag == checked} == {
        f"__pycache__/handler{PYC}",
        f"mnist_infer/__pycache__/__init__{PYC}",
    }
    assert set(flags.values()) == {unchecked, checked}


def test_an_edit_of_our_source_takes_effect(built: zipfile.ZipFile, tmp_path: Path) -> None:
    built.extractall(tmp_path)
    (tmp_path / "handler.py").write_text("from numpy.core import path\n\nprint('edited', path())\n")
    assert printed_by("import handler", tmp_path) == "edited /var/user/numpy/core.py\n"


def test_the_model_version_can_be_chosen(checkout: MakeCheckout, tmp_path: Path) -> None:
    checkout()
    assert build(tmp_path / "out.zip", "--model-version", "9") == 0
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert [name for name in archive.namelist() if name.startswith("export/")] == [
            "export/",
            "export/9/",
            "export/9/saved_model.pb",
        ]


def test_the_budget_the_versions_and_the_hash_are_printed(
    checkout: MakeCheckout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout()
    assert build(tmp_path / "out.zip") == 0
    printed = capsys.readouterr().out
    rows = {line[:16].strip(): line[16:].split() for line in printed.splitlines()}
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        files = [entry for entry in archive.infolist() if not entry.is_dir()]
    assert [int(rows[part][0]) for part in build_zip.PARTS] == [6, 8, 4, 2, 5, 3]
    assert rows["all"][0] == str(len(files))
    assert rows["all"][1] == f"{sum(entry.file_size for entry in files) / 1e6:.3f}"
    assert rows["all"][2] == f"{(tmp_path / 'out.zip').stat().st_size / 1e6:.3f}"
    assert rows["limit"][:2] == ["500.000", "50.000"]
    assert "zlib" in printed
    assert "NumPy" in printed
    assert printed.splitlines()[-1] == f"{build_zip.sha256(tmp_path / 'out.zip')}  {tmp_path / 'out.zip'}"


def test_a_zip_above_the_platforms_limit_is_refused(
    checkout: MakeCheckout, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_zip, "MAX_UNZIPPED_BYTES", 90_000)
    monkeypatch.setattr(build_zip, "write_zip", lambda *_: pytest.fail("it was written"))
    assert "unzipped it has 0.1 MB, and the platform takes 0.1 (NumPy 0.1, Tens" in refused(checkout(), capsys)


@pytest.mark.parametrize(
    ("library", "complaint"),
    [
        pytest.param(too_new_a_library, "_umath.so needs GLIBC_2.28, and the platform is older", id="too new"),
        pytest.param(greedy_library, "_umath.so needs libnowhere.so, neither in the zip nor", id="needs another"),
        pytest.param(foreign_library, "and the platform is elf64-x86-64", id="another processor"),
    ],
)
def test_a_library_that_the_platform_could_not_load_is_refused(
    library: Callable[[], bytes], complaint: str, checkout: MakeCheckout, capsys: pytest.CaptureFixture[str]
) -> None:
    root = checkout({"numpy": {"numpy/_core/_multiarray_umath.so": library()}})
    assert complaint in refused(root, capsys)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("GLIBC_2.17", False),
        ("GLIBC_2.2.5", False),
        ("GLIBC_2.18", True),
        ("GLIBC_PRIVATE", True),
        ("GLIBC_ABI_DT_RELR", True),
        ("GLIBCXX_3.4.19", False),
        ("GLIBCXX_3.4.20", True),
        ("GLIBCXX_3.4", False),
        ("CXXABI_1.3.8", True),
        ("LIBTIFF_4.0", False),
    ],
)
def test_symbol_versions_are_compared_as_numbers(name: str, expected: bool) -> None:
    assert build_zip.is_too_new(name) is expected


def test_a_tensorflow_without_the_library_is_refused(
    checkout: MakeCheckout, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_zip, "TENSORFLOW_LIBRARIES", ("tensorflow/libtensorflow_cc.so.3",))
    assert "the wheel of tensorflow-cpu has no tensorflow/libtensorflow_cc.so.3" in refused(checkout(), capsys)


def test_a_missing_tool_is_named(
    checkout: MakeCheckout, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = checkout()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refused(root, capsys) == "build_zip.py: objdump is not on the PATH: install binutils"


@pytest.mark.parametrize("arguments", [(), ("--operations", "Unheard", "Log"), ("--keep-all",)])
def test_the_linker_keeps_the_model_s_operations_and_those_that_are_named(
    arguments: tuple[str, ...], checkout: MakeCheckout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, seen = checkout(), []
    shutil.copy(MODEL_DIR / "saved_model.pb", root / "export" / "10" / "saved_model.pb")

    def linked(source: Path, target: Path, operations: set[str], *others: object) -> None:
        seen.append((operations, others[1]))
        strip_instead(source, target)

    monkeypatch.setattr(build_zip, "relink", linked)
    assert build(tmp_path / "out.zip", *arguments) == 0
    ((operations, keep_all),) = seen
    assert operations == OPERATIONS | operations_of(MODEL_DIR) | {name for name in arguments if name[0] != "-"}
    assert keep_all is ("--keep-all" in arguments)


def test_what_was_linked_is_taken_again_until_something_that_it_is_made_of_changes(
    checkout: MakeCheckout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, linked = checkout(), []
    shutil.copy(MODEL_DIR / "saved_model.pb", root / "export" / "10" / "saved_model.pb")

    def link(source: Path, target: Path, *others: object) -> None:
        linked.append(others)
        strip_instead(source, target)

    monkeypatch.setattr(build_zip, "relink", link)
    built = []
    for arguments in ((), (), ("--operations", "Unheard"), ()):
        assert build(tmp_path / "out.zip", *arguments) == 0
        built.append((len(linked), (tmp_path / "out.zip").read_bytes()))
    assert [count for count, _ in built] == [1, 1, 2, 3]
    assert len({content for _, content in built}) == 1
    monkeypatch.setattr("numpy.__version__", "0")
    assert build(tmp_path / "out.zip") == 0
    assert len(linked) == 4


def test_a_library_that_cannot_be_linked_again_leaves_no_zip(
    checkout: MakeCheckout, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = checkout()
    monkeypatch.setattr(build_zip, "relink", relink)
    assert re.fullmatch(r"build_zip.py: TensorFlow cannot be linked again: .+", refused(root, capsys))


TRIAL = """
import os, sys, handler, numpy.core
shown = sorted(name for name in os.environ if name.startswith("MNIST_"))
own = [module.__file__.startswith(os.path.dirname(os.environ["MNIST_MODEL_DIR"])) for module in (handler, numpy.core)]
print("it reads 1 of 10", *own, os.path.basename(sys.argv[1]), *shown)
sys.exit(1)
"""


def test_a_model_that_cannot_read_the_examples_is_refused_by_the_files_that_would_be_shipped(
    checkout: MakeCheckout, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = checkout()
    monkeypatch.setenv("MNIST_INPUT_RANGE", "0,255")
    monkeypatch.setenv("MNIST_URL_FETCH", "off")
    assert build(tmp_path / "out.zip") == 0
    assert "\ntried: 7\n" in capsys.readouterr().out
    (root / "mnist_infer" / "local" / "trial.py").write_text(TRIAL)
    sentence = "it reads 1 of 10 True True digits MNIST_DEVICE MNIST_INPUT_RANGE MNIST_MODEL_DIR"
    assert refused(root, capsys) == f"build_zip.py: {sentence}. If that is as it should be: --accept-model"
    assert build(tmp_path / "out.zip", "--accept-model") == 0
    assert f"\n{sentence}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        pytest.param("import os; os.abort()", "the trial ended with status -6", id="a crash"),
        pytest.param("raise ValueError('odd')", "ValueError: odd", id="an exception"),
    ],
)
def test_a_trial_that_does_not_end_well_is_a_refusal(
    script: str, sentence: str, checkout: MakeCheckout, capsys: pytest.CaptureFixture[str]
) -> None:
    root = checkout()
    (root / "mnist_infer" / "local" / "trial.py").write_text(script)
    assert sentence in refused(root, capsys)


def test_a_damaged_model_is_refused(checkout: MakeCheckout, capsys: pytest.CaptureFixture[str]) -> None:
    root = checkout()
    (root / "export" / "10" / "saved_model.pb").write_bytes(b"a model")
    assert "saved_model.pb is damaged, or no SavedModel" in refused(root, capsys)


@pytest.mark.parametrize("python", ["3.12", "3.9", f"{PYTHON}.4", "3"])
def test_a_python_that_the_lock_has_no_wheels_for_is_refused_with_those_that_it_has(
    python: str, checkout: MakeCheckout, capsys: pytest.CaptureFixture[str]
) -> None:
    root = checkout()
    lock = root / build_zip.LOCK
    lock.write_text(re.sub(r"^# Pythons: .+", "# Pythons: 3.10 3.11", lock.read_text(), flags=re.MULTILINE))
    sentence = (
        f"{build_zip.LOCK} has wheels for Python 3.10 and 3.11, and none for {python}: its head says how to add them"
    )
    assert refused(root, capsys, "--python", python) == f"build_zip.py: {sentence}"


def test_a_missing_interpreter_is_named(checkout: MakeCheckout, capsys: pytest.CaptureFixture[str]) -> None:
    sentence = refused(checkout(), capsys, "--python", "3.99")
    assert sentence.startswith("build_zip.py: python3.99 cannot be run: No such file or directory; install Python 3.99")


@pytest.mark.parametrize(
    ("variable", "folder"),
    [
        pytest.param("PYENV_ROOT", "versions/3.99.1/bin", id="pyenv"),
        pytest.param("UV_PYTHON_INSTALL_DIR", "cpython-3.99.1-linux-x86_64-gnu/bin", id="uv"),
    ],
)
def test_an_interpreter_that_is_not_on_the_path_is_found_where_version_managers_keep_it(
    variable: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(tmp_path))
    python = tmp_path / folder / "python3.99"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\necho cpython.3.99.1\necho {python}\n")
    python.chmod(0o755)
    assert build_zip.find_interpreter("3.99", None) == build_zip.Interpreter(str(python), "3.99.1")


def test_an_interpreter_of_another_version_is_refused(
    checkout: MakeCheckout, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = refused(checkout(), capsys, "--python", "3.1", "--interpreter", sys.executable)
    assert f"is cpython.{PYTHON}." in sentence
    assert "and the target is cpython.3.1; install Python 3.1" in sentence


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("exit 0", "is no Python, and the target is"),
        ("echo hello", "is hello, and the target is"),
        ("echo Traceback >&2; echo 'OSError: why' >&2; exit 1", "failed: OSError: why"),
    ],
)
def test_an_interpreter_that_is_none_is_refused(
    script: str, sentence: str, checkout: MakeCheckout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "python"
    other.write_text(f"#!/bin/sh\n{script}\n")
    other.chmod(0o755)
    assert sentence in refused(checkout(), capsys, "--interpreter", str(other))


@pytest.mark.parametrize(
    ("removed", "arguments", "message"),
    [
        ("export", (), "export cannot be read"),
        ("export/10/saved_model.pb", (), "export/10 has no saved_model.pb"),
        ("handler.py", ("--model-version", "11"), "export has no version 11"),
    ],
    ids=["no folder", "no file", "no such version"],
)
def test_a_missing_model_is_refused(
    removed: str, arguments: tuple[str, ...], message: str, checkout: MakeCheckout, capsys: pytest.CaptureFixture[str]
) -> None:
    root = checkout()
    path = root / removed
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert refused(root, capsys, *arguments).endswith(message)


def test_wheels_that_the_cache_lacks_are_downloaded(
    checkout: MakeCheckout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = checkout()
    (root / ".cache").rename(tmp_path / "index")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index" / "wheels" / PYTHON))
    assert build(tmp_path / "out.zip") == 0
    shutil.rmtree(tmp_path / "index")
    assert build(tmp_path / "again.zip") == 0
    assert (tmp_path / "out.zip").read_bytes() == (tmp_path / "again.zip").read_bytes()


def test_a_damaged_wheel_in_the_cache_is_downloaded_again(
    checkout: MakeCheckout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = checkout()
    cache = root / ".cache" / "wheels" / PYTHON
    shutil.copytree(cache, tmp_path / "index")
    (cache / "numpy-1.0-py3-none-any.whl").write_bytes(b"half a whe")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    assert build(tmp_path / "out.zip") == 0


def test_a_wheel_with_another_hash_is_refused(
    checkout: MakeCheckout, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = checkout()
    (root / ".cache").rename(tmp_path / "index")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index" / "wheels" / PYTHON))
    change_a_pin(root)
    assert "another SHA-256 than the lock says" in refused(root, capsys)


def test_a_missing_network_is_named(
    checkout: MakeCheckout, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = checkout()
    shutil.rmtree(root / ".cache")
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # nobody listens on port 9
    monkeypatch.setenv("PIP_RETRIES", "1")
    assert "the package index cannot be reached" in refused(root, capsys)


def test_a_wheel_that_the_index_lacks_is_named(checkout: MakeCheckout, capsys: pytest.CaptureFixture[str]) -> None:
    root = checkout()
    shutil.rmtree(root / ".cache")
    assert "No matching distribution found for tensorflow-cpu==1.0" in refused(root, capsys)


def test_a_full_disk_leaves_nothing_behind(checkout: MakeCheckout, capsys: pytest.CaptureFixture[str]) -> None:
    root = checkout()
    (root / "export" / "10" / "variables" / "noise").write_bytes(os.urandom(300_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (305_000, hard))  # less than the zip, more than any file in it
    try:
        sentence = refused(root, capsys)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert sentence == f"build_zip.py: File too large: {root / 'dist' / 'mnist_infer.zip'}"


@pytest.mark.parametrize(
    ("name", "is_shipped"),
    [
        ("numpy/f2py/__init__.py", True),
        ("numpy/_core/tests/_natype.py", True),
        ("numpy/_core/tests/test_umath.py", False),
        ("numpy/testing/__init__.py", True),
        ("numpy/_core/_multiarray_umath.cpython-310-x86_64-linux-gnu.so", True),
        ("numpy/_core/_multiarray_tests.cpython-310-x86_64-linux-gnu.so", False),
        ("numpy/random/lib/libnpyrandom.a", False),
        ("PIL/WebPImagePlugin.py", True),
        ("PIL/MpoImagePlugin.py", True),
        ("PIL/Jpeg2KImagePlugin.py", False),
        ("PIL/AvifImagePlugin.py", False),
        ("PIL/ImageCms.py", True),
        ("PIL/_imagingft.cpython-310-x86_64-linux-gnu.so", False),
        ("pillow.libs/libjpeg-02b4d8cf.so.62.4.0", True),
        ("certifi/cacert.pem", True),
        ("certifi/py.typed", False),
        ("urllib3-2.8.0.dist-info/RECORD", False),
    ],
)
def test_what_a_request_may_need_is_shipped(name: str, is_shipped: bool) -> None:
    assert build_zip.is_shipped(name.split("/")[0], name) is is_shipped


def test_the_lock_pins_every_wheel_of_the_four_packages() -> None:
    pins = build_zip.read_lock(ROOT / build_zip.LOCK)
    assert {"tensorflow-cpu", "numpy", "pillow", "requests"} < pins.keys()
    assert all(pins.values())
