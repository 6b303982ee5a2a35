"""From an image URL to the bytes behind it. The only module that knows `requests` and the network.

Whoever calls the function chooses the URL, and the function stands inside a cloud account. So the
host is resolved once, every address it has must be public, and the connection is made to one of
those that were checked: a second answer of its DNS server changes nothing. The same holds for
each redirect. A deadline ends all of it, whatever the host does.
"""

import io
import logging
import queue
import socket
import string
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from http.client import HTTPResponse
from typing import Any, NamedTuple, cast
from urllib.parse import quote, urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from mnist_infer.compression import compressions
from mnist_infer.config import Settings
from mnist_infer.errors import (
    FetchError,
    FetchStatus,
    FetchTimeout,
    HostNotFound,
    HostUnreachable,
    ImageTooLarge,
    UrlForbidden,
    UrlInvalid,
)
from mnist_infer.hosts import METADATA_NAMES, is_plain, is_plain_address, is_public

# The platform sets the root logger to DEBUG, and urllib3 would print whole URLs, secrets included.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)

_PORTS = {"http": 80, "https": 443}
_MAX_URL_LENGTH = 2**13  # characters: to parse a URL takes a hundred times its memory. Signed ones have a few thousand
_CHUNK_BYTES = 64 * 1024
# Some hosts answer with 406 where `*/*` is missing.
_HEADERS = {"User-Agent": "mnist-infer", "Accept": "image/*,*/*;q=0.8", "Accept-Encoding": "identity"}
_REDIRECTS = (301, 302, 303, 307, 308)
_PROCESSING, _EARLY_HINTS = 102, 103

# Of all lines around a body: statuses, headers, the heads of chunks, trailers. Servers send chunks of kilobytes.
_MAX_LINES = 2**14
_MAX_LINE_BYTES = 2**20


class _Target(NamedTuple):
    """A URL that may be fetched, and the addresses to connect to: the first that accepts a connection is taken."""

    url: str
    addresses: list[str]
    port: int


def fetch(url: str, settings: Settings) -> bytes:
    """Return what an image URL holds.

    Args:
        url: chosen by a stranger.
        settings: limits, and hosts that may be private or at another port.

    Raises:
        UrlInvalid: not an http or https URL with a plain host, or a very long one.
        UrlForbidden: URLs are switched off, or it leads to an address that is not public, to
            another port than 80 and 443, or by a redirect from https to http.
        FetchError: the host does not exist, is too slow, or does not answer with 200.
        ImageTooLarge: there are more bytes than the limit.
    """
    if not settings.url_fetch:
        raise UrlForbidden("image URLs are switched off here: send image_base64")
    was_secure = False
    with _deadline(settings.fetch_total_timeout_s) as deadline:
        for _ in range(settings.fetch_max_redirects + 1):
            target = _check(url, settings, deadline)
            is_secure = target.url.startswith("https:")
            if was_secure and not is_secure:
                raise UrlForbidden("the image's host redirects from https to http")
            answer = _get(target, settings, deadline)
            if isinstance(answer, bytes):
                return answer
            url, was_secure = answer.url, is_secure
    raise FetchStatus(f"the image's host redirects more than {settings.fetch_max_redirects} times")


class _Deadline:
    """A moment at which every connection that was given to it is shut down.

    A read timeout does not do it: it begins anew with every byte that comes, also inside a header.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._connections: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._shut_down)
        self._timer.daemon = True
        self._timer.start()

    @property
    def remaining_s(self) -> float:
        return self._end - time.monotonic()

    def watch(self, connection: socket.socket) -> None:
        self._connections.append(connection.dup())  # TLS takes the original's descriptor away
        if self.remaining_s <= 0:  # the timer may have fired already
            self._shut_down()

    def close(self) -> None:
        self._timer.cancel()
        self._timer.join()
        for connection in self._connections:
            connection.close()

    def _shut_down(self) -> None:
        for connection in self._connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the other side has closed it


@contextmanager
def _deadline(seconds: float) -> Iterator[_Deadline]:
    """Give a deadline, and convert foreign exceptions to this package's errors; past the deadline each is a timeout."""
    deadline = _Deadline(seconds)
    try:
        yield deadline
        if deadline.remaining_s <= 0:  # cut off, a body without a length only looks complete
            raise FetchTimeout("the image's host is too slow")
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, FetchError) as error:
        is_timeout = isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError | TimeoutError)
        if is_timeout or deadline.remaining_s <= 0:
            raise FetchTimeout("the image's host is too slow") from error
        if isinstance(error, FetchError):
            raise
        raise HostUnreachable("the image's host does not answer") from error
    finally:
        deadline.close()


def _check(url: str, settings: Settings, deadline: _Deadline) -> _Target:
    if len(url) > _MAX_URL_LENGTH:
        raise UrlInvalid(f"image_url is not an http or https URL of at most {_MAX_URL_LENGTH} characters")
    try:
        # As `requests` will send it, so that no two parsers can disagree about the host.
        prepared = requests.Request("GET", url).prepare().url or ""
        host, scheme = urlsplit(prepared).hostname or "", urlsplit(prepared).scheme
        default_port = _PORTS[scheme]
        port = urlsplit(prepared).port or default_port
        written = urlsplit(url)
    except (requests.RequestException, ValueError, KeyError) as error:
        raise UrlInvalid("image_url is not a valid http or https URL") from error
    if "@" in written.netloc or written.hostname != host or not is_plain(host):
        raise UrlInvalid("image_url must name a host, in plain letters or as a plain address, and no user")
    bracketed = f"[{host}]" if ":" in host else host  # an IPv6 address, as it stands in a URL
    is_allowed = not settings.url_allowed_hosts.isdisjoint({host, bracketed, f"{bracketed}:{port}"})
    if not is_allowed and (port not in _PORTS.values() or host in METADATA_NAMES):
        raise UrlForbidden("image_url leads to a host or a port that is not allowed")
    addresses = [host] if is_plain_address(host) else _resolve(host, port, deadline)
    if not is_allowed and not all(map(is_public, addresses)):
        raise UrlForbidden("image_url leads to an address that is not public")
    return _Target(prepared, addresses, port)


def _resolve(host: str, port: int, deadline: _Deadline) -> list[str]:
    """Return the addresses of a name, in the order to try them.

    The system's resolver knows no deadline, so it is asked from a thread that may be left behind.
    """
    answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
            answers.put([str(sockaddr[0]) for *_, sockaddr in found])
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=max(deadline.remaining_s, 0))
    except queue.Empty as error:
        raise FetchTimeout("the image's host is too slow to be found") from error
    if isinstance(answer, Exception) or not answer:
        raise HostNotFound("the image's host does not exist")
    return answer


class _Redirect(NamedTuple):
    url: str


def _get(target: _Target, settings: Settings, deadline: _Deadline) -> bytes | _Redirect:
    # Not through a session of `requests`, which would read a redirect's body, however long it is,
    # and would ask the environment for proxies and passwords.
    request = requests.Request("GET", target.url, headers=_HEADERS).prepare()
    timeouts_s = (settings.fetch_connect_timeout_s, settings.fetch_read_timeout_s)
    with (
        closing(_PinnedAdapter(target, deadline)) as adapter,
        adapter.send(request, stream=True, timeout=timeouts_s) as response,
    ):
        if response.status_code in _REDIRECTS and "Location" in response.headers:
            return _Redirect(_join(target.url, response.headers["Location"]))
        if response.status_code != requests.codes.ok:
            raise FetchStatus(f"the image's host answered with status {response.status_code}")
        if names := compressions(response.headers.get("Content-Encoding", "")):
            raise FetchError(f"the image's host sends the image compressed ({names[0]}), which was not asked for")
        return _read(response, settings.max_image_bytes)


def _join(url: str, location: str) -> str:
    # As its bytes, whatever their encoding, like a browser: http.client takes every header for Latin-1.
    quoted = quote(location.encode("latin-1"), safe=string.punctuation)
    try:
        return urljoin(url, quoted)
    except ValueError as error:
        raise UrlInvalid("the image's host redirects to no valid URL") from error


def _read(response: requests.Response, max_bytes: int) -> bytes:
    """Return the body as it came: nothing is decompressed, so nothing can grow."""
    content = bytearray()
    is_too_large = (response.raw.length_remaining or 0) > max_bytes  # as announced, where that is a number
    # read1 returns what has come: read would wait for a whole chunk, however slowly it comes.
    while not is_too_large and (chunk := response.raw.read1(_CHUNK_BYTES)):
        content += chunk
        is_too_large = len(content) > max_bytes
    if is_too_large:
        raise ImageTooLarge(f"the image has more than {max_bytes} bytes")
    if not content:
        raise FetchError("the image's host sent an empty answer")
    return bytes(content)


class _PinnedAdapter(HTTPAdapter):
    """Connects to a target's checked addresses; the request and TLS still name its host."""

    def __init__(self, target: _Target, deadline: _Deadline) -> None:
        self._target, self._deadline = target, deadline
        super().__init__(max_retries=0)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        pools: Any = self.poolmanager.pool_classes_by_scheme
        self.poolmanager.pool_classes_by_scheme = {
            scheme: cast(type, partial(self._new_pool, pool_class)) for scheme, pool_class in pools.items()
        }

    def close(self) -> None:
        for key in self.poolmanager.pools.keys():  # noqa: SIM118 (they cannot be iterated over)
            self.poolmanager.pools[key].close()  # now, not when the last reference to it is gone
        super().close()

    def _new_pool(self, pool_class: Any, *arguments: Any, **options: Any) -> Any:
        pool = pool_class(*arguments, **options)
        pool.ConnectionCls = partial(self._new_connection, pool_class.ConnectionCls)
        return pool

    def _new_connection(self, connection_class: Any, **options: Any) -> Any:
        connection = connection_class(**options)
        connection.response_class = _BoundedResponse
        connection._new_conn = partial(self._connect, connection)  # what urllib3's own SOCKS connection replaces, too
        return connection

    def _connect(self, connection: Any) -> socket.socket:
        try:
            connected = self._connect_to_any(connection.timeout)
        except TimeoutError as error:
            raise urllib3.exceptions.ConnectTimeoutError(connection, "connect") from error
        try:
            self._deadline.watch(connected)
        except OSError:  # no descriptor is left for it
            connected.close()
            raise
        return connected

    def _connect_to_any(self, timeout_s: float) -> socket.socket:
        """Try the addresses in their order, so that a host is reached of which only some answer."""
        failure: OSError = TimeoutError()
        for address in self._target.addresses:
            if self._deadline.remaining_s <= 0:
                break
            try:
                remaining_s = min(timeout_s, self._deadline.remaining_s)
                return socket.create_connection((address, self._target.port), remaining_s)
            except OSError as error:
                failure = error
        raise failure


class _BoundedLines(io.BufferedReader):
    """Reads an answer and bounds its lines in all: a line costs a thousand times what its bytes do."""

    def __init__(self, raw: io.RawIOBase) -> None:
        super().__init__(raw)
        self._lines = self._line_bytes = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        self._lines += 1
        self._line_bytes += len(line)
        if self._lines > _MAX_LINES or self._line_bytes > _MAX_LINE_BYTES:
            raise FetchError("the image's host sends too many headers, chunks or trailers")
        return line


class _BoundedResponse(HTTPResponse):
    """An answer in bounded lines; informational answers before the final one are skipped (RFC 9110, 15.2)."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp: io.BufferedReader = _BoundedLines(self.fp.detach())

    def _read_status(self) -> tuple[str, int, str]:
        # What http.client itself calls, and where it skips `100 Continue` only.
        status: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
        while status[1] in (_PROCESSING, _EARLY_HINTS):
            while self.fp.readline() not in (b"\r\n", b"\n", b""):
                continue
            status = super()._read_status()  # type: ignore[misc]
        return status
