"""Build the zip that the cloud takes: `python build_zip.py` writes `dist/mnist_infer.zip`.

`build` has the steps, in their order. The wheels are those that `requirements-zip.lock` pins, never
what is installed here. The same inputs give the same bytes, from the same versions of Python, zlib
and NumPy: they are printed, with the zip's SHA-256. TensorFlow's libraries are linked again on the way,
with what the model's operations need: see `relink/`.
"""

import argparse
import functools
import hashlib
import os
import platform
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mnist_infer.config import ROOT
from mnist_infer.errors import ModelUnavailable
from mnist_infer.saved_model import operations_of
from mnist_infer.versions import find_version
from relink import cache
from relink.elf import RelinkError
from relink.linker import LIBRARIES, relink
from relink.operations import FUNCTIONS, OPERATIONS
from relink.report import summary

LOCK = "requirements-zip.lock"
WHEEL_CACHE = Path(".cache", "wheels")  # one folder for each Python
RELINKED_CACHE = Path(".cache", "relinked")

# The platform, as it is documented: its limits, and CentOS 7 on x86-64.
CODE_FOLDER = "/var/user"
MAX_UNZIPPED_BYTES = 500_000_000
MAX_CONSOLE_BYTES = 50_000_000
PLATFORM_TAGS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64")
FILE_FORMAT = "elf64-x86-64"
NEWEST_SYMBOLS = {"GLIBC": (2, 17), "GLIBCXX": (3, 4, 19), "CXXABI": (1, 3, 7), "GCC": (4, 8, 0), "ZLIB": (1, 2, 7)}
BASE_LIBRARIES = {
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "librt.so.1",
    "libstdc++.so.6",
    "libz.so.1",
}

# The parts of the budget, by what the names at the top level begin with.
PARTS = {
    "TensorFlow": ("tensorflow",),
    "NumPy": ("numpy",),
    "Pillow": ("PIL", "pillow"),
    "model": ("export",),
    "our code": ("handler", "mnist_infer", "__pycache__", "LICENSE"),
    "requests and co": ("",),
}

TENSORFLOW_LIBRARIES = tuple(f"tensorflow/{name}" for name in LIBRARIES)

# Kept of a model's folder, where figures and an editor's files stand beside them.
MODEL_PARTS = ("saved_model.pb", "variables", "assets")

# Kept of every wheel, wherever they stand.
LICENCES = re.compile(r"(^|/)(LICEN[CS]E|COPYING|COPYRIGHT|NOTICE|THIRD_PARTY)[^/]*$|\.dist-info/licen[cs]es/.")

# What no request reads, by its path in a wheel. Every public module of NumPy stays but distutils, a
# compiler: without f2py, `from numpy import *` would fail. Of Pillow colour management and
# TIFF stay, too, although no request reaches them: tests that run on the zip write Exif with them.
UNUSED = re.compile(
    r"""
      /tests/(?!_natype\.py$)                               # numpy.testing imports that one
    | (^|/)(include|_examples|_pyinstaller)/
    | /(__main__\.py|conftest\.py|py\.typed)$
    | \.(pyi|pyx|pxd|h|c|f|a|pc|ini|in|build|js|rst|txt)$   # stubs, sources, static libraries, documents
    | ^[^/]+\.data/                                         # scripts, and what pip puts outside of packages
    | \.dist-info/(?!METADATA$)
    | ^numpy/distutils/
    | ^numpy/_core/(_simd|_[a-z_]+_tests)\.                 # extension modules that NumPy's tests import
    | ^charset_normalizer/cli/
    | ^PIL/(_avif|_imagingft|_imagingtk|ImageTk|_tkinter_finder|PSDraw)\.
    | ^PIL/(?!(Bmp|Gif|Jpeg|Mpo|Png|Tiff|WebP)Image)\w+ImagePlugin\.
    """,
    re.VERBOSE,
)

say = functools.partial(print, flush=True)


class BuildError(Exception):
    """No zip can be built; the text says why, in one sentence."""


class Interpreter(NamedTuple):
    """A Python of the target's minor version, and its whole version."""

    command: str
    version: str


class Library(NamedTuple):
    """What a shared library asks of the machine that loads it."""

    file_format: str
    needed: frozenset[str]
    symbol_versions: frozenset[str]


class Size(NamedTuple):
    """What a part of the zip takes: its files, and 10^6 bytes."""

    files: int
    unzipped_mb: float
    zipped_mb: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the zip, and return the exit status."""
    parser = argparse.ArgumentParser(prog="build_zip.py", description="Build the zip that the cloud takes.")
    parser.add_argument("--python", default="3.10", help="the function's Python (default: %(default)s)")
    parser.add_argument("--interpreter", help="a Python of that version, to compile with (default: from the PATH)")
    parser.add_argument("--output", type=Path, default=ROOT / "dist" / "mnist_infer.zip", help="(default: %(default)s)")
    parser.add_argument("--model-version", type=int, help="the model to ship (default: the highest in export/)")
    parser.add_argument("--accept-model", action="store_true", help="also one that cannot read the example pictures")
    parser.add_argument("--operations", nargs="+", default=[], metavar="OP", help="keep these operations too")
    parser.add_argument("--keep-all", action="store_true", help="drop nothing of TensorFlow; 2.20.0 is too large then")
    options = parser.parse_args(arguments)
    operations = None if options.keep_all else frozenset(options.operations)
    try:
        build(
            options.python, options.interpreter, options.output, options.model_version, operations, options.accept_model
        )
    except BuildError as error:
        print(f"build_zip.py: {error}", file=sys.stderr)
    except OSError as error:  # a full disk, a folder that may not be written
        print(f"build_zip.py: {error.strerror or error}: {error.filename or options.output}", file=sys.stderr)
    else:
        return 0
    return 1


def build(
    python: str,
    interpreter_command: str | None,
    output: Path,
    model_version: int | None,
    operations: frozenset[str] | None = frozenset(),
    accept_model: bool = False,
) -> None:
    """Write the zip, or leave `output` as it was.

    `operations` are kept of TensorFlow besides the model's and those of `relink/operations.py`; None keeps all. With
    `accept_model` the zip is written also where the model cannot read the example pictures.

    Raises:
        BuildError: a tool, a wheel or the model is missing, or what was built does not fit the platform.
        OSError: a file cannot be written.
    """
    check_python(python)
    interpreter = find_interpreter(python, interpreter_command)
    find_objdump()
    model = find_model(ROOT / "export", model_version)
    wheels = fetch_wheels(python)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build_zip-", dir=output.parent) as scratch:
        tree, unfinished = Path(scratch, "tree"), Path(scratch, "zip")
        unpack(wheels, tree)
        link_tensorflow(tree, model, operations)
        check_libraries(drop_orphans(read_libraries(tree)))
        compile_dependencies(tree, interpreter)
        copy_own_files(tree, model)
        compile_own_files(tree, interpreter)
        try_model(tree, interpreter, accept_model)
        check_size(tree)
        write_zip(tree, unfinished)
        print_budget(unfinished)
        unfinished.replace(output)  # within one file system: all of it, or nothing
    made_with = f"Python {platform.python_version()}, zlib {zlib.ZLIB_RUNTIME_VERSION}, NumPy {np.__version__}"
    say(f"model {model.name}; made with {made_with}; compiled by Python {interpreter.version}")
    say(f"{sha256(output)}  {output}")


def run(command: Sequence[str | Path], environ: Mapping[str, str] | None = None, folder: Path | None = None) -> str:
    """Return what a program prints."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", env=environ, cwd=folder)
    except OSError as error:
        raise BuildError(f"{command[0]} cannot be run: {error.strerror}") from error
    if done.returncode:
        said = (done.stderr + done.stdout).strip().splitlines() or [f"status {done.returncode}"]
        raise BuildError(f"{command[0]} failed: {said[-1 if said[0].startswith('Traceback') else 0]}")
    return done.stdout


def sha256(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


# What the build needs of this machine


def check_python(python: str) -> None:
    """Refuse a Python that the lock has no wheels for: pip would say of those for it that their hashes differ."""
    pythons = re.findall(r"^# Pythons: (.+)$", (ROOT / LOCK).read_text(), re.MULTILINE)[0].split()
    if python not in pythons:
        known = " and ".join(pythons)
        raise BuildError(f"{LOCK} has wheels for Python {known}, and none for {python}: its head says how to add them")


def find_interpreter(python: str, named: str | None) -> Interpreter:
    """Return a Python of the target's minor version: .pyc files are good for no other.

    Unless one is named, it is the running one, the one on the PATH, or one that pyenv or uv keeps.
    """
    is_running = python == f"{sys.version_info.major}.{sys.version_info.minor}"
    on_path = sys.executable if is_running else f"python{python}"
    refusals = []
    for command in [named] if named else [on_path, *kept_interpreters(python)]:
        try:
            return ask_interpreter(command, python)
        except BuildError as error:  # not there, or a stand-in of a version manager
            refusals.append(str(error))
    raise BuildError(f"{refusals[0]}; install Python {python} (pyenv or uv: {python}), or name one with --interpreter")


def kept_interpreters(python: str) -> list[str]:
    """Return the Pythons of a minor version where pyenv and uv keep theirs."""
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT") or home / ".pyenv") / "versions"
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or home / ".local" / "share" / "uv" / "python")
    kept = [*pyenv.glob(f"{python}.*/bin/python{python}"), *uv.glob(f"cpython-{python}.*/bin/python{python}")]
    return sorted(map(str, kept))


def ask_interpreter(command: str, python: str) -> Interpreter:
    """Return a Python and its whole version.

    Raises:
        BuildError: it cannot be run, or is no CPython of the minor version.
    """
    about = "import sys; print(sys.implementation.name, *sys.version_info[:3], sep='.'); print(sys.executable)"
    version, *executable = run([command, "-c", about]).splitlines() or ["no Python"]
    if not version.startswith(f"cpython.{python}."):
        raise BuildError(f"{command} is {version}, and the target is cpython.{python}")
    return Interpreter(executable[0], version.removeprefix("cpython."))


def find_objdump() -> None:
    """Refuse to begin without the tool that reads shared libraries."""
    if not shutil.which("objdump"):
        raise BuildError("objdump is not on the PATH: install binutils")


def find_model(export: Path, version: int | None) -> Path:
    """Return the folder of a model version, the highest unless one is named."""
    try:
        folder = find_version(export, version)
    except ModelUnavailable as error:
        raise BuildError(str(error)) from error
    if not (folder / "saved_model.pb").is_file():
        raise BuildError(f"{folder} has no saved_model.pb")
    return folder


# The wheels


def fetch_wheels(python: str) -> dict[str, Path]:
    """Return the pinned wheels by distribution. pip is asked only when the cache lacks one."""
    pins = read_lock(ROOT / LOCK)
    cache = ROOT / WHEEL_CACHE / python
    wheels = find_wheels(cache, pins)
    if missing := pins.keys() - wheels.keys():
        say(f"downloading for Python {python}: {', '.join(sorted(missing))}")
        download_wheels(cache, python)
        wheels = find_wheels(cache, pins)
    if missing := pins.keys() - wheels.keys():
        raise BuildError(f"pip brought no wheel with a SHA-256 of {LOCK} for {', '.join(sorted(missing))}")
    return wheels


def read_lock(lock: Path) -> dict[str, list[str]]:
    """Return the SHA-256 that each distribution's wheel may have."""
    lines = lock.read_text().replace("\\\n", " ").splitlines()
    names = {line: name[1] for line in lines if (name := re.match(r"([\w.-]+)==", line))}
    return {name: re.findall(r"--hash=sha256:([0-9a-f]{64})", line) for line, name in names.items()}


def find_wheels(cache: Path, pins: Mapping[str, Iterable[str]]) -> dict[str, Path]:
    """Return what the cache has of the pinned wheels, by distribution."""
    by_hash = {sha256(path): path for path in cache.glob("*.whl")}
    return {name: by_hash[pin] for name, hashes in pins.items() for pin in hashes if pin in by_hash}


def download_wheels(cache: Path, python: str) -> None:
    """Let pip download all pinned wheels that the cache lacks."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-cache-dir"]
    command += ["--only-binary=:all:", "--no-deps", "--require-hashes", "--python-version", python]
    command += [f"--platform={tag}" for tag in PLATFORM_TAGS]
    done = subprocess.run([*command, "-d", cache, "-r", ROOT / LOCK], capture_output=True, text=True)
    if done.returncode == 0:
        return
    causes = {
        "DO NOT MATCH THE HASHES": "one has another SHA-256 than the lock says",
        "Retrying (": "the package index cannot be reached: is there a network?",
        "No module named pip": f"{sys.executable} has no pip (Debian: python3-pip)",
    }
    said = done.stderr.strip().splitlines() or [f"pip failed with status {done.returncode}"]
    errors = [line.removeprefix("ERROR: ") for line in said if line.startswith("ERROR: ") and line[-1] != ":"]
    cause = next((text for sign, text in causes.items() if sign in done.stderr), (errors or said)[-1])
    raise BuildError(f"the wheels of {LOCK} cannot be downloaded for Python {python}: {cause}")


def unpack(wheels: Mapping[str, Path], tree: Path) -> None:
    """Unpack what is shipped of each wheel."""
    say(f"unpacking {', '.join('-'.join(wheel.name.split('-')[:2]) for wheel in wheels.values())}")
    for distribution, wheel in wheels.items():
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(tree, (name for name in archive.namelist() if is_shipped(distribution, name)))


def is_shipped(distribution: str, name: str) -> bool:
    """Return whether a file in a distribution's wheel is shipped."""
    if name.endswith("/"):  # folders come with their files
        return False
    if LICENCES.search(name):
        return True
    if distribution == "tensorflow-cpu":
        return name in TENSORFLOW_LIBRARIES or name.endswith(".dist-info/METADATA")
    return not UNUSED.search(name)


# The shared libraries


def link_tensorflow(tree: Path, model: Path, operations: frozenset[str] | None) -> None:
    """Put TensorFlow's libraries in the tree in the place of the wheel's, linked again for what is shipped."""
    for name in TENSORFLOW_LIBRARIES:
        if not (tree / name).exists():
            raise BuildError(f"the wheel of tensorflow-cpu has no {name}")
    folder = (tree / TENSORFLOW_LIBRARIES[0]).parent
    try:
        wanted, keep_all = OPERATIONS | operations_of(model) | (operations or frozenset()), operations is None
        entry = ROOT / RELINKED_CACHE / cache.fingerprint(folder, wanted, FUNCTIONS, keep_all)
        if cache.restore(entry, folder):
            say(f"TensorFlow was linked for these operations before: {entry}")
            return
        made = relink(folder, folder, wanted, FUNCTIONS, keep_all, say)
    except RelinkError as error:
        raise BuildError(f"TensorFlow cannot be linked again: {error}") from error
    except ModelUnavailable as error:
        raise BuildError(str(error)) from error
    cache.store(folder, entry)
    for line in summary(made) if made else ():
        say(line)


def read_libraries(tree: Path) -> dict[Path, Library]:
    """Return every shared library."""
    libraries = {}
    for path in filter(Path.is_file, sorted(tree.rglob("*"))):
        with path.open("rb") as file:
            if file.read(4) != b"\x7fELF":
                continue
        text = run(["objdump", "--private-headers", path], os.environ | {"LC_ALL": "C"})
        head, _, references = text.partition("\nVersion References:\n")
        libraries[path] = Library(
            re.findall(r"file format (\S+)", head)[0],
            frozenset(re.findall(r"^ +NEEDED +(\S+)", head, re.MULTILINE)),
            frozenset(re.findall(r"^ +0x\S+ 0x\S+ \d+ (\S+)", references, re.MULTILINE)),
        )
    return libraries


def drop_orphans(libraries: Mapping[Path, Library]) -> dict[Path, Library]:
    """Delete the vendored libraries that nothing shipped needs any more, and return those that stay."""
    needed = {name for library in libraries.values() for name in library.needed}
    orphans = {path for path in libraries if path.parent.suffix == ".libs" and path.name not in needed}
    for path in orphans:
        path.unlink()
    kept = {path: library for path, library in libraries.items() if path not in orphans}
    return drop_orphans(kept) if orphans else kept


def check_libraries(libraries: Mapping[Path, Library]) -> None:
    """Refuse what the platform could not load."""
    say(f"checking {len(libraries)} shared libraries against glibc 2.17")
    available = BASE_LIBRARIES | {path.name for path in libraries}
    for path, library in libraries.items():
        if library.file_format != FILE_FORMAT:
            raise BuildError(f"{path.name} is {library.file_format}, and the platform is {FILE_FORMAT}")
        if missing := library.needed - available:
            raise BuildError(
                f"{path.name} needs {', '.join(sorted(missing))}, neither in the zip nor in the base system"
            )
        if too_new := sorted(filter(is_too_new, library.symbol_versions)):
            raise BuildError(f"{path.name} needs {', '.join(too_new)}, and the platform is older")


def is_too_new(symbol_version: str) -> bool:
    """Return whether the platform lacks a version such as GLIBC_2.34, or one without a number, as GLIBC_PRIVATE."""
    name, _, version = symbol_version.partition("_")
    if name not in NEWEST_SYMBOLS:  # not of the base system
        return False
    return not re.fullmatch(r"\d+(\.\d+)*", version) or tuple(map(int, version.split("."))) > NEWEST_SYMBOLS[name]


# Our own files, and the .pyc files, which the platform has no place to write


def compile_dependencies(tree: Path, interpreter: Interpreter) -> None:
    """Put .pyc files in the place of the dependencies' sources.

    Leaving out the sources saves 5.7 MB, nearly all that this version of TensorFlow leaves for a
    larger model. They would not be read: nobody edits them in the console, and no other version of
    Python could use them, as the extension modules beside them are for this one.
    """
    say(f"compiling for Python {interpreter.version}")
    run_compileall(interpreter, "unchecked-hash", tree, "-b", *sorted(path.name for path in tree.iterdir()))
    for source in tree.rglob("*.py"):
        source.unlink()


def copy_own_files(tree: Path, model: Path) -> None:
    """Copy the entry file to the root, our package but for what is local, and the model without its record."""
    package = [path for path in (ROOT / "mnist_infer").rglob("*") if path.suffix in (".py", ".html")]
    not_shipped = {ROOT / "mnist_infer" / name for name in ("hosting", "local", "__main__.py")}
    shipped = [path for path in package if not not_shipped & {path, *path.parents}]
    learnt = [path for path in model.rglob("*") if path.is_file() and path.relative_to(model).parts[0] in MODEL_PARTS]
    for path in (ROOT / "handler.py", ROOT / "LICENSE", *shipped, *learnt):
        target = tree / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def compile_own_files(tree: Path, interpreter: Interpreter) -> None:
    """Put .pyc files beside our sources, and check them against these at every start.

    People read and edit the sources in the console, and unchecked, an edit would change nothing.
    """
    run_compileall(interpreter, "checked-hash", tree, "handler.py", "mnist_infer")


def run_compileall(interpreter: Interpreter, invalidation_mode: str, tree: Path, *arguments: str) -> None:
    """Compile with the paths that files have on the platform, as tracebacks show them.

    Two things would make bytes differ. A constant set is written in the order of its elements' hashes:
    hence the seed. And a name is written in another way while something else refers to it, garbage
    as well: hence no garbage collection, whose moments depend on everything else in the process.
    """
    compileall = "import gc; gc.disable(); import sys; del sys.path[0]; import compileall as c; sys.exit(not c.main())"
    command = [interpreter.command, "-S", "-c", compileall, "-q", "--invalidation-mode", invalidation_mode]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    run([*command, "-p", CODE_FOLDER, *arguments], environ | {"PYTHONHASHSEED": "0"}, tree)


def try_model(tree: Path, interpreter: Interpreter, accept: bool) -> None:
    """Refuse a model that cannot read the example pictures, told by the files that are about to be shipped."""
    code = "import runpy, sys; sys.path[0] = sys.argv.pop(1); runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    script, pictures = ROOT / "mnist_infer" / "local" / "trial.py", ROOT / "examples" / "digits"
    own = {"MNIST_MODEL_DIR": str(tree / "export"), "MNIST_DEVICE": "cpu", "PYTHONDONTWRITEBYTECODE": "1"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MNIST_"))}
    ranged = {name: value for name, value in os.environ.items() if name == "MNIST_INPUT_RANGE"}
    done = subprocess.run(
        [interpreter.command, "-S", "-c", code, tree, script, pictures],
        env=kept | ranged | own,
        capture_output=True,
        text=True,
    )
    said = (done.stdout or done.stderr).strip().splitlines() or [f"the trial ended with status {done.returncode}"]
    if done.returncode and not accept:
        raise BuildError(f"{said[-1]}. If that is as it should be: --accept-model")
    say(said[-1])


# The budget, and the zip


def part_of(name: str) -> str:
    """Return the part of the budget that a file at `name` in the zip belongs to."""
    return next(part for part, beginnings in PARTS.items() if name.startswith(beginnings))


def check_size(tree: Path) -> None:
    """Refuse what is too large for the platform."""
    sizes = Counter[str]()
    for path in filter(Path.is_file, tree.rglob("*")):
        sizes[part_of(path.relative_to(tree).as_posix())] += path.stat().st_size
    if sizes.total() > MAX_UNZIPPED_BYTES:
        each = ", ".join(f"{part} {size / 1e6:.1f}" for part, size in sizes.most_common())
        total, limit = sizes.total() / 1e6, MAX_UNZIPPED_BYTES / 1e6
        raise BuildError(f"unzipped it has {total:.1f} MB, and the platform takes {limit:.1f} ({each})")


def write_zip(tree: Path, target: Path) -> None:
    """Write a zip that depends on nothing but the names and contents of the files."""
    say("compressing, which takes about a minute")
    with zipfile.ZipFile(target, "x") as archive:
        for name, path in sorted((path.relative_to(tree).as_posix(), path) for path in tree.rglob("*")):
            entry = zipfile.ZipInfo(name + "/" * path.is_dir())  # of 1980-01-01, the format's earliest day
            entry.create_system = 3  # Unix, so that the modes count: readable for any user
            if path.is_dir():
                entry.external_attr = (stat.S_IFDIR | 0o755) << 16
                archive.writestr(entry, b"", zipfile.ZIP_STORED)
            else:
                entry.external_attr = (stat.S_IFREG | 0o644) << 16
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)


def measure_parts(zipped: Path) -> dict[str, Size]:
    """Return what each part of a zip takes, and at last all of it, with what the zip itself adds."""
    files, unpacked, packed = Counter[str](), Counter[str](), Counter[str]()
    with zipfile.ZipFile(zipped) as archive:
        for entry in (entry for entry in archive.infolist() if not entry.is_dir()):
            part = part_of(entry.filename)
            files[part] += 1
            unpacked[part] += entry.file_size
            packed[part] += entry.compress_size
    parts = {part: Size(files[part], unpacked[part] / 1e6, packed[part] / 1e6) for part in PARTS}
    return parts | {"all": Size(files.total(), unpacked.total() / 1e6, zipped.stat().st_size / 1e6)}


def print_budget(zipped: Path) -> None:
    """Print what each part takes against the platform's limits."""
    say(f"{'part':16} {'files':>5} {'unzipped MB':>12} {'zipped MB':>12}")
    for part, size in measure_parts(zipped).items():
        say(f"{part:16} {size.files:5} {size.unzipped_mb:12.3f} {size.zipped_mb:12.3f}")
    limits = f"{MAX_UNZIPPED_BYTES / 1e6:12.3f} {MAX_CONSOLE_BYTES / 1e6:12.3f}"
    say(f"{'limit':16} {'':5} {limits}  (by console upload; through COS there is none)")


if __name__ == "__main__":
    sys.exit(main())
