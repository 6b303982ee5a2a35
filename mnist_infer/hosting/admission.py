"""Admission control: if more requests come than can be served, a caller waits briefly or is asked to come back."""

import json
import threading
from collections.abc import Iterable
from typing import Any

from mnist_infer.hosting.wsgi import Application, HttpAnswer, StartResponse, send

MAX_WAITING = 16
"""Requests that wait at the same time; each holds a thread."""

MAX_WAIT_S = 0.5
"""A request that could not start by then is refused, so that every caller has an answer within a second."""

RETRY_AFTER_S = 1

_BUSY = HttpAnswer(
    503,
    {"Content-Type": "application/json", "Retry-After": str(RETRY_AFTER_S)},
    json.dumps({"result": -1, "errMsg": "the server is busy: try again in a second", "errCode": "busy"}).encode(),
)


class AdmissionControl:
    """A WSGI application that limits how many requests another one works on at the same time."""

    def __init__(self, application: Application, at_once: int) -> None:
        """Guard an application.

        Args:
            application: does its work when it is called, not while its answer is read.
            at_once: requests that it works on at the same time.
        """
        self._application = application
        self._places = threading.BoundedSemaphore(at_once)
        self._waiting_room = threading.BoundedSemaphore(MAX_WAITING)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, with 503 if there is no place for it."""
        if not self._enter():
            return send(_BUSY, environ, start_response)
        try:
            return self._application(environ, start_response)
        finally:
            self._places.release()

    def _enter(self) -> bool:
        if self._places.acquire(blocking=False):
            return True
        if not self._waiting_room.acquire(blocking=False):
            return False
        try:
            return self._places.acquire(timeout=MAX_WAIT_S)
        finally:
            self._waiting_room.release()
