"""The HTTP server, waitress, set up so that no caller can keep another one waiting. The only module that knows it."""

import logging
import socket
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.server import create_server as create_waitress

from mnist_infer.hosting.admission import MAX_WAITING, AdmissionControl
from mnist_infer.hosting.platform import MAX_EVENT_BYTES
from mnist_infer.hosting.wsgi import Application

MAX_CONNECTIONS = 450
"""Open connections: the platform allows a process 1024 descriptors, and a connection has two while a body of more than
512 KB comes, which waitress keeps in a file. An idle connection takes some 20 KB."""

REQUEST_DEADLINE_S = 30
"""Time for a request to arrive with headers and body (6 MB at 200 KB/s), and for a connection to be idle."""

_DEADLINE_CHECK_S = 5
_REFUSING_THREADS = 4


class _Parser(HTTPRequestParser):
    """A request that is not told to go on when it is complete already, or refused: waitress would wait for its body."""

    def received(self, data: bytes) -> int:
        """Take what has arrived, and return how much of it was the request's."""
        taken: int = super().received(data)
        if self.completed:
            self.expect_continue = False
        return taken


class _Channel(HTTPChannel):
    """A connection whose deadline starts with a request's first byte: later bytes do not extend it."""

    parser_class = _Parser

    def handle_read(self) -> None:
        """Read what has arrived, without counting it as activity while the same request is still incomplete."""
        request, last_activity = self.request, self.last_activity
        super().handle_read()
        if request is not None and self.request is request:
            self.last_activity = last_activity


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that has an address, with a free port if it is 0, and takes no connections yet."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(address)
    return bound


def create_server(application: Application, bound: socket.socket, threads: int) -> Any:
    """Return a server that already listens; its `run()` answers.

    Args:
        application: answers the requests.
        bound: what to listen on, see `bind`.
        threads: requests that the application works on at the same time; others wait briefly or are refused.
    """
    TcpWSGIServer.channel_class = _Channel  # waitress has no parameter for it
    # Its warnings of a queue: a thread that is about to wait counts as busy, and who waits too long gets a 503 anyway.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    return create_waitress(
        AdmissionControl(application, threads),
        sockets=[bound],
        threads=threads + MAX_WAITING + _REFUSING_THREADS,
        ident=None,
        max_request_body_size=MAX_EVENT_BYTES,
        connection_limit=MAX_CONNECTIONS,
        channel_timeout=REQUEST_DEADLINE_S,
        cleanup_interval=_DEADLINE_CHECK_S,
        asyncore_use_poll=True,  # select cannot watch more than 1024 descriptors
    )
