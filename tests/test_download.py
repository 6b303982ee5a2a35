"""The guard on image URLs, against a real server on this machine."""

import socket
from collections.abc import Iterator

import pytest
import requests.adapters
import trustme
import urllib3.util.connection

from mnist_infer import download
from mnist_infer.config import Settings
from mnist_infer.download import fetch
from mnist_infer.errors import (
    FetchError,
    FetchStatus,
    FetchTimeout,
    HostNotFound,
    HostUnreachable,
    ImageTooLarge,
    MnistInferError,
    UrlForbidden,
    UrlInvalid,
)
from tests.pictures import digit_png
from tests.servers import Server, running_server


def address(server: Server, path: str) -> str:
    return f"http://127.0.0.1:{server.port}{path}"


@pytest.fixture
def no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that opens a connection."""

    def connect(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(urllib3.util.connection, "create_connection", connect)


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Let every host name have these addresses; returns the list of the names that were asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_: object, **__: object) -> list[object]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(download.socket, "getaddrinfo", getaddrinfo)
    return asked


def test_an_image_is_fetched_whole(server: Server, local_settings: Settings) -> None:
    assert fetch(address(server, "/3.png?signature=x"), local_settings) == digit_png(3)


def test_the_request_names_the_host_and_carries_nothing_of_the_function(
    server: Server, local_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    fetch(address(server, "/3.png"), local_settings)
    line, headers = server.requests[-1]
    assert line == "GET /3.png HTTP/1.1"
    assert headers["Host"] == f"127.0.0.1:{server.port}"
    assert {"Authorization", "Cookie", "Referer"}.isdisjoint(headers)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/nothing-here", FetchStatus),
        ("/redirect", FetchStatus),
        ("/no-bytes", FetchError),
        ("/announces-much", ImageTooLarge),
        ("/sends-much", ImageTooLarge),
        ("/silent", FetchTimeout),
        ("/silent-after-headers", FetchTimeout),
        ("/byte-by-byte", FetchTimeout),
        ("/breaks-off", HostUnreachable),
        ("/no-http", HostUnreachable),
    ],
)
def test_a_server_that_misbehaves_is_an_error_of_its_own(
    path: str, error: type[MnistInferError], server: Server, local_settings: Settings
) -> None:
    with pytest.raises(error) as caught:
        fetch(address(server, path), local_settings)
    assert caught.type is error
    assert "127.0.0.1" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_unreachable(local_settings: Settings) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(HostUnreachable):
        fetch(f"http://127.0.0.1:{port}/", local_settings._replace(url_allowed_hosts=frozenset({"127.0.0.1"})))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/3.png",
        "file:///etc/passwd",
        "gopher://example.com/",
        "data:image/png;base64,aGk=",
        "example.com/3.png",
        "//example.com/3.png",
        "http://",
        "http:///3.png",
        "http://user@example.com/",
        "http://user:secret@example.com/",
        "http://example.com:port/",
        "http://example.com:99999/",
        "http://[::1/",
        "http://exa mple.com/",
        "http://*.example.com/",
        "\0",
        "\ud800",
        " ",
    ],
)
@pytest.mark.usefixtures("no_connection")
def test_what_is_no_http_url_with_a_host_and_no_user_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolve_to(monkeypatch, "93.184.215.14")
    with pytest.raises(UrlInvalid):
        fetch(url, Settings())
    assert asked == []


@pytest.mark.parametrize(
    "private",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.0.23", "100.64.0.1", "0.0.0.0", "224.0.0.1", "::1"],
)
@pytest.mark.usefixtures("no_connection")
def test_a_host_with_any_address_that_is_not_public_is_refused(private: str, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "93.184.215.14", private)
    with pytest.raises(UrlForbidden):
        fetch("https://example.com/3.png", Settings())


@pytest.mark.usefixtures("no_connection")
def test_an_allowed_host_at_another_port_stays_refused(server: Server, local_settings: Settings) -> None:
    with pytest.raises(UrlForbidden):
        fetch(f"http://127.0.0.1:{server.port + 1}/", local_settings)


def test_a_host_that_does_not_exist_is_an_error_of_its_own() -> None:
    with pytest.raises(HostNotFound):
        fetch("http://does-not-exist.invalid/", Settings())


def test_the_host_is_resolved_once_and_the_checked_address_is_connected_to(
    server: Server, local_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = resolve_to(monkeypatch, "127.0.0.1")
    connected: list[object] = []
    create_connection = urllib3.util.connection.create_connection

    def connect(to: tuple[str, int], *arguments: object, **options: object) -> socket.socket:
        connected.append(to)
        return create_connection(to, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(urllib3.util.connection, "create_connection", connect)
    settings = local_settings._replace(url_allowed_hosts=frozenset({"pictures.example"}))
    assert fetch(f"http://pictures.example:{server.port}/3.png", settings) == digit_png(3)
    assert connected == [("127.0.0.1", server.port)]
    assert asked == ["pictures.example", "127.0.0.1"]  # the second is urllib3's, of the address itself
    assert server.requests[-1][1]["Host"] == f"pictures.example:{server.port}"


@pytest.fixture
def tls_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server with a certificate for `pictures.example`, which the function trusts."""
    import ssl

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("pictures.example").configure_cert(context)
    with authority.cert_pem.tempfile() as path, running_server(context) as server:
        monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", path)
        resolve_to(monkeypatch, "127.0.0.1")
        yield server


def test_over_tls_the_certificate_is_checked_for_the_hosts_name(tls_server: Server, local_settings: Settings) -> None:
    settings = local_settings._replace(url_allowed_hosts=frozenset({"pictures.example", "other.example"}))
    assert fetch(f"https://pictures.example:{tls_server.port}/3.png", settings) == digit_png(3)
    with pytest.raises(HostUnreachable):
        fetch(f"https://other.example:{tls_server.port}/3.png", settings)
