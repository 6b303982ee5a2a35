"""The function's own server, `python -m mnist_infer serve`, in a process of its own."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from mnist_infer.config import ROOT


def without_tensorflow(errors: str) -> str:
    """Return what a process wrote to stderr but for the lines that TensorFlow's library writes as it starts."""
    return re.sub(r"^.*(absl::InitializeLog|MLIR V1 optimization|oneDNN custom operations).*\n", "", errors, flags=re.M)


class LocalServer(NamedTuple):
    """`python -m mnist_infer serve`, running: its address, which ends in a slash, and its process."""

    address: str
    pid: int


@contextmanager
def local_server() -> Iterator[LocalServer]:
    """Run `python -m mnist_infer serve` on a free port for the length of a `with` block."""
    command = [sys.executable, "-m", "mnist_infer", "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            assert server.stdout
            said = ""
            for line in server.stdout:
                said += line
                if address := re.search(r"http://[\d.]+:\d+", line):
                    threading.Thread(
                        target=server.stdout.read, daemon=True
                    ).start()  # a full pipe would stop the server
                    yield LocalServer(f"{address[0]}/", server.pid)
                    return
            raise RuntimeError(f"the server ended: {said}")
        finally:
            server.terminate()
