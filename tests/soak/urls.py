"""The image URLs of the soak, and what becomes of each."""

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

from testbed.image_host import behaviours
from testbed.image_host_process import Ports

Outcome = int | str
"""The digit, or the error code."""

# What a path of the local server leads to: all that it knows must be here.
PATHS: dict[str, Outcome] = {
    "/3.png": 3,
    "/announces-nonsense": 3,
    "/redirect": 3,
    "/redirect-2": 3,
    "/redirect-3": 3,
    "/redirect-to-http": 3,
    "/redirect-with-much": 3,
    "/redirect-for-ever": "fetch_status",
    "/redirect-nowhere": "fetch_status",
    "/redirect-to-file": "url_invalid",
    "/%E5%9B%BE.png": 3,
    "/redirect-to-chinese": 3,
    "/caf%E9.png": 3,
    "/redirect-to-latin-1": 3,
    "/redirect-far": "url_invalid",
    "/redirect-to-damage": "url_invalid",
    "/redirect-to-private": "url_forbidden",
    "/redirect-to-user": "url_invalid",
    "/redirect-to-drip": "fetch_timeout",
    "/drips-status": "fetch_timeout",
    "/drips-headers": "fetch_timeout",
    "/gzip-bomb": "fetch_failed",
    "/chunks-for-ever": "image_too_large",
    "/many-headers": "host_unreachable",
    "/chunked-digit": 3,
    "/interim-answers": 3,
    "/continue-for-ever": "fetch_failed",
    "/hints-for-ever": "fetch_failed",
    "/hints-of-many-headers": "fetch_failed",
    "/one-byte-chunks": "fetch_failed",
    "/chunk-extensions": "fetch_failed",
    "/trailers-for-ever": "fetch_failed",
    "/closes": "host_unreachable",
    "/no-bytes": "fetch_failed",
    "/announces-much": "image_too_large",
    "/sends-much": "image_too_large",
    "/silent": "fetch_timeout",
    "/silent-after-headers": "fetch_timeout",
    "/byte-by-byte": "fetch_timeout",
    "/breaks-off": "host_unreachable",
    "/no-http": "host_unreachable",
    "/encoded": 3,
    "/only-to-those-who-accept-anything": 3,
}
NOT_THERE = {"/nothing-here": "fetch_status"}

_TLS_PATHS: dict[str, Outcome] = {
    "/3.png": 3,
    "/redirect": 3,
    "/redirect-to-http": "url_forbidden",
    "/silent": "fetch_timeout",
    "/byte-by-byte": "fetch_timeout",
    "/breaks-off": "host_unreachable",
}
_REFUSED: dict[str, Outcome] = {
    "no URL": "url_invalid",
    "ftp://127.0.0.1/3.png": "url_invalid",
    "http://2130706433/3.png": "url_invalid",
    "http://user:secret@127.0.0.1/3.png": "url_invalid",
    "http://127.0.0.1/3.png": "url_forbidden",
    "http://127.0.0.1:22/": "url_forbidden",
    "http://[::1]/": "url_forbidden",
    "http://169.254.0.23/latest/meta-data/": "url_forbidden",
    "http://metadata.tencentyun.com/latest/meta-data/": "url_forbidden",
    "http://localhost/": "url_forbidden",
    "http://private.example/3.png": "url_forbidden",
    "http://mixed.example/3.png": "url_forbidden",
    "http://nobody.example/3.png": "host_not_found",
    "http://slow.example/3.png": "fetch_timeout",
}
_NAMES = {
    "pictures.example": ["127.0.0.1"],
    "private.example": ["10.0.0.1"],
    "mixed.example": ["93.184.215.14", "10.0.0.1"],
    "nobody.example": [],
    "slow.example": [],
}
_SLOW_NAME_S = 0.1


def allowed_hosts(ports: Ports) -> str:
    """Return the setting that lets image URLs lead to the local server."""
    return f"127.0.0.1:{ports.plain},127.0.0.1:{ports.tls},127.0.0.1:{ports.closed},pictures.example"


def image_urls(ports: Ports, number: int) -> Iterator[tuple[str, Outcome]]:
    """Yield every URL with its outcome.

    Args:
        ports: of the local server.
        number: becomes part of the URLs, so that no two requests have the same.
    """
    if set(PATHS) != set(behaviours):
        raise LookupError(f"paths without an outcome, or not served: {sorted(set(PATHS) ^ set(behaviours))}")
    for path, outcome in (PATHS | NOT_THERE).items():
        yield f"http://127.0.0.1:{ports.plain}{path}?{number}", outcome
    for path, outcome in _TLS_PATHS.items():
        yield f"https://127.0.0.1:{ports.tls}{path}?{number}", outcome
    yield f"http://pictures.example:{ports.plain}/3.png?{number}", 3
    yield f"https://pictures.example:{ports.tls}/3.png?{number}", "host_unreachable"  # not in the certificate
    yield f"http://127.0.0.1:{ports.closed}/3.png?{number}", "host_unreachable"
    yield from _REFUSED.items()


def resolver(system: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """Return a `getaddrinfo` that knows the names of this module, and leaves all else to the system's."""

    def getaddrinfo(host: str, port: int, *arguments: object, **options: object) -> list[Any]:
        if host not in _NAMES:
            return system(host, port, *arguments, **options)
        if host == "slow.example":
            time.sleep(_SLOW_NAME_S)
        if not _NAMES[host]:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in _NAMES[host]]

    return getaddrinfo
