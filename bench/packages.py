"""What each way would upload: its packages, pruned and compiled as the zip's are, with our code and the model."""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import build_zip
from bench.circumstances import ARCHIVE
from bench.environments import CACHE, Unavailable, download, environment, shipped_versions
from bench.report import progress
from mnist_infer.config import ROOT
from testbed.dependency_groups import pins
from testbed.unpack import unpack


@dataclass(frozen=True)
class Package:
    """An unpacked package, and what it takes.

    Attributes:
        folder: where it is unpacked.
        runtime: what runs the model, with its version.
        unzipped_mb, zipped_mb: 10^6 bytes.
        fault: why the platform would not load it as documented, glibc 2.17; empty where it would.
    """

    folder: Path
    runtime: str
    unzipped_mb: float
    zipped_mb: float
    fault: str


def ours() -> Package:
    """Return the zip in `dist/`, unpacked.

    Raises:
        Unavailable: there is none.
    """
    if not ARCHIVE.exists():
        raise Unavailable("there is no `dist/mnist_infer.zip`: run `make zip`")
    folder, key = CACHE / "packages" / "ours", build_zip.sha256(ARCHIVE)
    if (package := _cached(folder, key)) is not None:
        return package
    shutil.rmtree(folder, ignore_errors=True)
    unpack(ARCHIVE, folder / "code")
    with zipfile.ZipFile(ARCHIVE) as archive:
        unzipped = sum(entry.file_size for entry in archive.infolist())
    runtime = f"TensorFlow {shipped_versions()['tensorflow-cpu']}, C library"
    return _keep(folder, key, Package(folder / "code", runtime, unzipped / 1e6, ARCHIVE.stat().st_size / 1e6, ""))


def of_peer(name: str, requirements: Sequence[str], own_numpy: bool, model: Path, interpreter: Path) -> Package:
    """Return the package that a peer would need, with our code as it is now; the first time its wheels are unpacked.

    Args:
        name: of the peer, for its folder.
        requirements: what runs the model, first of all.
        own_numpy: whether it needs another NumPy than the zip's.
        model: folder of the model in its format.
        interpreter: Python 3.10.

    Raises:
        Unavailable: there are no wheels, or they cannot be made a package.
    """
    folder = CACHE / "packages" / name
    rules = [path.read_text() for path in (ROOT / build_zip.LOCK, Path(build_zip.__file__))]
    key = hashlib.sha256("".join([*pins("peers"), *rules]).encode()).hexdigest()
    try:
        dependencies = _cached(folder, key)
        if dependencies is None:
            progress(f"building the package of {name} (once, some minutes)")
            wheels = _download(folder, requirements, own_numpy, interpreter)
            dependencies = _keep(folder, key, _unpack_dependencies(folder, wheels, interpreter))
        unzipped_mb, zipped_mb = _add_own_files(folder, dependencies.folder, model, interpreter)
    except (build_zip.BuildError, OSError, zipfile.BadZipFile) as error:
        raise Unavailable(str(error)) from error
    return replace(
        dependencies,
        unzipped_mb=dependencies.unzipped_mb + unzipped_mb,
        zipped_mb=dependencies.zipped_mb + zipped_mb,
    )


def _download(folder: Path, requirements: Sequence[str], own_numpy: bool, interpreter: Path) -> list[Path]:
    """Return the wheels of a peer; of what the zip has as well, the zip's, which the platform loads."""
    versions = shipped_versions()
    shared = [name for name in versions if name != "tensorflow-cpu" and not (own_numpy and name == "numpy")]
    pinned = [f"{name}=={versions[name]}" for name in shared]
    python = environment("python-3.10", [], interpreter)
    shutil.rmtree(folder, ignore_errors=True)
    wheels = download(python, [*requirements, "numpy", "pillow", "requests"], pinned, folder / "wheels")
    shipped = build_zip.fetch_wheels("3.10")
    others = [wheel for wheel in wheels if _name(wheel) not in shared]
    return others + [shipped[name] for name in shared if any(_name(wheel) == name for wheel in wheels)]


def _unpack_dependencies(folder: Path, wheels: Sequence[Path], interpreter: Path) -> Package:
    tree = folder / "code"
    # Under names that the zip's rules do not know, so that they keep what `import tensorflow` needs.
    build_zip.unpack({wheel.name: wheel for wheel in wheels}, tree)
    for library in filter(Path.exists, (tree / name for name in build_zip.TENSORFLOW_LIBRARIES)):
        build_zip.run(["strip", "--strip-unneeded", library])
    libraries, fault = build_zip.drop_orphans(build_zip.read_libraries(tree)), ""
    try:
        build_zip.check_libraries(libraries)
    except build_zip.BuildError as error:
        fault = str(error).partition(", and")[0]
    build_zip.compile_dependencies(tree, build_zip.ask_interpreter(str(interpreter), "3.10"))
    runtime = _runtime(wheels)
    shutil.rmtree(folder / "wheels")
    return Package(tree, runtime, *_sizes_mb(tree, folder), fault)


def _add_own_files(folder: Path, tree: Path, model: Path, interpreter: Path) -> tuple[float, float]:
    """Put our code and the model into a package, and return what they take, unzipped and zipped."""
    own = folder / "own"
    for old in (own, *(tree / name for name in ("mnist_infer", "export", ".cache"))):
        shutil.rmtree(old, ignore_errors=True)
    build_zip.copy_own_files(own, model)  # of a model's folder what the zip takes: a SavedModel
    for file in model.glob("model.*"):  # a peer's format is one file
        target = own / file.relative_to(ROOT)
        target.parent.mkdir(parents=True)
        shutil.copyfile(file, target)
    build_zip.compile_own_files(own, build_zip.ask_interpreter(str(interpreter), "3.10"))
    shutil.copytree(own, tree, dirs_exist_ok=True)
    return _sizes_mb(own, folder)


def _sizes_mb(tree: Path, scratch: Path) -> tuple[float, float]:
    """Return what a folder takes, unzipped and zipped, in 10^6 bytes."""
    archive = scratch / "package.zip"
    archive.unlink(missing_ok=True)
    build_zip.write_zip(tree, archive)
    zipped = archive.stat().st_size
    archive.unlink()
    return sum(path.stat().st_size for path in tree.rglob("*") if path.is_file()) / 1e6, zipped / 1e6


def _runtime(wheels: Sequence[Path]) -> str:
    """Return name and version of the wheel that runs the model: the largest."""
    wheel = max(wheels, key=lambda wheel: wheel.stat().st_size)
    return f"{_name(wheel)} {wheel.name.split('-')[1]}"


def _name(wheel: Path) -> str:
    return wheel.name.partition("-")[0].replace("_", "-").lower()


def _cached(folder: Path, key: str) -> Package | None:
    record = folder / "package.json"
    if not record.exists():
        return None
    fields = json.loads(record.read_text())
    if fields.pop("key") != key:
        return None
    return Package(**fields | {"folder": Path(fields["folder"])})


def _keep(folder: Path, key: str, package: Package) -> Package:
    fields = asdict(package) | {"key": key, "folder": str(package.folder)}
    (folder / "package.json").write_text(json.dumps(fields))
    return package
