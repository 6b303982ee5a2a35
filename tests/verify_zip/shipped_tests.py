"""The project's own tests, in the sandbox, with the versions that the zip holds."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mnist_infer.config import ROOT
from testbed.dependency_groups import pins
from testbed.sandbox import Sandbox, SandboxError

# A process each, at the same time: what reads costly files has little else in the sandbox's memory.
MODULES = (
    "payload decode download normalise session model pipeline events answers log handler http_interface image_file",
    "costly",
)

# What the tests need besides the zip: their own files, and the platform around a handler.
PROJECT = ("tests", "testbed", "examples", "pyproject.toml", "mnist_infer/hosting")


def run_shipped_tests(
    code: Path, interpreter: Path, tools: Path, folder: Path
) -> Iterator[subprocess.CompletedProcess[str]]:
    """Run the tests of what is shipped, on the zip's own files, and give what came of each group.

    Args:
        code: the unpacked zip.
        interpreter: the target's Python; its pip installs pytest.
        tools: a folder to install it to, once.
        folder: an existing one, for a copy of the zip with the tests beside it, and for what TensorFlow's Python
            package says, which is not in the zip.
    """
    if not tools.is_dir():
        _install_tools(interpreter, tools)
    oracle = folder / "oracle"
    oracle.mkdir()
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.oracle", oracle], cwd=ROOT, check=True, capture_output=True
    )
    sandbox = Sandbox(with_tests(code, folder / "with-tests"), interpreter)
    command = ["-m", "pytest", "-p", "no:cacheprovider", "-c", "/var/user/pyproject.toml"]
    # The other TensorFlows are not in the zip; and the pictures at the limit are made by the tests
    # themselves, which takes more memory than the sandbox has. In the project both are tested.
    command += ["-m", "not versions", "-k", "not largest_picture"]
    environ = {"PYTHONPATH": "/var/user:/tools", "ORACLE": "/oracle"}

    def run(group: str) -> subprocess.CompletedProcess[str]:
        files = [f"/var/user/tests/test_{module}.py" for module in group.split()]
        return sandbox.run([*command, *files], {tools: "/tools", oracle: "/oracle"}, environ)

    with ThreadPoolExecutor(len(MODULES)) as threads:
        yield from threads.map(run, MODULES)


def with_tests(code: Path, folder: Path) -> Path:
    """Return a copy of the unpacked zip with the tests beside it; no file of the zip is replaced."""
    shutil.copytree(code, folder, copy_function=os.link)
    for path in (path for name in PROJECT for path in [ROOT / name, *(ROOT / name).rglob("*")]):
        if path.is_file() and path.suffix != ".pyc":
            target = folder / path.relative_to(ROOT)
            if target.exists():
                raise SandboxError(f"{path.relative_to(ROOT)} is in the zip, and should not be")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    return folder


def _install_tools(interpreter: Path, tools: Path) -> None:
    print(f"installing pytest for {interpreter.name}", flush=True)
    quiet = ["--quiet", "--disable-pip-version-check", "--no-warn-script-location"]
    command = [str(interpreter), "-m", "pip", "install", *quiet, "--target", str(tools), *tools_pins()]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SandboxError(f"pytest cannot be installed: {done.stderr.strip().splitlines()[-1]}")


def tools_pins() -> list[str]:
    """Return the pins of what runs the tests."""
    return [pin for pin in pins("test") if pin.startswith(("pytest==", "trustme=="))]
