"""The load generator: wrk, on the cores of the server that it loads."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bench.process import BenchError

# wrk's own report rounds; this prints what it measured, in microseconds. A client that is refused with 503 comes
# again after the second that Retry-After asks for. wrk does not say whose turn `delay` is about, so that sometimes
# another client waits in its place: as many as were refused.
_SCRIPT = """
wrk.method = "POST"
wrk.body = '%s'
wrk.headers["Content-Type"] = "application/json"
refused, to_wait = 0, 0
local threads = {}
function setup(thread) table.insert(threads, thread) end
function response(status)
  if status == 503 then refused, to_wait = refused + 1, to_wait + 1 end
end
function delay()
  if to_wait == 0 then return 0 end
  to_wait = to_wait - 1
  return 1000
end
function done(summary, latency)
  local errors = summary.errors
  local refused = 0
  for _, thread in ipairs(threads) do refused = refused + thread:get("refused") end
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout - refused
  io.write(string.format("RESULT %%d %%d %%f %%f %%d %%d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), refused, failed))
end
"""
_TIMEOUT_S = 30


class Load(NamedTuple):
    """What came of a number of connections.

    Attributes:
        rate: answers of status 200 per second.
        p50_ms: median time of a request, of those refused as well.
        p99_ms: 99th percentile.
        refused: requests answered 503.
        errors: other requests without an answer of status 200.
        requests: answered in all, whatever the answer.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    refused: int
    errors: int
    requests: int


def check_installed() -> None:
    """Refuse to measure without the load generator.

    Raises:
        BenchError: there is none.
    """
    if not shutil.which("wrk"):
        raise BenchError("wrk is not installed: apt-get install wrk")


@contextmanager
def script(payload: object) -> Iterator[Path]:
    """Write the load generator's script, a POST of a payload, for the length of a `with` block."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "post.lua"
        path.write_text(_SCRIPT % json.dumps(payload))
        yield path


def generate(url: str, path: Path, connections: int, seconds: int) -> Load:
    """Load a server, and return what came of it.

    Args:
        url: to send requests to.
        path: of the script.
        connections: that are open at a time, each with one request after another.
        seconds: how long.

    Raises:
        BenchError: the load generator failed.
    """
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={_TIMEOUT_S}s", "-s", str(path)]
    child = subprocess.run(["wrk", *options, url], capture_output=True, text=True)
    found = re.search(r"RESULT (\d+) (\d+) ([\d.]+) ([\d.]+) (-?\d+) (-?\d+)", child.stdout)
    if not found:
        raise BenchError(f"wrk failed: {child.stderr or child.stdout}")
    requests, duration_us, p50_us, p99_us, refused, errors = (float(value) for value in found.groups())
    rate = max(0.0, requests - refused - errors) / duration_us * 1e6
    return Load(rate, p50_us / 1000, p99_us / 1000, int(refused), int(errors), int(requests))
