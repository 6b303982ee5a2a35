"""Local HTTP servers: one that misbehaves in every way the tests need, chosen by the path, and the function's own."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any
from urllib.parse import unquote

from testbed.pictures import digit_png


class Server(ThreadingHTTPServer):
    """Serves on a free port of 127.0.0.1.

    Attributes:
        requests: request line and headers of each request that came.
        bytes_sent: of the body of `/redirect-with-much`.
        stopped: set as the server ends, so that nothing slow outlives a test.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.bytes_sent = 0
        self.stopped = threading.Event()
        self._serving: set[int] = set()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one request, and be counted while it lasts."""
        self._serving.add(threading.get_ident())
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._serving.discard(threading.get_ident())

    def wait_until_idle(self) -> None:
        """Wait until no request is being served any more."""
        end = time.monotonic() + 5
        while self._serving:
            if time.monotonic() > end:
                raise TimeoutError("a request is still being served")
            time.sleep(0.005)

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


def _encoded(handler: _Handler) -> None:
    handler.answer(200, digit_png(3), Content_Encoding=unquote(handler.path.partition("?")[2]))


def _only_to_those_who_accept_anything(handler: _Handler) -> None:
    if "*/*" in handler.headers["Accept"]:
        _digit(handler)
    else:
        handler.answer(406, b"secret page")


def _not_found(handler: _Handler) -> None:
    handler.answer(404, b"secret page")


def _redirect_to(location: str) -> "Callable[[_Handler], None]":
    def redirect(handler: _Handler) -> None:
        handler.answer(302, b"secret page", Location=location.replace("{port}", str(handler.server.port)))

    return redirect


def _redirect_nowhere(handler: _Handler) -> None:
    handler.answer(302, b"secret page")


def _redirect_with_much(handler: _Handler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "/3.png")
    handler.end_headers()
    while not handler.server.stopped.is_set():
        handler.wfile.write(bytes(64 * 1024))
        handler.server.bytes_sent += 64 * 1024


def _no_bytes(handler: _Handler) -> None:
    handler.answer(200, b"")


def _announces_much(handler: _Handler) -> None:
    handler.answer(200, b"", Content_Length=str(10**12))


def _announces_nonsense(handler: _Handler) -> None:
    handler.answer(200, digit_png(3), Content_Length="9" * 5000)  # more digits than Python turns into a number


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


def _drips_status(handler: _Handler) -> None:
    _drip(handler, b"HTTP/1.1 200 " + b"O" * 1000)


def _drips_headers(handler: _Handler) -> None:
    _drip(handler, b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000)


def _drip(handler: _Handler, content: bytes) -> None:
    for byte in content:
        if handler.server.stopped.wait(0.01):
            break
        handler.wfile.write(bytes([byte]))


def _gzip_bomb(handler: _Handler) -> None:
    handler.answer(200, gzip.compress(bytes(5_000_000), 1), Content_Encoding="gzip")


def _chunks_for_ever(handler: _Handler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    while not handler.server.stopped.is_set():
        handler.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")


def _in_pieces(*pieces: bytes, for_ever: bytes = b"") -> "Callable[[_Handler], None]":
    def send(handler: _Handler) -> None:
        handler.wfile.write(b"".join(pieces))
        while for_ever and not handler.server.stopped.is_set():
            handler.wfile.write(for_ever * (2**16 // len(for_ever)))

    return send


def _chunked_digit(handler: _Handler) -> None:
    content = digit_png(3)
    _in_pieces(CHUNKED, b"%x\r\n%b\r\n0\r\n" % (len(content), content), b"X: y\r\n" * 9 + b"\r\n")(handler)


def _interim_answers(handler: _Handler) -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
    _in_pieces(b"HTTP/1.1 100 Continue\r\n\r\n" * 3, b"HTTP/1.1 102 Processing\r\n\r\n", hints * 2)(handler)
    _digit(handler)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def _many_headers(handler: _Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n")


def _closes(handler: _Handler) -> None:
    handler.wfile.flush()


def _breaks_off(handler: _Handler) -> None:
    handler.answer(200, b"\x89PNG", Content_Length="1000")


def _no_http(handler: _Handler) -> None:
    handler.wfile.write(b"SSH-2.0-OpenSSH\r\n")


behaviours: dict[str, Callable[[_Handler], None]] = {
    "/3.png": _digit,
    "/encoded": _encoded,
    "/only-to-those-who-accept-anything": _only_to_those_who_accept_anything,
    "/redirect": _redirect_to("/3.png"),
    "/redirect-3": _redirect_to("/redirect-2"),
    "/redirect-2": _redirect_to("/redirect"),
    "/redirect-for-ever": _redirect_to("/redirect-for-ever"),
    "/redirect-with-much": _redirect_with_much,
    "/%E5%9B%BE.png": _digit,
    "/redirect-to-chinese": _redirect_to("/图.png".encode().decode("latin-1")),  # as its bytes, which servers send
    "/caf%E9.png": _digit,
    "/redirect-to-latin-1": _redirect_to("/caf\xe9.png"),
    "/redirect-far": _redirect_to("/" + "a" * 2**14),
    "/redirect-to-damage": _redirect_to("http://[::1/3.png"),
    "/redirect-nowhere": _redirect_nowhere,
    "/redirect-to-file": _redirect_to("file:///etc/passwd"),
    "/redirect-to-private": _redirect_to("http://169.254.0.23/latest/meta-data/"),
    "/redirect-to-user": _redirect_to("http://user:secret@127.0.0.1/"),
    "/redirect-to-http": _redirect_to("http://127.0.0.1:{port}/3.png"),
    "/redirect-to-drip": _redirect_to("/byte-by-byte"),
    "/drips-status": _drips_status,
    "/drips-headers": _drips_headers,
    "/gzip-bomb": _gzip_bomb,
    "/chunks-for-ever": _chunks_for_ever,
    "/many-headers": _many_headers,
    "/chunked-digit": _chunked_digit,
    "/interim-answers": _interim_answers,
    "/continue-for-ever": _in_pieces(for_ever=b"HTTP/1.1 100 Continue\r\n\r\n"),
    "/hints-for-ever": _in_pieces(for_ever=b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"),
    "/hints-of-many-headers": _in_pieces(b"HTTP/1.1 103 Early Hints\r\n", for_ever=b"X: y\r\n"),
    "/one-byte-chunks": _in_pieces(CHUNKED, for_ever=b"1\r\nx\r\n"),
    "/chunk-extensions": _in_pieces(CHUNKED, for_ever=b"1;" + b"x" * 2**15 + b"\r\nx\r\n"),
    "/trailers-for-ever": _in_pieces(CHUNKED, b"1\r\nx\r\n0\r\n", for_ever=b"X: y\r\n"),
    "/closes": _closes,
    "/no-bytes": _no_bytes,
    "/announces-much": _announces_much,
    "/announces-nonsense": _announces_nonsense,
    "/sends-much": _sends_much,
    "/silent": _silent,
    "/silent-after-headers": _silent_after_headers,
    "/byte-by-byte": _byte_by_byte,
    "/breaks-off": _breaks_off,
    "/no-http": _no_http,
}
