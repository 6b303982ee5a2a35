"""A way in a process of its own: started, asked, and accounted for."""

import json
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from mnist_infer.config import ROOT

EVENT = ROOT / "examples" / "apigw_event.json"
RESULT = {"result": 0}
"""What every way must answer to the event, alone or as an HTTP answer's body: the same work is to be measured."""

# The function sets both itself. Given to all ways, so that they make no difference between them.
_COMMON = {"OPENBLAS_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
_NOT_INHERITED = ("MNIST_", "TF_", "OPENBLAS_", "OMP_", "PYTHON")


class BenchError(Exception):
    """A way did not do what it should, so there is nothing to measure."""


@dataclass(frozen=True)
class Interpreter:
    """A Python with its packages, and the TensorFlow library among them.

    Attributes:
        python: the executable.
        environ: what finds the library, where it is not a package of that Python.
        folder: to work in, whose modules come first.
    """

    python: Path
    environ: Mapping[str, str]
    folder: Path = ROOT


@dataclass(frozen=True)
class Reply:
    """What a process did when it was asked.

    Attributes:
        milliseconds: of each call, by the wall clock.
        cpu_s: user and system, of all calls.
        resident_bytes: of the process, after the last one.
        read_bytes: from disk, since the process was started.
        answer: of the last call.
    """

    milliseconds: list[float]
    cpu_s: float
    resident_bytes: int
    read_bytes: int
    answer: object


class WayProcess:
    """One running way; leaving its `with` block ends it.

    Attributes:
        started: `time.perf_counter()` as the process was about to be created.
    """

    def __init__(self, way: str, interpreter: Interpreter, *, writes_bytecode: bool = False) -> None:
        """Start the process.

        Args:
            way: name of a module in `ways`.
            interpreter: what runs it.
            writes_bytecode: whether `.pyc` files may be written: for the first run, not to be timed.
        """
        self._way = way
        self._stderr = os.memfd_create("stderr")  # a file in memory: nothing is written to disk
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
        no_bytecode = {} if writes_bytecode else {"PYTHONDONTWRITEBYTECODE": "1"}
        event = json.dumps(json.loads(EVENT.read_text()))  # on one line
        self.started = time.perf_counter()
        self._process = subprocess.Popen(
            [interpreter.python, "-m", "bench.child", way],
            cwd=interpreter.folder,
            env={**inherited, **_COMMON, **no_bytecode, **interpreter.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
        )
        self._send(event)

    def __enter__(self) -> "WayProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
        os.close(self._stderr)

    def ask(self, step: str, times: int) -> Reply:
        """Have the process do something, and wait for it.

        Args:
            step: `entry` for whole requests, `session` for the model alone, `digits` for its answers to MNIST's digits.
            times: how often.

        Raises:
            BenchError: the process died, or gave another answer than it should.
        """
        self._send(f"{step} {times}")
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            self._process.wait()
            raise BenchError(f"{self._way} died:\n{self._read_stderr()}")
        reply = Reply(**json.loads(line))
        if step == "entry" and _result(reply.answer) != RESULT:
            raise BenchError(f"{self._way} answers {reply.answer}, and should answer {RESULT}")
        return reply

    def ask_digits(self) -> list[list[float]]:
        """Return the model's probabilities for MNIST's first 300 test digits.

        Raises:
            BenchError: the process died.
        """
        answer = self.ask("digits", 1).answer
        if not isinstance(answer, list):
            raise BenchError(f"{self._way} answers {answer}")
        return answer

    def finish(self) -> tuple[float, int]:
        """End the process, and return its CPU seconds and its peak of resident memory in bytes."""
        # Not of `wait4`: that peak begins with what the process which forked it had.
        status = dict(line.split(":", 1) for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines())
        peak_bytes = int(status["VmHWM"].split()[0]) * 1024
        if self._process.stdin:
            self._process.stdin.close()
            self._process.stdin = None
        _, exit_status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(exit_status)
        return usage.ru_utime + usage.ru_stime, peak_bytes

    def _send(self, line: str) -> None:
        try:
            if self._process.stdin:
                self._process.stdin.write(line + "\n")
                self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it died: the next read finds no answer, and says so

    def _read_stderr(self) -> str:
        size = os.fstat(self._stderr).st_size
        return os.pread(self._stderr, size, 0).decode(errors="replace").strip()


def _result(answer: object) -> object:
    return json.loads(answer["body"]) if isinstance(answer, dict) and "body" in answer else answer
