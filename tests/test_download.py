"""The guard on image URLs, against a real server on this machine."""

import contextlib
import socket
import threading
from pathlib import Path

import pytest

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
from mnist_infer.hosts import is_public
from testbed.image_host import Server, running_server
from testbed.pictures import digit_png
from tests.conftest import resolve_to


def address(server: Server, path: str) -> str:
    return f"http://127.0.0.1:{server.port}{path}"


@pytest.fixture
def no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that opens a connection."""

    def connect(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "create_connection", connect)


def test_an_image_is_fetched_whole(server: Server, local_settings: Settings) -> None:
    assert fetch(address(server, "/3.png?signature=x"), local_settings) == digit_png(3)


@pytest.mark.parametrize("path", ["/interim-answers", "/chunked-digit"])
def test_answers_before_the_answer_and_lines_around_chunks_do_not_matter(
    path: str, server: Server, local_settings: Settings
) -> None:
    assert fetch(address(server, path), local_settings) == digit_png(3)


@pytest.mark.parametrize(
    "encoding", ["", "identity", "Identity", "aws-chunked", "utf-8", "binary", "aws-chunked,identity"]
)
def test_a_content_encoding_that_names_no_compression_does_not_matter(
    encoding: str, server: Server, local_settings: Settings
) -> None:
    assert fetch(address(server, f"/encoded?{encoding}"), local_settings) == digit_png(3)


@pytest.mark.parametrize(
    ("encoding", "named"),
    [*((name, name) for name in ("gzip", "br", "zstd", "deflate", "compress")), ("aws-chunked, GZIP", "gzip")],
)
def test_a_compressed_image_is_refused_by_the_name_of_its_compression(
    encoding: str, named: str, server: Server, local_settings: Settings
) -> None:
    with pytest.raises(FetchError, match=rf"sends the image compressed \({named}\)"):
        fetch(address(server, f"/encoded?{encoding}"), local_settings)


def test_a_host_that_goes_by_the_accept_header_gives_the_image(server: Server, local_settings: Settings) -> None:
    assert fetch(address(server, "/only-to-those-who-accept-anything"), local_settings) == digit_png(3)


@pytest.mark.parametrize(
    "host", ["my_bucket.example", "_dmarc.example", "image_host", "a_b-c.d_e.example", "name-.example"]
)
def test_a_host_with_an_underscore_is_held_to_the_same_addresses_as_any_other(
    host: str, server: Server, local_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = resolve_to(monkeypatch, "127.0.0.1")
    url = f"http://{host}:{server.port}/3.png"
    with pytest.raises(UrlForbidden):
        fetch(url.replace(f":{server.port}", ""), local_settings)
    assert asked == [host]
    assert fetch(url, local_settings._replace(url_allowed_hosts=frozenset({host}))) == digit_png(3)
    assert server.requests[-1][1]["Host"] == f"{host}:{server.port}"


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
        ("/redirect-nowhere", FetchStatus),
        ("/redirect-for-ever", FetchStatus),
        ("/redirect-to-file", UrlInvalid),
        ("/redirect-to-damage", UrlInvalid),
        ("/redirect-to-private", UrlForbidden),
        ("/redirect-to-user", UrlInvalid),
        ("/drips-headers", FetchTimeout),
        ("/drips-status", FetchTimeout),
        ("/gzip-bomb", FetchError),
        ("/chunks-for-ever", ImageTooLarge),
        ("/many-headers", HostUnreachable),
        ("/continue-for-ever", FetchError),
        ("/hints-for-ever", FetchError),
        ("/hints-of-many-headers", FetchError),
        ("/chunk-extensions", FetchError),
        ("/trailers-for-ever", FetchError),
        ("/closes", HostUnreachable),
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


def test_an_answer_in_one_byte_chunks_is_given_up_long_before_the_deadline(
    server: Server, local_settings: Settings
) -> None:
    with pytest.raises(FetchError, match="too many headers, chunks or trailers"):
        fetch(address(server, "/one-byte-chunks"), local_settings._replace(fetch_total_timeout_s=60))


def test_a_server_that_is_not_there_is_unreachable(local_settings: Settings) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(HostUnreachable):
        fetch(f"http://127.0.0.1:{port}/", local_settings._replace(url_allowed_hosts=frozenset({"127.0.0.1"})))


INVALID = [
    *("ftp://example.com/3.png", "file:///etc/passwd", "gopher://example.com/", "data:image/png;base64,aGk="),
    *("javascript:alert(1)", "jar:http://example.com/!/", "unix:///var/run/docker.sock", "dict://example.com:80/"),
    *("example.com/3.png", "//example.com/3.png", "http:example.com", "http://", "http:///3.png", "http://:80/"),
    *("http://user@example.com/", "http://user:secret@example.com/", "http://@example.com/", "http://:@example.com/"),
    *("http://example.com:port/", "http://example.com:99999/", "http://example.com:-1/", "http://[::1/", "http://::1/"),
    *("http://exa mple.com/", "http://*.example.com/", "http://example..com/", "http://.example.com/"),
    *("http://example.com\\@127.0.0.1/", "http://127.0.0.1\\@example.com/"),
    *("\0", "\ud800", " ", "http://exa\0mple.com/", "http://ex\tample.com%2f@127.0.0.1/"),
]
ODD_SPELLINGS = [
    *("2130706433", "0x7f000001", "017700000001", "0x7f.0.0.1", "0177.0.0.1", "0x7F.1", "127.1", "127.0.1", "10.1"),
    *("1", "0", "00000000", "127.0.0.01", "127.0.0.1.", "localhost.", "example.com.", "8.8.8.8.", "134744072", "8.8"),
    *(
        "１２７.０.０.１",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "ｌｏｃａｌｈｏｓｔ",
        "exａmple.com",
        "例子.中国",
        "bücher.example",
    ),
    *(
        "xn--fsqu00a.xn--0zwm56d",
        "a.xn--bcher-kva.example",
        "xn--80ak6aa92e.com",
        "-a.example",
        "under_score.1",
        "_",
        "xn--a_b.example",
    ),
    *("[0:0:0:0:0:0:0:1]", "[2606:4700:4700:0:0:0:0:1111]"),
]
PRIVATE_ADDRESSES = [
    *("127.0.0.1", "127.255.255.254", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("0.0.0.0", "0.1.2.3", "100.64.0.1", "100.127.255.255", "100.100.100.200", "169.254.0.23", "169.254.169.254"),
    *("9.0.0.1", "11.255.255.254", "30.1.2.3", "131.87.0.1"),
    *("168.63.129.16", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255"),
    *("198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1"),
    *("64:ff9b:1::a00:1", "100::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1"),
    *("2001::1", "2001:0:7f00:1::", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1", "3fff::1"),
    *("::FFFF:7f00:1", "::1%lo", "2620:4f:8000::1", "5f00::1", "4000::1", "no address"),
]


def test_the_table_of_refused_urls_is_long_enough() -> None:
    table = INVALID + ODD_SPELLINGS + PRIVATE_ADDRESSES
    assert len(set(table)) == len(table) >= 80


@pytest.mark.parametrize("url", INVALID + [f"http://{host}/" for host in ODD_SPELLINGS], ids=ascii)
@pytest.mark.usefixtures("no_connection")
def test_what_is_no_http_url_with_a_plain_host_is_refused_unresolved(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolve_to(monkeypatch, "93.184.215.14")
    with pytest.raises(UrlInvalid):
        fetch(url, Settings())
    assert asked == []


@pytest.mark.parametrize("private", PRIVATE_ADDRESSES)
@pytest.mark.usefixtures("no_connection")
def test_a_host_with_any_address_that_is_not_public_is_refused(private: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for addresses in ((private,), ("93.184.215.14", private), (private, "2606:4700:4700::1111")):
        resolve_to(monkeypatch, *addresses)
        with pytest.raises(UrlForbidden):
            fetch("https://example.com/3.png", Settings())


@pytest.mark.parametrize("private", [address for address in PRIVATE_ADDRESSES if " " not in address])
@pytest.mark.usefixtures("no_connection")
def test_an_address_that_is_not_public_is_refused_as_a_host(private: str) -> None:
    with pytest.raises((UrlForbidden, UrlInvalid)):
        fetch(f"http://[{private}]/" if ":" in private else f"http://{private}/", Settings())


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.215.14", "1.1.1.1", "119.29.29.29", "100.63.255.255", "131.88.0.1", "2606:4700:4700::1111"],
)
def test_a_public_address_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["metadata.tencentyun.com", "METADATA.tencentyun.com", "metadata.google.internal"])
@pytest.mark.usefixtures("no_connection")
def test_the_metadata_services_are_refused_by_name(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "93.184.215.14")
    with pytest.raises(UrlForbidden):
        fetch(f"http://{host}/latest/meta-data/", Settings())


@pytest.mark.parametrize("port", [1, 22, 25, 6379, 8080, 8443, 11211, 65535])
@pytest.mark.usefixtures("no_connection")
def test_only_the_ports_of_the_web_are_connected_to(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "93.184.215.14")
    with pytest.raises(UrlForbidden):
        fetch(f"http://example.com:{port}/", Settings())


@pytest.mark.usefixtures("no_connection")
def test_urls_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolve_to(monkeypatch, "93.184.215.14")
    with pytest.raises(UrlForbidden, match="send image_base64"):
        fetch("https://example.com/3.png", Settings(url_fetch=False))
    assert asked == []


@pytest.mark.usefixtures("no_connection")
def test_an_allowed_host_at_another_port_stays_refused(server: Server, local_settings: Settings) -> None:
    with pytest.raises(UrlForbidden):
        fetch(f"http://127.0.0.1:{server.port + 1}/", local_settings)


def test_a_content_length_that_is_not_a_number_is_ignored(server: Server, local_settings: Settings) -> None:
    assert fetch(address(server, "/announces-nonsense"), local_settings) == digit_png(3)


@pytest.mark.parametrize("path", ["/redirect", "/redirect-3", "/redirect-to-chinese", "/redirect-to-latin-1"])
def test_up_to_three_redirects_are_followed(path: str, server: Server, local_settings: Settings) -> None:
    assert fetch(address(server, path), local_settings) == digit_png(3)


def test_the_body_of_a_redirect_is_not_read(server: Server, local_settings: Settings) -> None:
    assert fetch(address(server, "/redirect-with-much"), local_settings) == digit_png(3)
    assert server.bytes_sent < 50_000_000  # what the system's buffers took before the connection was closed


@pytest.mark.usefixtures("no_connection")
def test_a_url_of_more_than_8192_characters_is_refused_unresolved(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolve_to(monkeypatch, "93.184.215.14")
    url = "http://example.com/".ljust(8193, "a")
    with pytest.raises(UrlInvalid, match="at most 8192 characters"):
        fetch(url, Settings())
    assert asked == []
    with pytest.raises(AssertionError):  # it gets as far as a connection
        fetch(url[:-1], Settings())
    assert asked == ["example.com"]


def test_a_redirect_to_a_url_of_16_kilobytes_is_refused(server: Server, local_settings: Settings) -> None:
    with pytest.raises(UrlInvalid, match="at most 8192 characters"):
        fetch(address(server, "/redirect-far"), local_settings)


def test_no_redirect_is_followed_where_none_is_allowed(server: Server, local_settings: Settings) -> None:
    with pytest.raises(FetchStatus):
        fetch(address(server, "/redirect"), local_settings._replace(fetch_max_redirects=0))


def test_the_time_of_a_redirect_counts_into_the_total(server: Server, local_settings: Settings) -> None:
    with pytest.raises(FetchTimeout):
        fetch(address(server, "/redirect-to-drip"), local_settings._replace(fetch_read_timeout_s=5.0))


def test_a_name_that_takes_too_long_to_resolve_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(10) and [])
    try:
        with pytest.raises(FetchTimeout):
            fetch("http://example.com/", Settings(fetch_total_timeout_s=0.1))
    finally:
        released.set()


def test_what_is_fetched_leaves_no_thread_and_no_descriptor(local_settings: Settings) -> None:
    def count() -> tuple[int, int]:
        return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))

    with running_server() as server:
        settings = local_settings._replace(url_allowed_hosts=frozenset({"127.0.0.1"}))
        before = count()
        for path in ("/3.png", "/nothing-here", "/byte-by-byte", "/drips-headers", "/breaks-off", "/redirect-3"):
            with contextlib.suppress(MnistInferError):
                fetch(address(server, path), settings)
        server.wait_until_idle()
        for after, ahead in zip(count(), before, strict=True):
            assert after <= ahead


def test_a_host_that_does_not_exist_is_an_error_of_its_own() -> None:
    with pytest.raises(HostNotFound):
        fetch("http://does-not-exist.invalid/", Settings())


def test_the_host_is_resolved_once_and_the_checked_address_is_connected_to(
    server: Server, local_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A second question, as an attacker's DNS server would like it, would lead elsewhere.
    answers = iter([["127.0.0.1"], ["192.0.2.1"]])
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_: object, **__: object) -> list[object]:
        asked.append(host)
        found = [host] if host == "127.0.0.1" else next(answers)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    settings = local_settings._replace(url_allowed_hosts=frozenset({"pictures.example"}))
    assert fetch(f"http://pictures.example:{server.port}/3.png", settings) == digit_png(3)
    assert asked == ["pictures.example", "127.0.0.1"]  # the second is the system's, of the address itself
    assert server.requests[-1][1]["Host"] == f"pictures.example:{server.port}"


@pytest.fixture
def several_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every name five addresses, of which only the last leads to the local server."""
    addresses = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.1")
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]

    def getaddrinfo(host: str, port: int, *_: object, **__: object) -> list[object]:
        own = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]  # the system's question of an address itself
        return [*own] if host in addresses else [*found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.usefixtures("several_addresses")
def test_a_host_is_reached_where_only_its_last_address_answers(server: Server, local_settings: Settings) -> None:
    settings = local_settings._replace(url_allowed_hosts=frozenset({"pictures.example"}))
    assert fetch(f"http://pictures.example:{server.port}/3.png", settings) == digit_png(3)


@pytest.mark.usefixtures("several_addresses")
def test_addresses_that_do_not_answer_are_tried_within_the_deadline(
    local_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def connect(address: tuple[str, int], timeout_s: float) -> None:
        tried.append(address[0])
        threading.Event().wait(min(timeout_s, 0.15))
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", connect)
    settings = local_settings._replace(url_allowed_hosts=frozenset({"pictures.example"}), fetch_total_timeout_s=0.4)
    with pytest.raises(FetchTimeout):
        fetch("http://pictures.example/3.png", settings)
    # 0.4 s are over in the third, and on a busy machine before it.
    assert tried
    assert tried == ["127.0.0.2", "127.0.0.3", "127.0.0.4"][: len(tried)]


@pytest.mark.parametrize("allowed", ["[::1]:{port}", "[::1]", "::1"])
def test_an_ipv6_address_can_be_allowed_as_it_stands_in_a_url(
    allowed: str, server: Server, local_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = socket.create_connection
    monkeypatch.setattr(socket, "create_connection", lambda _, timeout: connect(("127.0.0.1", server.port), timeout))
    url = f"http://[::1]:{server.port}/3.png"
    with pytest.raises(UrlForbidden):
        fetch(url, local_settings._replace(url_allowed_hosts=frozenset({"[::1]:1"})))
    settings = local_settings._replace(url_allowed_hosts=frozenset({allowed.format(port=server.port)}))
    assert fetch(url, settings) == digit_png(3)


def test_over_tls_the_certificate_is_checked_for_the_hosts_name(tls_server: Server, local_settings: Settings) -> None:
    settings = local_settings._replace(url_allowed_hosts=frozenset({"pictures.example", "other.example"}))
    assert fetch(f"https://pictures.example:{tls_server.port}/3.png", settings) == digit_png(3)
    with pytest.raises(HostUnreachable):
        fetch(f"https://other.example:{tls_server.port}/3.png", settings)


def test_a_redirect_from_https_to_http_is_refused(tls_server: Server, local_settings: Settings) -> None:
    settings = local_settings._replace(url_allowed_hosts=frozenset({"pictures.example", "127.0.0.1"}))
    with pytest.raises(UrlForbidden, match="redirects from https"):
        fetch(f"https://pictures.example:{tls_server.port}/redirect-to-http", settings)
