"""How long a good request takes while two hundred connections of others are in the server's way."""

import argparse
import contextlib
import http.client
import json
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from bench import load
from bench.report import Figures, figures_table, progress, targets_table
from testbed.local_server import LocalServer, local_server
from testbed.pictures import digit_png, encode, to_base64

CROWD = 200
SECONDS, QUICK_SECONDS = 15, 3
MAX_S = 1.0

_BEGUN = b"POST / HTTP/1.1\r\nHost: x\r\n"
_COSTLY = """
wrk.method, wrk.body = "POST", '%s'
wrk.headers["Content-Type"] = "application/json"
"""


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure the server in a crowd."""
    load.check_installed()
    figures: dict[str, Any] = {"seconds": QUICK_SECONDS if options.quick else SECONDS, "connections": CROWD}
    for name, crowd in CROWDS.items():
        progress(name)
        with local_server() as server, crowd(server):
            figures[name] = _ask(server, figures["seconds"])
    return figures


def render(figures: Figures) -> str:
    """Return the section's text."""
    how = (
        f"A 28×28 PNG over a new connection, one after another for {figures['seconds']} s, beside "
        f"{figures['connections']} connections of others: idle, dripping a header byte a second, or sending the "
        "slowest file that is read, again as soon as it is answered. Milliseconds from opening it to the whole answer, "
        "a digit or, where refused, 503 with Retry-After."
    )
    what = f"worst wait of a good request, {figures['connections']} connections"
    rows = {name: figures[name] for name in CROWDS}
    targets = [(f"{what}: {name}", each["worst_ms"] / 1000, MAX_S, " s") for name, each in rows.items()]
    waits = figures_table("others", rows, ("requests", "refused", "p50_ms:.1f", "worst_ms"), how)
    return f"{waits}\n\n{targets_table(targets)}"


def _ask(server: LocalServer, seconds: float) -> dict[str, float]:
    """Return what good requests met: how many there were, how many were answered 503, and how long they took."""
    body = json.dumps({"image_base64": to_base64(digit_png(7))}).encode()
    waits_ms, refused, end = [], 0, time.monotonic() + seconds
    while time.monotonic() < end:
        started = time.monotonic()
        status = _post(server, body)
        waits_ms.append((time.monotonic() - started) * 1000)
        refused += status == 503
        time.sleep(0.02)
    return {"requests": len(waits_ms), "refused": refused, "p50_ms": median(waits_ms), "worst_ms": max(waits_ms)}


def _post(server: LocalServer, body: bytes) -> int:
    with contextlib.closing(http.client.HTTPConnection(*_address(server), timeout=60)) as connection:
        connection.request("POST", "/", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        return answer.status


def _address(server: LocalServer) -> tuple[str, int]:
    host, _, port = server.address.removeprefix("http://").removesuffix("/").partition(":")
    return host, int(port)


@contextlib.contextmanager
def _nobody(_: LocalServer) -> Iterator[None]:
    yield


@contextlib.contextmanager
def _idle(server: LocalServer) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for _ in range(CROWD):
            stack.enter_context(socket.create_connection(_address(server)))
        yield


@contextlib.contextmanager
def _dripping(server: LocalServer) -> Iterator[None]:
    def drip(ended: threading.Event) -> None:
        with socket.create_connection(_address(server)) as connection, contextlib.suppress(OSError):
            connection.sendall(_BEGUN + b"X: ")
            while not ended.wait(1):
                connection.sendall(b"x")

    with _threads(drip):
        yield


@contextlib.contextmanager
def _costly(server: LocalServer) -> Iterator[None]:
    """Send them from a program of its own: two hundred of Python's threads would keep the good request from asking."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_COSTLY % json.dumps({"image_base64": to_base64(_costly_picture())}))
        script.flush()
        options = ("-t1", f"-c{CROWD}", "-d1h", "--timeout=60s", "-s", script.name)
        with subprocess.Popen(["wrk", *options, server.address], stdout=subprocess.DEVNULL) as wrk:
            try:
                yield
            finally:
                wrk.kill()


@contextlib.contextmanager
def _threads(call: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run a call in as many threads as the crowd has connections, until the block ends."""
    ended = threading.Event()
    threads = [threading.Thread(target=call, args=(ended,), daemon=True) for _ in range(CROWD)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join(60)


def _costly_picture() -> bytes:
    noise = np.random.default_rng(1).integers(0, 256, (2000, 3200), np.uint8) & 0x0F
    return encode(Image.fromarray(noise), "PNG")


CROWDS = {"nobody": _nobody, "idle": _idle, "dripping": _dripping, "costly": _costly}
