"""Who is let in where more requests come than can be answered: a caller waits for a moment, or is told to come back."""

import json
import threading
from collections.abc import Iterable
from typing import Any

from mnist_infer.hosting.wsgi import Application, HttpAnswer, StartResponse, send

MAX_WAITING = 16
"""Requests that wait at a time; each holds a thread."""

MAX_WAIT_S = 0.7
"""A request that has not begun by then is refused, so that everybody has an answer within a second."""

RETRY_AFTER_S = 1

_BUSY = HttpAnswer(
    503,
    {"Content-Type": "application/json", "Retry-After": str(RETRY_AFTER_S)},
    json.dumps({"result": -1, "errMsg": "the server is busy: try again in a second", "errCode": "busy"}).encode(),
)


class AdmissionControl:
    """A WSGI application that lets only so many requests at a time into another one."""

    def __init__(self, application: Application, at_once: int) -> None:
        """Guard an application.

        Args:
            application: does its work as it is called, not as its answer is read.
            at_once: requests that it works on at a time.
        """
        self._application = application
        self._places = threading.BoundedSemaphore(at_once)
        self._waiting_room = threading.BoundedSemaphore(MAX_WAITING)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, with 503 where there is no place for it."""
        if not self._enter():
            return send(_BUSY, start_response)
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
