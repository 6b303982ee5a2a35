"""From an image URL to the bytes behind it. The only module that knows `requests` and the network.

Whoever calls the function chooses the URL, and the function stands inside a cloud account. So the
host is resolved once, every address it has must be public, and the connection is made to the
address that was checked: a second answer of its DNS server changes nothing.
"""

import ipaddress
import logging
import socket
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

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

# The platform sets the root logger to DEBUG, and urllib3 would print whole URLs, secrets included.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)

_DEFAULT_PORTS = {"http": 80, "https": 443}
_CHUNK_BYTES = 64 * 1024


class _Target(NamedTuple):
    """A URL that may be fetched, and the address to connect to."""

    url: str
    host: str
    host_header: str
    address: str


def fetch(url: str, settings: Settings) -> bytes:
    """Return what an image URL holds.

    Args:
        url: chosen by a stranger.
        settings: time limits, size limit, and hosts that may be private.

    Raises:
        UrlInvalid: not an http or https URL with a host.
        UrlForbidden: the host has an address that is not public.
        FetchError: the host does not exist, is too slow, or does not answer with 200.
        ImageTooLarge: there are more bytes than the limit.
    """
    deadline = time.monotonic() + settings.fetch_total_timeout_s
    target = _check(url, settings.url_allowed_hosts)
    with requests.Session() as http:
        http.trust_env = False  # no proxies, no .netrc: the connection goes to the checked address
        http.mount("http://", _PinnedAdapter(target))
        http.mount("https://", _PinnedAdapter(target))
        try:
            return _read(http, target, settings, deadline)
        except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise FetchTimeout("the image's host is too slow") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise HostUnreachable("the image's host does not answer") from error


def _check(url: str, allowed_hosts: frozenset[str]) -> _Target:
    try:
        # As `requests` will send it, so that no two parsers can disagree about the host.
        url = requests.Request("GET", url).prepare().url or ""
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except (requests.RequestException, ValueError) as error:
        raise UrlInvalid("image_url is not a valid http or https URL") from error
    if parts.scheme not in _DEFAULT_PORTS or port is None:
        raise UrlInvalid("image_url must begin with http:// or https://")
    if not parts.hostname or "@" in parts.netloc:
        raise UrlInvalid("image_url must name a host, and no user")
    addresses = _resolve(parts.hostname, port)
    is_allowed = parts.hostname in allowed_hosts or f"{parts.hostname}:{port}" in allowed_hosts
    if not is_allowed and not all(map(_is_public, addresses)):
        raise UrlForbidden("image_url leads to an address that is not public")
    return _Target(url, parts.hostname, parts.netloc, addresses[0])


def _resolve(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise HostNotFound("the image's host does not exist") from error
    return [str(sockaddr[0]) for *_, sockaddr in found]


def _is_public(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return parsed.is_global and not parsed.is_multicast


class _PinnedAdapter(HTTPAdapter):
    """Connects to a target's checked address; TLS still asks and checks for its name."""

    def __init__(self, target: _Target) -> None:
        self._target = target
        super().__init__(max_retries=0)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] == "https":
            pool |= {"server_hostname": self._target.host, "assert_hostname": self._target.host}
        return host | {"host": self._target.address}, pool


def _read(http: requests.Session, target: _Target, settings: Settings, deadline: float) -> bytes:
    response = http.get(
        target.url,
        headers={"Host": target.host_header, "Accept": "image/*", "Accept-Encoding": "identity"},
        timeout=(settings.fetch_connect_timeout_s, settings.fetch_read_timeout_s),
        allow_redirects=False,
        stream=True,
    )
    with response:
        if response.status_code != requests.codes.ok:
            raise FetchStatus(f"the image's host answered with status {response.status_code}")
        content = bytearray()
        _refuse_above(_announced_bytes(response.headers), settings.max_image_bytes)
        # read1 returns what has come: read would wait for a whole chunk, however slowly it comes.
        while chunk := response.raw.read1(_CHUNK_BYTES):
            content += chunk
            _refuse_above(len(content), settings.max_image_bytes)
            if time.monotonic() > deadline:
                raise FetchTimeout("the image's host is too slow")
    if not content:
        raise FetchError("the image's host answered with nothing")
    return bytes(content)


def _announced_bytes(headers: Mapping[str, str]) -> int:
    text = headers.get("Content-Length", "")
    return int(text) if text.isdecimal() else 0


def _refuse_above(size: int, limit: int) -> None:
    if size > limit:
        raise ImageTooLarge(f"the image has more than {limit} bytes")
