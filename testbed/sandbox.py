"""A sandbox like the platform's: the code read-only in /var/user, no network, an unprivileged user."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from mnist_infer.hosting import platform

PYTHON_HOME = "/var/lang/python310"
UNPRIVILEGED = "65534"  # nobody

# What the platform documents, of the environment of a function.
_ENVIRONMENT = {
    **platform.ENVIRONMENT,
    "PATH": f"{PYTHON_HOME}/bin:/usr/bin:/bin",
    "LD_LIBRARY_PATH": f"{PYTHON_HOME}/lib",
    "PYTHONPATH": "/var/user:/opt",
    "PYTHONDONTWRITEBYTECODE": "x",
    "USER_CODE_ROOT": "/var/user/",
}


class SandboxError(Exception):
    """There is nothing to make the sandbox with."""


def bubblewrap(
    user: str, system: Sequence[str], mounts: Sequence[str], folder: str, environ: Mapping[str, str]
) -> list[str]:
    """Return the beginning of a command line that runs the rest cut off from network and processes.

    Args:
        user: number of the user and group that it runs as.
        system: bubblewrap's options for what lies under /proc, /dev and an empty /tmp.
        mounts: those for what lies above.
        folder: to work in.
        environ: all variables that there are.

    Raises:
        SandboxError: bubblewrap is not installed.
    """
    if not shutil.which("bwrap"):
        raise SandboxError("bubblewrap is not installed, which makes the sandbox: apt-get install bubblewrap")
    return [
        *("bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--uid", user, "--gid", user, *system),
        *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", *mounts, "--chdir", folder, "--clearenv"),
        *(part for name, value in environ.items() for part in ("--setenv", name, value)),
        "--",
    ]


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
        """
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

        Raises:
            SandboxError: bubblewrap is not installed.
        """
        system = [part for name in ("/usr", "/lib", "/lib64", "/bin") for part in ("--ro-bind-try", name, name)]
        mounts = [
            *("--ro-bind", str(self._home), PYTHON_HOME),
            *("--tmpfs", self._site_packages, "--remount-ro", self._site_packages),
            *("--ro-bind", str(self._code), "/var/user"),
            *(part for outside, inside in folders.items() for part in ("--ro-bind", str(outside), inside)),
        ]
        isolated = bubblewrap(UNPRIVILEGED, system, mounts, "/var/user", _ENVIRONMENT | dict(environ or {}))
        with self._memory_cap() as enter:
            return subprocess.run([*enter, *isolated, self._python, *arguments], capture_output=True, text=True)

    @contextmanager
    def _memory_cap(self) -> Iterator[list[str]]:
        """Give the beginning of a command line that runs the rest in a control group of the platform's memory."""
        for root, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
            group = Path(root) / f"mnist-infer-{os.getpid()}-{threading.get_ident()}"
            try:
                group.mkdir()
                (group / limit).write_text(f"{platform.MEMORY_LIMIT_MB}M")
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
