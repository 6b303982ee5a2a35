"""What each guard costs a request that has nothing to fear from it, against the same step without it."""

import argparse
import base64
import io
import json
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import NamedTuple

import numpy as np
import requests
from PIL import Image

from bench.report import progress
from mnist_infer.config import Settings
from mnist_infer.decode import decode
from mnist_infer.download import fetch
from mnist_infer.events import parse_body, parse_event
from mnist_infer.hosts import is_plain, is_public
from mnist_infer.payload import parse_payload
from testbed.image_host_process import server_process
from testbed.pictures import digit_png, encode, to_base64
from testbed.tables import MB, table

ROUNDS = 25
ROUND_S = 0.02
"""How long one side of a round takes, about; a call that takes longer is made once."""

PHONE = (4000, 3000)


class Guard(NamedTuple):
    """A step with its guard, and the same step as one would write it without.

    Attributes:
        title: of the row.
        guarded: the function's own.
        bare: the same work; nothing where the guard is all there is.
    """

    title: str
    guarded: Callable[[], object]
    bare: Callable[[], object]


def section(options: argparse.Namespace) -> str:  # noqa: ARG001
    """Measure the guards."""
    small, phone = digit_png(3), phone_jpeg()
    rows = []
    with server_process() as ports:
        guards = [*_payload_guards(small, phone), *_image_guards(small, phone), *_url_guards(ports.plain)]
        for guard in guards:
            progress(guard.title)
            rows.append(_row(guard))
    how = (
        f"Microseconds of CPU of one call, all threads of the process: medians of {ROUNDS} rounds, in which both take "
        "turns; the difference is that within a round, its median and its quartiles. Without the guard: `json.loads`, "
        "`base64.b64decode`, Pillow's `open`, `convert` and NumPy's `asarray`, `requests.get`. The large JPEG, "
        f"{len(phone) / MB:.1f} MB, is cheaper with the guard, because it is decoded at a quarter of its width."
    )
    columns = ("", "with the guard", "without", "difference", "quartiles")
    return f"## Guards\n\n{table(columns, rows, how)}"


def _payload_guards(small: bytes, phone: bytes) -> Iterator[Guard]:
    limits = Settings()
    for what, content in (("PNG of 28×28", small), ("JPEG of 12 megapixels", phone)):
        text = to_base64(content)
        payload, body = {"image_base64": text}, json.dumps({"image_base64": text})
        event = {"requestContext": {}, "body": body}
        yield Guard(f"HTTP event, {what}", _call(_http_payload, event, limits.max_body_bytes), _call(json.loads, body))
        parse = _call(parse_payload, payload, limits.max_image_bytes)
        yield Guard(f"base64, {what}", parse, _call(base64.b64decode, text))


def _http_payload(event: object, max_body_bytes: int) -> object:
    return parse_body(parse_event(event), max_body_bytes)


def _image_guards(small: bytes, phone: bytes) -> Iterator[Guard]:
    for what, content in (("PNG of 28×28", small), ("JPEG of 12 megapixels", phone)):
        yield Guard(f"image, {what}", _call(decode, content, Settings().max_decode_bytes), _call(_bare_decode, content))


def _url_guards(port: int) -> Iterator[Guard]:
    url, settings = f"http://127.0.0.1:{port}/3.png", Settings(url_allowed_hosts=frozenset({f"127.0.0.1:{port}"}))
    for address in ("93.184.215.14", "2606:4700:4700::1111"):
        yield Guard(f"URL, name and address {address} alone", _call(_check_host, address), _call(id, address))
    yield Guard("URL, on this machine", _call(fetch, url, settings), _call(_bare_fetch, url))


def _bare_decode(content: bytes) -> object:
    return np.asarray(Image.open(io.BytesIO(content)).convert("L"))


def _check_host(address: str) -> object:
    if not is_plain("pictures.example.com") or not is_public(address):
        raise ValueError(address)
    return address


def _bare_fetch(url: str) -> object:
    return requests.get(url, timeout=5).content


def _call(function: Callable[..., object], *arguments: object) -> Callable[[], object]:
    return lambda: function(*arguments)


def _row(guard: Guard) -> tuple[str, ...]:
    calls = max(1, int(ROUND_S / (cpu_us(guard.guarded, 3) * 1e-6)))
    rounds = [(cpu_us(guard.guarded, calls), cpu_us(guard.bare, calls)) for _ in range(ROUNDS)]
    differences = sorted(guarded - bare for guarded, bare in rounds)
    guarded, bare = (median(column) for column in zip(*rounds, strict=True))
    lower, upper = differences[len(differences) // 4], differences[len(differences) * 3 // 4]
    return guard.title, _us(guarded), _us(bare), _signed_us(median(differences)), f"{_us(lower)} to {_us(upper)}"


def cpu_us(call: Callable[[], object], times: int) -> float:
    """Return the microseconds of CPU that one call takes."""
    started = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - started) / times * 1e6


def _us(value: float) -> str:
    return f"{value:.1f}" if abs(value) < 100 else f"{value:.0f}"


def _signed_us(value: float) -> str:
    return f"{'+' if value > 0 else ''}{_us(value)}"


def phone_jpeg() -> bytes:
    """Return a JPEG as a phone makes it: 12 megapixels in colour, with some detail everywhere."""
    noise = np.random.default_rng(1).integers(0, 256, (PHONE[1] // 16, PHONE[0] // 16, 3), np.uint8)
    return encode(Image.fromarray(noise).resize(PHONE, Image.Resampling.BICUBIC), "JPEG", quality=90)
