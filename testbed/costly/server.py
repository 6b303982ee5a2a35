"""Reads names of files and forks a process for each, within limits.

A reply is a line of JSON: the fields of `budget.Cost`.
"""

import json
import os
import re
import resource
import signal
import sys
import time
from pathlib import Path

from mnist_infer.config import Settings
from mnist_infer.decode import decode
from mnist_infer.errors import ImageError
from mnist_infer.normalise import to_model_input
from testbed.costly.budget import MAX_ADDED_BYTES, MAX_CPU_S
from testbed.valid_images import valid_images

# So far beyond the budget the system steps in. The address space counts what is asked for, not what is used: of a
# limit near the budget a decoder's refusal could come from the limit alone.
MEMORY_LIMIT = 12 * MAX_ADDED_BYTES
CPU_LIMIT_S = round(4 * MAX_CPU_S)


def warm_up() -> None:
    """Import what decodes every format."""
    for content in valid_images().values():
        read(content)


def serve() -> None:
    """Serve until the pipe is closed."""
    for line in sys.stdin:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            os.write(writing, json.dumps(cost(Path(line.rstrip("\n")))).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            reply = pipe.read()
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            reply = json.dumps([signal.Signals(os.WTERMSIG(status)).name, 0, 0.0])
        print(reply, flush=True)


def cost(file: Path) -> tuple[str, int, float]:
    """Decode and normalise a file within the limits, and return what came of it."""
    content = file.read_bytes()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, started = resident("VmRSS"), time.process_time()
    resource.setrlimit(resource.RLIMIT_AS, (resident("VmSize") + MEMORY_LIMIT,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (int(started) + 1 + CPU_LIMIT_S,) * 2)
    outcome = read(content)
    return outcome, resident("VmHWM") - before, time.process_time() - started


def read(content: bytes) -> str:
    """Return a word for how an image file was answered."""
    try:
        to_model_input(decode(content, Settings().max_decode_bytes))
    except ImageError as error:
        # Pillow tells of memory that it was not given as if the file were damaged.
        if error.__cause__ is not None and re.search("memory|could not create", str(error.__cause__)):
            return f"{type(error.__cause__).__name__}: {error.__cause__}"
        return error.code
    except BaseException as error:  # whatever it is, it is not an answer
        return f"{type(error).__name__}: {error}"
    return "read"


def resident(name: str) -> int:
    """Return a figure of this process's memory, in bytes."""
    found = re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024
