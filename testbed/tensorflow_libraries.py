"""Fetch the TensorFlow libraries that the tests and benchmarks name, one folder per version.

`python -m testbed.tensorflow_libraries .cache/tensorflow` leaves each at
`.cache/tensorflow/<version>/tensorflow/`, in the wheel's own layout, and stripped as the zip has
them. A library is the same for every Python, so the wheel may be another Python's.
"""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

# Version, and a Python and a platform that it has a wheel for: the oldest that is supported, and the newest. The one
# that is installed and shipped is what all other tests run.
WHEELS = {
    "2.13.1": ("3.10", "manylinux2014_x86_64"),
    "2.21.0": ("3.12", "manylinux_2_27_x86_64"),
}


def main(cache: Path) -> None:
    """Fetch every version that `cache` lacks; until it has them all, the folder has another name."""
    partial = cache.with_name(f"{cache.name}.partial")
    if cache.exists():
        cache.rename(partial)
    partial.mkdir(parents=True, exist_ok=True)
    for version, (python, platform) in WHEELS.items():
        folder = partial / version
        if folder.exists():
            continue
        print(f"fetching the libraries of tensorflow-cpu {version}", flush=True)
        with tempfile.TemporaryDirectory(dir=partial) as scratch:
            _fetch(version, python, platform, Path(scratch))
            (Path(scratch) / "unpacked").rename(folder)
    partial.rename(cache)


def _fetch(version: str, python: str, platform: str, scratch: Path) -> None:
    from build_zip import TENSORFLOW_LIBRARIES  # the sandbox's tests import the versions alone, and have no build

    target = ["--python-version", python, "--platform", platform, "--only-binary=:all:", "--no-deps"]
    quiet = ["--quiet", "--disable-pip-version-check", "--no-cache-dir"]
    download = [sys.executable, "-m", "pip", "download", *quiet, *target, f"tensorflow-cpu=={version}"]
    if subprocess.run([*download, "-d", str(scratch)]).returncode:
        sys.exit(f"the wheel of tensorflow-cpu {version} cannot be downloaded: see above")
    (wheel,) = scratch.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for library in TENSORFLOW_LIBRARIES:
            path = archive.extract(library, scratch / "unpacked")
            if shutil.which("strip"):
                subprocess.run(["strip", "--strip-unneeded", path], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
