"""The requests of the soak, each with the one right answer."""

import base64
import json
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle, islice, product
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
from PIL import Image

from mnist_infer.hosting.platform import TIME_LIMIT_MS
from testbed.image_host_process import Ports
from testbed.pictures import EXAMPLES, digit_png, encode, mnist_digits, to_base64
from tests.soak.urls import Outcome, image_urls

BLOCK = 1_000
"""Requests that are measured together; each block has the same ones, in another order."""

MAX_IMAGE_BYTES = 2**20
MAX_BODY_BYTES = 4 * 2**20

_PROMISED_SIDE = 30_000  # pixels, of files that are small
_SEED = 20_181_220
_IN_A_HURRY_MS = 100
"""Time limit of a request whose URL leads to something slow: half of it is left for the URL."""

_HTTP_EVENTS: tuple[dict[str, object], ...] = (
    {
        "requestContext": {"stage": "release", "path": "/test"},
        "httpMethod": "POST",
        "path": "/test",
        "headers": {},
        "queryString": {},
    },
    {"httpMethod": "POST", "path": "/", "headers": {"accept": "*/*"}, "queryString": {}},
)
_HTTP_ENTRIES = ("apigw_interface", "http_interface")


class Case(NamedTuple):
    """A request, and what must come of it.

    Attributes:
        entry: name of the entry point.
        event: what it is called with.
        outcome: the digit, the error code, or `page`.
        probabilities: the ten, where they are asked for and known.
        time_limit_ms: of its context.
    """

    entry: str
    event: object
    outcome: Outcome
    probabilities: list[float] | None = None
    time_limit_ms: int = TIME_LIMIT_MS


class Mix:
    """Blocks of requests, the same ones in each."""

    def __init__(self, ports: Ports) -> None:
        """Make the requests.

        Args:
            ports: of the local server.
        """
        self._ports = ports
        self._good, self._once = list(good_cases()), [*bad_cases(), *large_cases()]

    def block(self, number: int, good: list[Case] | None = None) -> list[Case]:
        """Return the requests of a block in their order.

        Args:
            number: of the block; gives its order, and makes its URLs new ones.
            good: requests that fill the block, in place of the usual good ones.
        """
        cases = [*self._once, *url_cases(self._ports, number)]
        cases += islice(cycle(good or self._good), BLOCK - len(cases))
        Random(_SEED + number).shuffle(cases)
        return cases


def good_cases() -> Iterator[Case]:
    """Yield requests with a picture, in every way that one can be sent."""
    for digit, content in _pictures():
        text = to_base64(content)
        yield from _everywhere({"image_base64": text}, digit)
        yield from _everywhere({"image_base64": f"data:image/png;base64,{text}", "image_url": None}, digit)
        yield Case("demo", {"image_base64": base64.encodebytes(content).decode(), "image_url": "no URL"}, digit)
        body = to_base64(json.dumps({"image_base64": text}).encode())
        yield from _over_http({**_HTTP_EVENTS[0], "body": body, "isBase64Encoded": True}, digit)
    for method in ("GET", "HEAD"):
        yield Case("http_interface", {**_HTTP_EVENTS[1], "httpMethod": method}, "page")


def large_cases() -> Iterator[Case]:
    """Yield requests with pictures that take time and memory."""
    two = Image.open(EXAMPLES / "digits" / "2-photo.jpg")
    yield _demo({"image_base64": to_base64(encode(two.resize((4000, 3000)), "JPEG", quality=60))}, 2)
    yield _demo({"image_base64": to_base64(encode(two.resize((1200, 900))))}, 2)
    paper = encode(Image.new("RGBA", (3000, 2000), "white"))
    yield _demo({"image_base64": to_base64(paper[: len(paper) * 9 // 10])}, "image_damaged")


def picture_cases() -> Iterator[Case]:
    """Yield requests for the probabilities of 600 pictures and the examples; their outcome is not known yet."""
    contents = [path.read_bytes() for path in _example_files()]
    for pixels in mnist_digits()[0]:
        contents += [encode(pixels), encode(255 - pixels, "JPEG", quality=95)]
    for content in contents:
        payload = {"image_base64": to_base64(content), "probabilities": True}
        yield Case("http_interface", {**_HTTP_EVENTS[1], "body": json.dumps(payload)}, "unknown")


def bad_cases() -> Iterator[Case]:
    """Yield requests that get no digit."""
    for payload, code in _bad_payloads():
        yield from _everywhere(payload, code)
    for body, code in _bad_bodies():
        for event in _HTTP_EVENTS:
            yield from _over_http(event | {"body": body}, code)
    for event in _HTTP_EVENTS:
        yield from _over_http(event, "body_missing")
        yield from _over_http({**event, "body": "aGk", "isBase64Encoded": True}, "body_not_text")
    yield Case("http_interface", _HTTP_EVENTS[1] | {"path": "/favicon.ico"}, "path_unknown")
    yield Case("http_interface", _HTTP_EVENTS[1] | {"httpMethod": "DELETE"}, "method_not_allowed")
    yield Case("http_interface", _HTTP_EVENTS[1] | {"headers": {"Content-Type": "image/png"}}, "media_type_unsupported")
    payload = {"image_base64": to_base64(digit_png(7))}
    no_events: list[object] = [None, [], 7, "text", {}, payload, {"httpMethod": "POST", "body": json.dumps(payload)}]
    for no_event in no_events:
        yield from _over_http(no_event, "not_http_event")


def url_cases(ports: Ports, number: int) -> Iterator[Case]:
    """Yield requests with an image URL; what would take its time gets little, but for one read timeout."""
    over_http = (partial(_http, entry, event) for entry, event in product(_HTTP_ENTRIES, _HTTP_EVENTS))
    entries: Iterator[Callable[[object, Outcome], Case]] = cycle((_demo, *over_http))
    for url, outcome in image_urls(ports, number):
        case = next(entries)({"image_url": url}, outcome)
        yield case._replace(time_limit_ms=_IN_A_HURRY_MS) if outcome == "fetch_timeout" else case
    yield _demo({"image_url": f"http://127.0.0.1:{ports.plain}/silent?{number}"}, "fetch_timeout")


def _demo(payload: object, outcome: Outcome) -> Case:
    return Case("demo", payload, outcome)


def _http(entry: str, event: dict[str, object], payload: object, outcome: Outcome) -> Case:
    return Case(entry, {**event, "body": json.dumps(payload)}, outcome)


def _over_http(event: object, outcome: Outcome) -> Iterator[Case]:
    for entry in _HTTP_ENTRIES:
        yield Case(entry, event, outcome)


def _everywhere(payload: object, outcome: Outcome) -> Iterator[Case]:
    yield _demo(payload, outcome)
    for entry, event in product(_HTTP_ENTRIES, _HTTP_EVENTS):
        yield _http(entry, event, payload, outcome)


def _example_files() -> list[Path]:
    return sorted((EXAMPLES / "digits").iterdir())


def _pictures() -> Iterator[tuple[int, bytes]]:
    for path in _example_files():
        yield int(path.name[0]), path.read_bytes()
    for digit in range(10):
        yield digit, digit_png(digit)
    two = Image.open(EXAMPLES / "digits" / "2-photo.jpg").convert("L")
    for mode in ("RGB", "CMYK"):
        yield 2, encode(two.convert(mode), "JPEG", progressive=mode == "RGB")
    blank = Image.new("L", two.size, 255)
    for file_format in ("MPO", "GIF", "WEBP"):
        yield 2, encode(two, file_format, save_all=True, append_images=[blank])


def _bad_payloads() -> Iterator[tuple[object, str]]:
    no_objects: list[object] = [None, [], 7, "text", True, 1e300]
    for no_object in no_objects:
        yield no_object, "payload_not_object"
    for no_image in ({}, {"image_base64": "", "image_url": None}, {"image": "x"}, {"image_base64": None}):
        yield no_image, "image_missing"
    no_texts: list[object] = [7, True, [], {"a": 1}, [[[]]]]
    for value in no_texts:
        yield {"image_base64": value}, "field_wrong_type"
        yield {"image_url": value}, "field_wrong_type"
    for text in (
        "###",
        "aGkab",
        "aGk===",
        "äöü=",
        " \n ",
        "data:image/png;base64,",
        "aGk=aGk=",
        "\0" * 4,
        "\ud800" * 4,
    ):
        yield {"image_base64": text}, "base64_invalid"
    heic = b"\0\0\0\x18ftypheic" + bytes(100)
    for content in (b"no image", b"%PDF-1.7", b"<svg/>", b"%!PS-Adobe-3.0 EPSF-3.0\n", heic, bytes(500_000)):
        yield {"image_base64": to_base64(content)}, "image_format_unknown"
    for path in _example_files():
        content = path.read_bytes()
        for share in (0.5, 0.9):
            yield {"image_base64": to_base64(content[: int(len(content) * share)])}, "image_damaged"
    bmp = encode(np.zeros((8, 8), np.uint8), "BMP")
    bmp = bmp[:18] + struct.pack("<ii", _PROMISED_SIDE, _PROMISED_SIDE) + bmp[26:]  # its pixels must all be there
    yield {"image_base64": to_base64(bmp)}, "image_damaged"
    for content in _too_large_by_header():
        yield {"image_base64": to_base64(content)}, "image_too_large"
    yield {"image_base64": to_base64(bytes(MAX_IMAGE_BYTES + 1))}, "image_too_large"
    yield {"image_base64": "A" * (2 * MAX_IMAGE_BYTES + 4)}, "image_too_large"


def _bad_bodies() -> Iterator[tuple[object, str]]:
    for missing in (None, ""):
        yield missing, "body_missing"
    for no_text in (7, {"image_base64": "aGk="}, ["x"], True):
        yield no_text, "body_not_text"
    for no_json in ("{", "image_base64=aGk=", "{'image_base64': 1}", "[" * 10):
        yield no_json, "body_not_json"
    for deep in ("[" * 100_000, '{"a":' * 50_000):
        yield deep, "body_too_deep"
    yield "x" * (MAX_BODY_BYTES + 1), "body_too_large"


def _too_large_by_header() -> Iterator[bytes]:
    """Yield small files whose header promises many pixels."""
    side, small = _PROMISED_SIDE, np.zeros((8, 8), np.uint8)
    png = encode(small, "PNG")
    header = b"IHDR" + struct.pack(">II", side, side) + png[24:29]
    yield png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]
    jpeg = encode(small, "JPEG")
    size = jpeg.index(b"\xff\xc0") + 5
    yield jpeg[:size] + struct.pack(">HH", side, side) + jpeg[size + 4 :]
    gif = encode(small, "GIF")
    yield gif[:6] + struct.pack("<HH", side, side) + gif[10:]
    frame = bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", 0x3FFF, 0x3FFF)  # the largest that WebP can say
    chunk = b"VP8 " + struct.pack("<I", len(frame)) + frame
    yield b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk
