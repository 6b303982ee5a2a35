"""A server in processes of its own: started until it answers, and what all of them take."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

from bench.environments import Unavailable
from mnist_infer.config import ROOT

START_DEADLINE_S = 90.0
SETTLE_DEADLINE_S = 15.0
_PAUSE_S = 0.02
_SETTLED_S = 0.3
_IDLE_SHARE = 0.2  # of a core: some servers look for work now and then
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class RunningServer(NamedTuple):
    """A server that answers.

    Attributes:
        url: to post to.
        pid: of its first process.
        start_s: from process creation to the first right answer.
    """

    url: str
    pid: int
    start_s: float

    def cpu_s(self) -> float:
        """Return the CPU seconds so far of all its processes, user and system."""
        return sum(_cpu_s(pid) for pid in processes(self.pid))

    def settle(self) -> None:
        """Wait until it works no more on what it was sent, or for as long as that may take."""
        deadline = time.monotonic() + SETTLE_DEADLINE_S
        before = self.cpu_s()
        while time.monotonic() < deadline:
            time.sleep(_SETTLED_S)
            now = self.cpu_s()
            if now - before < _IDLE_SHARE * _SETTLED_S:
                return
            before = now

    def memory_mb(self) -> float:
        """Return the memory of all its processes, shared pages counted once (proportional set size), 10^6 bytes."""
        return sum(_pss_bytes(pid) for pid in processes(self.pid)) / 1e6


@contextmanager
def running(
    command: Sequence[str | Path], environ: Mapping[str, str], path: str, payload: object, result: object
) -> Iterator[RunningServer]:
    """Run a server for the length of a `with` block.

    Args:
        command: starts it; `{port}` stands for the port.
        environ: besides this process's.
        path: to post to.
        payload: of a first request.
        result: what it must answer to that.

    Raises:
        Unavailable: it ends, or does not answer in time, or wrongly.
    """
    port = _free_port()
    words = [str(word).replace("{port}", str(port)) for word in command]
    with open(os.memfd_create("stderr"), "w+b") as stderr:  # noqa: PTH123 a file in memory: nothing is written to disk
        started = time.monotonic()
        process = subprocess.Popen(
            words,
            cwd=ROOT,
            env={**os.environ, **environ},
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )
        try:
            url = f"http://127.0.0.1:{port}{path}"
            _wait_for(process, stderr, url, payload, result)
            yield RunningServer(url, process.pid, time.monotonic() - started)
        finally:
            _end(process)


def processes(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            children.setdefault(int(_fields(stat)[1]), []).append(int(stat.parent.name))
    found = [pid]
    for parent in found:
        found += children.get(parent, [])
    return found


def _fields(stat: Path) -> list[str]:
    """Return what follows the name of a process in its `stat`: state, parent and so on."""
    return stat.read_text().rpartition(")")[2].split()


def _cpu_s(pid: int) -> float:
    try:
        fields = _fields(Path(f"/proc/{pid}/stat"))
    except OSError:  # it has just ended
        return 0.0
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def _pss_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(process: "subprocess.Popen[bytes]", stderr: IO[bytes], url: str, payload: object, result: object) -> None:
    request = urllib.request.Request(url, json.dumps(payload).encode(), {"Content-Type": "application/json"})
    deadline = time.monotonic() + START_DEADLINE_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(request, timeout=START_DEADLINE_S) as response:
                answer = json.load(response)
        except (urllib.error.HTTPError, ValueError) as error:
            raise Unavailable(f"it answers {error}") from error
        except OSError:  # it does not listen yet
            time.sleep(_PAUSE_S)
            continue
        if answer != result:
            raise Unavailable(f"it answers {answer}, and should answer {result}")
        return
    stderr.seek(0)
    lines = stderr.read().decode(errors="replace").strip().splitlines() or ["it says nothing"]
    raise Unavailable(f"it does not start: {lines[-1][:200]}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    family = processes(process.pid)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pid in family[1:]:  # workers that their parent has left behind
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
