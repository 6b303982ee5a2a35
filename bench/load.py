"""The local server under load, beside the bare `run()` in a loop, so that the server's share shows."""

import argparse
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bench.process import BenchError
from bench.report import progress
from mnist_infer.config import load_settings
from mnist_infer.model import load_model
from mnist_infer.pipeline import run
from testbed.local_server import LocalServer, local_server
from testbed.pictures import digit_png, to_base64
from testbed.tables import table

CONNECTIONS = (1, 4, 16)
SECONDS = 6
ROUNDS = 3

# wrk's own report rounds; this prints what it measured, in microseconds.
_SCRIPT = """
wrk.method = "POST"
wrk.body = '%s'
wrk.headers["Content-Type"] = "application/json"
done = function(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("RESULT %%d %%d %%f %%f %%d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), failed))
end
"""


class Load(NamedTuple):
    """What came of a number of connections.

    Attributes:
        rate: requests per second.
        p50_ms: median time of a request.
        p99_ms: 99th percentile.
        errors: requests without an answer of status 200.
        cpu_ms: of the server, per request.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    errors: int
    cpu_ms: float


def section(options: argparse.Namespace) -> str:  # noqa: ARG001
    """Measure the server."""
    if not shutil.which("wrk"):
        return "## Load\n\nNot measured: `wrk` is not installed (`apt-get install wrk`)."
    payload = {"image_base64": to_base64(digit_png(7))}
    rows: list[tuple[str, ...]] = []
    with TemporaryDirectory() as folder:
        script = Path(folder) / "post.lua"
        script.write_text(_SCRIPT % json.dumps(payload))
        results: dict[int, list[Load]] = {connections: [] for connections in CONNECTIONS}
        bare: list[Load] = []
        with local_server() as server:
            for _ in range(ROUNDS):  # in turns, so that a noisy minute falls on all
                progress("run() in a loop")
                bare.append(_bare(payload))
                for connections in CONNECTIONS:
                    progress(f"{connections} connections")
                    results[connections].append(_load(server, script, connections))
    rows.append(("`run()` in a loop, one thread, no server", *_cells(bare)))
    rows += [(f"server, {connections} connections", *_cells(loads)) for connections, loads in results.items()]
    share = 1 - median(load.cpu_ms for load in bare) / median(load.cpu_ms for load in results[1])
    how = (
        f"`python -m mnist_infer serve` with four threads, a 28×28 PNG in each request, keep-alive, wrk on the same "
        f"{os.cpu_count()} cores; medians of {ROUNDS} rounds of {SECONDS} s. Of the server's CPU time with one "
        f"connection {share:.0%} is HTTP, the event, the log line and the answer."
    )
    return f"## Load\n\n{table(('', 'requests/s', 'p50 ms', 'p99 ms', 'errors', 'CPU ms per request'), rows, how)}"


def _load(server: LocalServer, script: Path, connections: int) -> Load:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", str(script), server.address]
    before = _cpu_s(server.pid)
    child = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"RESULT (\d+) (\d+) ([\d.]+) ([\d.]+) (\d+)", child.stdout)
    if not found:
        raise BenchError(f"wrk failed: {child.stderr}")
    requests, duration_us, p50_us, p99_us, errors = (float(value) for value in found.groups())
    cpu_ms = (_cpu_s(server.pid) - before) / requests * 1000
    return Load(requests / duration_us * 1e6, p50_us / 1000, p99_us / 1000, int(errors), cpu_ms)


def _bare(payload: object) -> Load:
    settings = load_settings()
    model = load_model(settings)
    taken: list[float] = []
    started, cpu = time.perf_counter(), time.process_time()
    while time.perf_counter() - started < SECONDS:
        before = time.perf_counter()
        run(payload, model.session, settings)
        taken.append((time.perf_counter() - before) * 1000)
    cpu_ms = (time.process_time() - cpu) / len(taken) * 1000
    model.session.close()
    taken.sort()
    rate = len(taken) / (time.perf_counter() - started)
    return Load(rate, taken[len(taken) // 2], taken[int(len(taken) * 0.99)], 0, cpu_ms)


def _cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process so far, of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _cells(loads: list[Load]) -> tuple[str, ...]:
    middle = Load(*(median(values) for values in zip(*loads, strict=True)))
    return (
        f"{middle.rate:.0f}",
        f"{middle.p50_ms:.2f}",
        f"{middle.p99_ms:.2f}",
        f"{middle.errors:.0f}",
        f"{middle.cpu_ms:.2f}",
    )
