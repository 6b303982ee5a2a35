"""A sandbox like the platform's: the code read-only in /var/user, no network, an unprivileged user."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

PYTHON_HOME = "/var/lang/python310"
MEMORY_LIMIT_BYTES = 512 * 2**20
UNPRIVILEGED = "65534"  # nobody

# What the platform documents, of the environment of a function.
ENVIRONMENT = {
    "PATH": f"{PYTHON_HOME}/bin:/usr/bin:/bin",
    "LD_LIBRARY_PATH": f"{PYTHON_HOME}/lib",
    "PYTHONPATH": "/var/user:/opt",
    "PYTHONDONTWRITEBYTECODE": "x",
    "TENCENTCLOUD_RUNENV": "SCF",
    "TENCENTCLOUD_REGION": "ap-guangzhou",
    "SCF_FUNCTIONNAME": "mnist_infer",
    "SCF_FUNCTIONVERSION": "$LATEST",
    "USER_CODE_ROOT": "/var/user/",
}


class SandboxError(Exception):
    """There is nothing to make the sandbox with."""


class Sandbox:
    """Runs the target's Python over an unpacked zip.

    Attributes:
        not_isolated: what this machine could not be made to do, in words.
    """

    def __init__(self, code: Path, interpreter: Path) -> None:
        """Prepare a sandbox.

        Args:
            code: the unpacked zip.
            interpreter: Python of the target version, with its standard library around it.

        Raises:
            SandboxError: bubblewrap is not installed.
        """
        if not shutil.which("bwrap"):
            raise SandboxError("bubblewrap is needed to run the zip as the platform does: apt-get install bubblewrap")
        self._code = code
        self._python = f"{PYTHON_HOME}/bin/{interpreter.name}"
        self._site_packages = f"{PYTHON_HOME}/lib/{interpreter.name}/site-packages"
        self._home = interpreter.resolve().parent.parent
        self.not_isolated: list[str] = []

    def run(
        self, arguments: Sequence[str], folders: Mapping[Path, str], environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run Python with these arguments.

        Args:
            arguments: of the interpreter.
            folders: more folders to see, read-only, and where.
            environ: variables besides the platform's.
        """
        binds = [part for outside, inside in folders.items() for part in ("--ro-bind", str(outside), inside)]
        variables = ENVIRONMENT | dict(environ or {})
        sets = [part for name, value in variables.items() for part in ("--setenv", name, value)]
        command = ["bwrap", *self._isolation(), *binds, "--clearenv", *sets, "--", self._python, *arguments]
        with self._memory_cap() as enter:
            return subprocess.run([*enter, *command], capture_output=True, text=True)

    def _isolation(self) -> list[str]:
        system = [part for name in ("/usr", "/lib", "/lib64", "/bin") for part in ("--ro-bind-try", name, name)]
        return [
            *("--unshare-all", "--die-with-parent", "--new-session"),
            *("--uid", UNPRIVILEGED, "--gid", UNPRIVILEGED),
            *system,
            *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),
            *(
                "--ro-bind",
                str(self._home),
                PYTHON_HOME,
                "--tmpfs",
                self._site_packages,
                "--remount-ro",
                self._site_packages,
            ),
            *("--ro-bind", str(self._code), "/var/user", "--chdir", "/var/user"),
        ]

    @contextmanager
    def _memory_cap(self) -> Iterator[list[str]]:
        """Give the beginning of a command line that runs the rest in a control group of the platform's memory."""
        for root, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
            group = Path(root) / f"mnist-infer-{os.getpid()}"
            try:
                group.mkdir()
                (group / limit).write_text(str(MEMORY_LIMIT_BYTES))
            except OSError:
                if group.is_dir():
                    group.rmdir()
                continue
            try:
                yield ["sh", "-c", f'echo $$ >{group}/cgroup.procs && exec "$0" "$@"']
            finally:
                _remove(group)
            return
        remark = "memory is not capped (no control group can be made here): judge by the peak"
        if remark not in self.not_isolated:
            self.not_isolated.append(remark)
        yield []


def _remove(group: Path) -> None:
    for _ in range(100):  # the kernel takes a moment to forget the last process
        try:
            return group.rmdir()
        except OSError:
            time.sleep(0.01)
    return group.rmdir()
