"""The project's own tests, in the sandbox, with the versions that the zip holds."""

import subprocess
import sys
from pathlib import Path

from mnist_infer.config import ROOT
from testbed.sandbox import Sandbox, SandboxError

MODULES = ("payload", "decode", "download", "normalise", "session", "model", "pipeline", "events", "handler")
PROJECT = ("handler.py", "mnist_infer", "export", "examples", "tests", "pyproject.toml")
TOOLS = ("pytest==9.2.0", "trustme==1.2.1")


def run_shipped_tests(
    sandbox: Sandbox, interpreter: Path, tools: Path, oracle: Path
) -> subprocess.CompletedProcess[str]:
    """Run the tests of what is shipped; the project is beside the zip, whose packages they import.

    Args:
        sandbox: where.
        interpreter: the target's Python; its pip installs pytest.
        tools: a folder to install it to, once.
        oracle: a folder for what TensorFlow's Python package says, which is not in the zip.
    """
    if not tools.is_dir():
        _install_tools(interpreter, tools)
    oracle.mkdir()
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.oracle", oracle], cwd=ROOT, check=True, capture_output=True
    )
    project = {ROOT / name: f"/project/{name}" for name in PROJECT}
    command = ["-m", "pytest", "-p", "no:cacheprovider", "-c", "/project/pyproject.toml"]
    # The other TensorFlows are not in the zip; and the pictures at the limit are made by the tests
    # themselves, which takes more memory than the sandbox has. In the project both are tested.
    command += [
        "-k",
        "not named_tensorflow and not largest_picture",
        *(f"/project/tests/test_{module}.py" for module in MODULES),
    ]
    environ = {"PYTHONPATH": "/project:/var/user:/tools", "ORACLE": "/oracle"}
    return sandbox.run(command, {tools: "/tools", oracle: "/oracle", **project}, environ)


def _install_tools(interpreter: Path, tools: Path) -> None:
    print(f"installing pytest for {interpreter.name}", flush=True)
    quiet = ["--quiet", "--disable-pip-version-check", "--no-warn-script-location"]
    command = [str(interpreter), "-m", "pip", "install", *quiet, "--target", str(tools), *TOOLS]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SandboxError(f"pytest cannot be installed: {done.stderr.strip().splitlines()[-1]}")
