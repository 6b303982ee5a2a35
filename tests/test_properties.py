"""Properties that hold for whatever is sent: every stage answers, or raises an error of its own."""

import base64
import contextlib
import json
import socket
import zlib
from collections.abc import Iterator
from types import ModuleType
from typing import NoReturn

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from hypothesis.strategies import SearchStrategy
from numpy.typing import NDArray

from mnist_infer.config import ROOT, Settings
from mnist_infer.decode import decode
from mnist_infer.download import fetch
from mnist_infer.errors import (
    HostNotFound,
    HostUnreachable,
    ImageError,
    ImageTooLarge,
    MnistInferError,
    RequestError,
    UrlForbidden,
    UrlInvalid,
)
from mnist_infer.hosting.platform import load_handler
from mnist_infer.hosts import METADATA_NAMES, is_plain, is_plain_address, is_public
from mnist_infer.image_file import extract_picture
from mnist_infer.normalise import to_model_input
from mnist_infer.payload import InlineImage, RemoteImage, parse_payload
from mnist_infer.session import SavedModelSession
from testbed.pictures import digit_png, to_base64
from testbed.valid_images import WIDTH, chunk, png, png_header, valid_images
from tests.fuzz.broken_images import broken_images
from tests.fuzz.targets import call, check_model_input, read_image

LIMIT = 1000
DECODE_BYTES = 8_000_000
MAX_ADDED_BYTES = 100  # to a file by the walk over it: headers that are written anew

bounded = settings(derandomize=True, deadline=None, database=None, max_examples=150)

TEXTS = st.text(st.characters(), max_size=20)  # with halves of surrogate pairs, which JSON can hold
SCALARS = st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | TEXTS
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4))
PICTURE = to_base64(digit_png(7))
BASE64 = st.text(alphabet="ABab01+/= \n", max_size=40) | st.binary(max_size=60).map(to_base64) | st.just(PICTURE)

HOSTS = st.sampled_from(
    [
        *("example.com", "a.example", "localhost", "metadata.tencentyun.com", "8.8.8.8", "127.0.0.1", "169.254.0.23"),
        *("0x7f.1", "2130706433", "0177.0.0.1", "127.1", "[::1]", "[::ffff:7f00:1]", "[fe80::1%25eth0]", "xn--a", "a."),
        *("[2606:4700::1111]", "１.1.1.1", "a。b", "a%2eb", "user@a.example", "", "a b", "[", "-a.example", "a..b"),
    ]
)
URLS = TEXTS | st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["http://", "https://", "HTTP://", "http:", "http:///", "//", "ftp://", "file://", " http://", ""]),
    HOSTS | TEXTS,
    st.sampled_from(["", ":80", ":443", ":", ":0", ":22", ":99999", ":-1", ":٤", ":8O"]),
    st.sampled_from(["", "/", "/7.png", "?x", "#x", "\\@b", "/\r\nHost: b", "/%", "/\ud800"]) | TEXTS,
)


def objects(**fields: SearchStrategy[object]) -> SearchStrategy[dict[str, object]]:
    """Objects with any of the fields, of the kind that is expected or of any other."""
    return st.fixed_dictionaries({}, optional={name: likely | JSON for name, likely in fields.items()})


IMAGES = objects(image_base64=BASE64, probabilities=st.booleans()) | objects(image_url=URLS)
PAYLOADS = JSON | IMAGES
BODIES = PAYLOADS.map(json.dumps) | TEXTS
EVENTS = PAYLOADS | objects(
    requestContext=st.just({}),
    httpMethod=st.sampled_from(["POST", "GET", "HEAD", "PUT"]),
    headers=st.just({}) | st.dictionaries(st.sampled_from(["content-type", "Content-Type"]), TEXTS, max_size=2),
    path=st.sampled_from(["/", "", "/favicon.ico"]),
    body=BODIES | BODIES.map(lambda body: to_base64(body.encode(errors="surrogatepass"))),
    isBase64Encoded=st.sampled_from([True, False, "true", "false"]),
)
CONTEXTS = JSON | objects(request_id=TEXTS, time_limit_in_ms=st.integers(0, 20_000))


@pytest.fixture(scope="module")
def looked_up() -> Iterator[list[str]]:
    """The hosts that were to be found; there is no network."""
    hosts: list[str] = []

    def no_network(host: str, *_: object, **__: object) -> NoReturn:
        hosts.append(host)
        raise socket.gaierror("there is no network here")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", no_network)
        yield hosts


@pytest.fixture(scope="module")
def handler(looked_up: list[str]) -> Iterator[ModuleType]:  # noqa: ARG001
    """The handler, as the platform loads it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)  # loading goes there too; this brings the tests back
        yield load_handler()


@bounded
@given(payload=PAYLOADS)
def test_any_json_names_an_image_or_is_refused(payload: object) -> None:
    with contextlib.suppress(RequestError, ImageTooLarge):
        assert isinstance(parse_payload(payload, LIMIT).image, InlineImage | RemoteImage)


@bounded
@given(
    content=st.binary(min_size=1, max_size=LIMIT),
    spaces=st.lists(st.tuples(st.floats(0, 1), st.sampled_from(" \t\n\r\v\f")), max_size=60),
    prefix=st.sampled_from(["", "data:image/png;base64,"]),
)
def test_any_bytes_come_back_from_their_base64_with_white_space_anywhere(
    content: bytes, spaces: list[tuple[float, str]], prefix: str
) -> None:
    text = to_base64(content)
    for share, space in spaces:
        at = int(share * len(text))
        text = text[:at] + space + text[at:]
    assert parse_payload({"image_base64": prefix + text}, LIMIT).image == InlineImage(content)


@bounded
@given(event=EVENTS, context=CONTEXTS)
def test_any_event_gets_an_answer_of_the_contract_and_one_line_in_the_log(
    event: object, context: object, handler: ModuleType
) -> None:
    call(handler, event, context)


@settings(bounded, max_examples=300)
@given(payload=IMAGES, context=CONTEXTS)
def test_any_payload_in_an_http_event_gets_an_answer_of_the_contract(
    payload: object, context: object, handler: ModuleType
) -> None:
    call(handler, {"requestContext": {}, "body": json.dumps(payload)}, context)


@bounded
@given(content=st.binary(max_size=300))
def test_any_bytes_as_an_encoded_body_get_an_answer_of_the_contract(content: bytes, handler: ModuleType) -> None:
    body = base64.b64encode(content).decode()
    call(handler, {"httpMethod": "POST", "path": "/", "body": body, "isBase64Encoded": True})


@bounded
@given(content=st.binary(max_size=300))
def test_any_bytes_as_an_image_get_an_answer_of_the_contract(content: bytes, handler: ModuleType) -> None:
    call(handler, {"requestContext": {}, "body": json.dumps({"image_base64": to_base64(content)})})


@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in valid_images().items()])
def test_a_small_file_of_every_kind_is_read(content: bytes) -> None:
    assert decode(content, DECODE_BYTES).size
    read_image(content)


@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in broken_images().items()])
def test_a_broken_file_of_every_kind_is_read_or_refused(content: bytes) -> None:
    read_image(content)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(
            png(png_header(WIDTH, 2000, 1, 3), chunk(b"IDAT", zlib.compress(bytes(3 * 2000))), chunk(b"IEND", b"")),
            id="a large PNG of palette colours that has no palette",
        )
    ],
)
def test_a_file_that_once_crashed_is_refused(content: bytes) -> None:
    with pytest.raises(ImageError):
        decode(content, DECODE_BYTES)


@pytest.mark.parametrize(("width", "height"), [(1, 12_000_000), (12_000_000, 1)])
def test_a_picture_of_one_column_or_row_is_refused_where_its_pixels_alone_would_fit(width: int, height: int) -> None:
    with pytest.raises(ImageTooLarge):
        decode(png(png_header(width, height), chunk(b"IDAT", zlib.compress(b""))), Settings().max_decode_bytes)


RIFF = b"RIFF\x40\0\0\0WEBP"
PNG = b"\x89PNG\r\n\x1a\n"
SIGNATURES = [
    *(PNG, PNG + b"\0\0\0\x0dIHDR", b"\xff\xd8\xff", b"\xff\xd8\xff\xe1", b"BM", b"GIF87a", b"GIF89a"),
    *(RIFF, RIFF + b"VP8 ", RIFF + b"VP8L", RIFF + b"VP8X"),
    *(b"II*\0", b"II*\0\x08\0\0\0", b"MM\0*", b"\0\0\0\x18ftypheic"),
]


@settings(bounded, max_examples=400)
@given(signature=st.sampled_from([b"", *SIGNATURES]), content=st.binary(max_size=200))
def test_any_bytes_behind_any_signature_are_read_or_refused(signature: bytes, content: bytes) -> None:
    read_image(signature + content, DECODE_BYTES)


SOUND = list(valid_images().values())
ODD = [*SOUND, *(content for content in broken_images().values() if len(content) < 5000)]


def changed(content: bytes, data: st.DataObject) -> bytes:
    """Return a file with up to four changes at places that are drawn."""
    for change in data.draw(
        st.lists(st.sampled_from(["flip", "cut", "insert", "repeat", "splice", "end"]), max_size=4)
    ):
        start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(content))] * 2)))
        if change == "flip":
            content = content[:start] + data.draw(st.binary(min_size=1, max_size=4)) + content[start + 1 :]
        elif change == "cut":
            content = content[:start] + content[end:]
        elif change == "insert":
            content = content[:start] + data.draw(st.binary(max_size=8)) + content[start:]
        elif change == "repeat":
            content = content[:start] + content[start:end] * data.draw(st.integers(2, 50)) + content[end:]
        elif change == "splice":
            content = content[:start] + data.draw(st.sampled_from(SOUND))[start:]
        else:
            content = content[:end]
    return content


@pytest.mark.slow
@settings(bounded, max_examples=600)
@given(data=st.data())
def test_any_change_to_a_valid_file_is_read_or_refused(data: st.DataObject) -> None:
    read_image(changed(data.draw(st.sampled_from(SOUND)), data), DECODE_BYTES)


@pytest.mark.slow
@settings(bounded, max_examples=1500)
@given(data=st.data())
def test_whatever_a_file_holds_the_walk_refuses_it_or_hands_on_no_more_than_it_was_given(data: st.DataObject) -> None:
    content = changed(data.draw(st.sampled_from(ODD) | st.binary(max_size=60)), data)
    try:
        picture = extract_picture(content)
    except ImageError:
        return
    assert len(picture.content) <= len(content) + MAX_ADDED_BYTES
    assert picture.width > 0
    assert picture.height > 0
    assert 1 <= picture.orientation <= 8
    assert extract_picture(picture.content)._replace(orientation=picture.orientation) == picture


SIDES = st.tuples(st.integers(1, 60), st.integers(1, 60)) | st.integers(1, 2000).flatmap(
    lambda side: st.sampled_from([(1, side), (side, 1)])
)


@bounded
@given(picture=arrays.arrays(np.uint8, SIDES))
def test_any_picture_becomes_784_pixels_from_0_to_1(picture: NDArray[np.uint8]) -> None:
    with contextlib.suppress(ImageError):
        check_model_input(to_model_input(picture))


@bounded
@given(x=arrays.arrays(np.float32, st.tuples(st.integers(1, 5), st.just(784)), elements=st.floats(0, 1, width=32)))
def test_any_pixels_have_probabilities_that_sum_to_1(x: NDArray[np.float32], session: SavedModelSession) -> None:
    probabilities = session.predict(x)
    assert probabilities.shape == (len(x), 10)
    assert probabilities.dtype == np.float32
    assert probabilities.min() >= 0
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


@settings(bounded, max_examples=500)
@given(url=URLS)
def test_any_text_as_a_url_is_refused_and_only_a_permitted_host_is_looked_up(url: str, looked_up: list[str]) -> None:
    looked_up.clear()
    with pytest.raises(MnistInferError) as refusal:
        fetch(url, Settings())
    if looked_up:
        assert isinstance(refusal.value, HostNotFound | HostUnreachable)
        (host,) = looked_up
        assert is_plain(host)
        assert host not in METADATA_NAMES
        assert is_public(host) or not is_plain_address(host)
    else:
        assert isinstance(refusal.value, UrlInvalid | UrlForbidden)
