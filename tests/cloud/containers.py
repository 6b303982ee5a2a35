"""Where functions run: each version's zip in a process of its own, which stays warm, and images as web servers."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Mapping
from typing import NamedTuple

# One event a line comes in, one answer a line goes out. The handler's own output is its log: it goes with the answer.
_CONTAINER = """
import contextlib, importlib, io, json, sys, traceback
module, function = sys.argv[1].rsplit(".", 1)
entry, started = None, ""
for line in sys.stdin:
    log = io.StringIO()
    try:
        with contextlib.redirect_stdout(log):
            entry = entry or getattr(importlib.import_module(module), function)
            request = json.loads(line)
            value = json.dumps(entry(request["event"], request["context"]))
        answer = {"value": value, "error": ""}
    except BaseException:
        answer = {"value": "", "error": traceback.format_exc()[-600:]}
    print(json.dumps({**answer, "log": log.getvalue()}), flush=True)
"""


class Outcome(NamedTuple):
    """What became of an event: the returned JSON or an error, the log, and the time it took."""

    value: str
    error: str
    log: str
    milliseconds: float


class Container:
    """A process that runs the handler of an unpacked zip."""

    def __init__(self, code: bytes, handler: str, environment: Mapping[str, str]) -> None:
        self._folder = tempfile.mkdtemp(prefix="cloud-")
        with zipfile.ZipFile(io.BytesIO(code)) as archive:
            archive.extractall(self._folder)
        self._lock = threading.Lock()
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "MNIST_TENSORFLOW_DIR") if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-B", "-c", _CONTAINER, handler],
            cwd=self._folder,
            env={**kept, "PYTHONPATH": self._folder, "OPENBLAS_NUM_THREADS": "1", **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, event: object, context: object) -> Outcome:
        """Run the function, one event at a time."""
        assert self._process.stdin
        assert self._process.stdout
        started = time.monotonic()
        with self._lock:
            self._process.stdin.write(json.dumps({"event": event, "context": context}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        milliseconds = (time.monotonic() - started) * 1000
        if not line:
            return Outcome("", "the process ended", "", milliseconds)
        return Outcome(**json.loads(line), milliseconds=milliseconds)

    def close(self) -> None:
        """End the process, and delete its files."""
        with self._process:
            self._process.kill()
        shutil.rmtree(self._folder)


class Containers:
    """Warm containers, by what they run: a second version of the same zip starts warm.

    Attributes:
        images: by the URI of an image, the address of the server that it starts.
    """

    def __init__(self) -> None:
        self._warm: dict[str, Container] = {}
        self._lock = threading.Lock()
        self.images: dict[str, str] = {}

    def run(self, code: bytes, handler: str, environment: Mapping[str, str], event: object, context: object) -> Outcome:
        """Run an event in the container of a zip."""
        key = hashlib.sha256(code + repr((handler, sorted(environment.items()))).encode()).hexdigest()
        with self._lock:
            if key not in self._warm:
                self._warm[key] = Container(code, handler, environment)
        return self._warm[key].run(event, context)

    def request(self, image: str, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Send an HTTP request to the server of an image, and return status and content."""
        sent = {name: value for name, value in headers.items() if name in ("accept", "content-type")}
        request = urllib.request.Request(self.images[image] + path, body or None, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def close(self) -> None:
        """End all processes."""
        for container in self._warm.values():
            container.close()
