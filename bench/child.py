"""A process that serves one way: `python -m bench.child WAY`, driven through its pipes by `process`.

It reads an event, then lines `entry N`, `session N` or `digits 1`, and answers each with a line of
JSON. It imports nothing but what the interpreter has anyway, so that its start is that of the way.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main() -> None:
    """Serve until the pipe is closed."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # log lines are paid for, a terminal is not
    way = importlib.import_module(f"bench.ways.{sys.argv[1]}")
    event = json.loads(sys.stdin.readline())
    steps: dict[str, Callable[[], object]] = {
        "entry": lambda: way.answer_http(event, {"request_id": "bench"}),
        "session": lambda: way.predict(_pixels()),
        "digits": lambda: [way.predict(pixels[None])[0].tolist() for pixels in _digits()],
    }
    for line in sys.stdin:
        step, times = line.split()
        replies.write(json.dumps(_repeat(steps[step], int(times)), default=str) + "\n")
        replies.flush()
    os._exit(0)  # a container is frozen, it does not take its interpreter down


def _repeat(call: Callable[[], object], times: int) -> dict[str, Any]:
    milliseconds = []
    answer: object = None
    cpu_s = time.process_time()
    for _ in range(times):
        started = time.perf_counter()
        answer = call()
        milliseconds.append((time.perf_counter() - started) * 1000)
    cpu_s = time.process_time() - cpu_s
    return {
        "milliseconds": milliseconds,
        "cpu_s": cpu_s,
        "resident_bytes": int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
        "read_bytes": _read_bytes(),
        "answer": answer,
    }


def _read_bytes() -> int:
    """Return how much this process has had read from disk, page faults included."""
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["read_bytes"])


_made: list[object] = []


def _pixels() -> object:
    if not _made:
        import numpy as np  # by now the way has it, too

        _made.append(np.linspace(0, 1, 784, dtype=np.float32).reshape(1, 784))
    return _made[0]


def _digits() -> Any:
    """Return MNIST's first test digits, float32 [300, 784]."""
    import numpy as np

    with np.load(Path(__file__).parent.parent / "tests" / "fixtures" / "mnist_300.npz") as arrays:
        images = arrays["images"]
    return images.reshape(len(images), -1).astype(np.float32) / 255


if __name__ == "__main__":
    main()
