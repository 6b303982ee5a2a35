"""The HTTP server, waitress, set up so that no caller can keep another one waiting. The only module that knows it."""

import socket
from typing import Any

from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.server import create_server as create_waitress

from mnist_infer.hosting.admission import MAX_WAITING, AdmissionControl
from mnist_infer.hosting.platform import MAX_EVENT_BYTES
from mnist_infer.hosting.wsgi import Application

MAX_CONNECTIONS = 1000
"""Open connections: the platform allows a process 1024 descriptors. An idle connection takes some 20 KB."""

REQUEST_DEADLINE_S = 30
"""Time for a request to arrive with headers and body (6 MB at 200 KB/s), and for a connection to be idle."""

_DEADLINE_CHECK_S = 5
_REFUSING_THREADS = 4


class _Channel(HTTPChannel):
    """A connection whose deadline starts with a request's first byte: later bytes do not extend it."""

    def handle_read(self) -> None:
        """Read what has arrived, without counting it as activity while the same request is still incomplete."""
        request, last_activity = self.request, self.last_activity
        super().handle_read()
        if request is not None and self.request is request:
            self.last_activity = last_activity


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address: on a free port, if it is 0."""
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
    return socket.create_server((host, port), family=family, backlog=MAX_CONNECTIONS)


def create_server(application: Application, listening: socket.socket, threads: int) -> Any:
    """Return a server; its `run()` answers.

    Args:
        application: answers the requests.
        listening: takes the connections, see `listen`.
        threads: requests that the application works on at the same time; others wait briefly or are refused.
    """
    TcpWSGIServer.channel_class = _Channel  # waitress has no parameter for it
    return create_waitress(
        AdmissionControl(application, threads),
        sockets=[listening],
        threads=threads + MAX_WAITING + _REFUSING_THREADS,
        ident=None,
        max_request_body_size=MAX_EVENT_BYTES,
        connection_limit=MAX_CONNECTIONS,
        channel_timeout=REQUEST_DEADLINE_S,
        cleanup_interval=_DEADLINE_CHECK_S,
        asyncore_use_poll=True,  # select cannot watch more than 1024 descriptors
    )
