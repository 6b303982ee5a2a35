"""A local HTTP server that behaves and misbehaves in every way the tests need, chosen by the path."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext

from tests.pictures import digit_png


class Server(ThreadingHTTPServer):
    """Serves on a free port of 127.0.0.1.

    Attributes:
        requests: request line and headers of each request that came.
        stopped: set as the server ends, so that nothing slow outlives a test.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.stopped = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent: clients that break off are what the tests are about."""


@contextmanager
def running_server(tls: SSLContext | None = None) -> Iterator[Server]:
    """Run a server for the length of a `with` block."""
    server = Server()
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.requests.append((self.requestline, dict(self.headers)))
        path = self.path.partition("?")[0]
        behaviours.get(path, _not_found)(self)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content_Length": str(len(content))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)


def _digit(handler: _Handler) -> None:
    handler.answer(200, digit_png(3), Content_Type="image/png")


def _not_found(handler: _Handler) -> None:
    handler.answer(404, b"secret page")


def _redirect(handler: _Handler) -> None:
    handler.answer(302, b"", Location="/3.png")


def _no_bytes(handler: _Handler) -> None:
    handler.answer(200, b"")


def _announces_much(handler: _Handler) -> None:
    handler.answer(200, b"", Content_Length=str(10**12))


def _sends_much(handler: _Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.stopped.is_set():
        handler.wfile.write(bytes(64 * 1024))


def _silent(handler: _Handler) -> None:
    handler.server.stopped.wait(10)


def _silent_after_headers(handler: _Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.server.stopped.wait(10)


def _byte_by_byte(handler: _Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.stopped.wait(0.01):
        handler.wfile.write(b"x")


def _breaks_off(handler: _Handler) -> None:
    handler.answer(200, b"\x89PNG", Content_Length="1000")


def _no_http(handler: _Handler) -> None:
    handler.wfile.write(b"SSH-2.0-OpenSSH\r\n")


behaviours: dict[str, Callable[[_Handler], None]] = {
    "/3.png": _digit,
    "/redirect": _redirect,
    "/no-bytes": _no_bytes,
    "/announces-much": _announces_much,
    "/sends-much": _sends_much,
    "/silent": _silent,
    "/silent-after-headers": _silent_after_headers,
    "/byte-by-byte": _byte_by_byte,
    "/breaks-off": _breaks_off,
    "/no-http": _no_http,
}
