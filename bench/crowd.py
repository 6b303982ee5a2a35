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
from typing import NamedTuple

import numpy as np
from PIL import Image

from bench import load
from bench.report import Target, progress, targets_table
from testbed.local_server import LocalServer, local_server
from testbed.pictures import digit_png, encode, to_base64
from testbed.tables import table

CROWD = 200
SECONDS, QUICK_SECONDS = 15, 3
MAX_S = 1.0

_BEGUN = b"POST / HTTP/1.1\r\nHost: x\r\n"
_COSTLY = """
wrk.method, wrk.body = "POST", '%s'
wrk.headers["Content-Type"] = "application/json"
"""


class Wait(NamedTuple):
    """What good requests met.

    Attributes:
        waits_s: from opening a connection to the whole answer, of each.
        refused: how many were answered 503.
    """

    waits_s: list[float]
    refused: int


def section(options: argparse.Namespace) -> str:
    """Measure the server in a crowd."""
    heading = "## A crowd before the server"
    if not load.is_installed():
        return f"{heading}\n\n{load.NOT_INSTALLED}"
    rows, targets, seconds = [], [], QUICK_SECONDS if options.quick else SECONDS
    for title, crowd in (
        ("nobody else", _nobody),
        ("idle", _idle),
        ("a header byte a second", _dripping),
        ("costly files", _costly),
    ):
        progress(title)
        with local_server() as server, crowd(server):
            wait = _ask(server, seconds)
        ordered = sorted(wait.waits_s)
        middle, worst = ordered[len(ordered) // 2], ordered[-1]
        rows.append((title, f"{len(ordered)}", f"{wait.refused}", f"{middle * 1000:.1f}", f"{worst * 1000:.0f}"))
        targets.append(Target(f"worst wait of a good request, {CROWD} connections: {title}", worst, MAX_S, " s"))
    how = (
        f"A 28×28 PNG over a new connection, one after another for {seconds} s, beside {CROWD} connections of the kind "
        "named; milliseconds from opening it to the whole answer, a digit or 503 with Retry-After. The costly file is "
        "the slowest that is read, sent again as soon as it is answered."
    )
    columns = ("others", "good requests", "of these 503", "p50 ms", "worst ms")
    return f"{heading}\n\n{table(columns, rows, how)}\n\n{targets_table(targets)}"


def _ask(server: LocalServer, seconds: float) -> Wait:
    body = json.dumps({"image_base64": to_base64(digit_png(7))}).encode()
    waits_s, refused, end = [], 0, time.monotonic() + seconds
    while time.monotonic() < end:
        started = time.monotonic()
        status = _post(server, body)
        waits_s.append(time.monotonic() - started)
        refused += status == 503
        time.sleep(0.02)
    return Wait(waits_s, refused)


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
