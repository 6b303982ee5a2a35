"""The HTTP server, waitress, set up so that no caller can keep another one waiting. The only module that knows it."""

from typing import Any

from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.server import create_server as create_waitress

from mnist_infer.hosting.admission import MAX_WAITING, AdmissionControl
from mnist_infer.hosting.platform import MAX_EVENT_BYTES
from mnist_infer.hosting.wsgi import Application

MAX_CONNECTIONS = 1000
"""Open at a time, and no more: a process may have 1024 descriptors on the platform. An idle one costs some 20 KB."""

REQUEST_DEADLINE_S = 30
"""Time for a request to arrive, headers and body, and for a connection to be idle: 6 MB at 200 KB/s."""

_DEADLINE_CHECK_S = 5
_REFUSING_THREADS = 4


class _Channel(HTTPChannel):
    """A connection whose deadline begins with a request's first byte: a byte now and then does not move it."""

    def handle_read(self) -> None:
        """Take what has come, without counting it as activity while the same request is still incomplete."""
        request, last_activity = self.request, self.last_activity
        super().handle_read()
        if request is not None and self.request is request:
            self.last_activity = last_activity


def create_server(application: Application, host: str, port: int, threads: int) -> Any:
    """Return a server that listens, and answers as its `run()` is called.

    Args:
        application: answers.
        host: address to listen on.
        port: to listen on; 0 takes a free one.
        threads: requests that the application works on at a time; others wait for a moment or are refused.
    """
    TcpWSGIServer.channel_class = _Channel  # there is no parameter for it
    return create_waitress(
        AdmissionControl(application, threads),
        host=host,
        port=port,
        threads=threads + MAX_WAITING + _REFUSING_THREADS,
        ident=None,
        max_request_body_size=MAX_EVENT_BYTES,
        connection_limit=MAX_CONNECTIONS,
        channel_timeout=REQUEST_DEADLINE_S,
        cleanup_interval=_DEADLINE_CHECK_S,
        asyncore_use_poll=True,  # select cannot watch more than 1024 descriptors
    )
