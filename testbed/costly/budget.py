"""Decodes each file in a process of its own, which the operating system ends where it takes too much."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from mnist_infer.config import ROOT

MAX_BYTES = 10 * 2**20
"""Of an image file, as `MNIST_MAX_IMAGE_BYTES` has it."""

MAX_ADDED_BYTES = 128_000_000
MAX_CPU_S = 1.0
"""What a file may add to the process's memory, and the CPU it may take, as SECURITY.md promises."""


class Cost(NamedTuple):
    """What came of a file.

    Attributes:
        outcome: `read`, an error's code, the class and text of what should not have come, or the signal
            that ended the process.
        added_bytes: the most resident memory while it was decoded and normalised, above what was there before.
        cpu_s: of all threads.
    """

    outcome: str
    added_bytes: int
    cpu_s: float


class Decoders:
    """Starts a process per file, from one that has everything imported."""

    def __init__(self, requests: IO[str], replies: IO[str]) -> None:
        self._requests, self._replies = requests, replies

    def cost(self, file: Path) -> Cost:
        """Return what a file costs."""
        self._requests.write(f"{file}\n")
        self._requests.flush()
        return Cost(*json.loads(self._replies.readline()))


@contextmanager
def running_decoders(change: str = "") -> Iterator[Decoders]:
    """Run the process that the others are started from; `change` is Python to run in it once it is warm."""
    script = f"from testbed.costly import server\nserver.warm_up()\n{change}\nserver.serve()"
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin
        assert server.stdout
        yield Decoders(server.stdin, server.stdout)
        server.stdin.close()
