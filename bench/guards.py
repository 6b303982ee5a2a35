"""What each guard costs a request that has nothing to fear from it, against the same step without it."""

import argparse
import base64
import io
import json
import time
from collections.abc import Callable, Iterator
from statistics import median, quantiles
from typing import Any, NamedTuple

import numpy as np
import requests
from PIL import Image

from bench.report import Figures, figures_table, in_words, progress
from mnist_infer.config import Settings
from mnist_infer.decode import decode
from mnist_infer.download import fetch
from mnist_infer.events import parse_body, parse_event
from mnist_infer.hosts import is_plain, is_public
from mnist_infer.payload import parse_payload
from testbed.image_host_process import server_process
from testbed.pictures import digit_png, encode, to_base64
from testbed.tables import MB

ROUNDS = 25
ROUND_S = 0.02
"""How long one side of a round takes, about; a call that takes longer is made once."""

PHONE = (4000, 3000)
ADDRESSES = {"4": "93.184.215.14", "6": "2606:4700:4700::1111"}


class Guard(NamedTuple):
    """A step with its guard, and the same step as one would write it without.

    Attributes:
        name: of its figures.
        guarded: the function's own.
        bare: the same work; nothing where the guard is all there is.
    """

    name: str
    guarded: Callable[[], object]
    bare: Callable[[], object]


def measure(options: argparse.Namespace) -> dict[str, Any]:  # noqa: ARG001
    """Measure the guards."""
    small, phone = digit_png(3), phone_jpeg()
    figures: dict[str, Any] = {"rounds": ROUNDS, "phone_mb": len(phone) / MB}
    with server_process() as ports:
        for guard in (*_payload_guards(small, phone), *_image_guards(small, phone), *_url_guards(ports.plain)):
            progress(guard.name)
            figures[guard.name] = _figures(guard)
    return figures


def render(figures: Figures) -> str:
    """Return the section's text."""
    columns = ("guarded_us:.1f", "bare_us:.1f", "difference_us:+.1f", "lower_us:+.1f", "upper_us:+.1f")
    how = (
        f"Microseconds of CPU of one call, all threads of the process: medians of {figures['rounds']} rounds, in which "
        "both take turns; the difference is that within a round, its median and its quartiles. Small is a PNG of "
        f"28×28, the photo a JPEG of 12 megapixels, {figures['phone_mb']:.1f} MB; event is an HTTP event's body, image "
        f"the file's decoding, address a URL's name and address alone ({' and '.join(ADDRESSES.values())}), url a "
        "picture fetched from this machine. Bare: `json.loads`, `base64.b64decode`, Pillow's `open`, `convert` and "
        "NumPy's `asarray`, `requests.get`. The photo is cheaper with the guard: it is decoded at a quarter of its "
        "width."
    )
    rows = {in_words(name): each for name, each in figures.items() if isinstance(each, dict)}
    return figures_table("", rows, columns, how)


def _payload_guards(small: bytes, phone: bytes) -> Iterator[Guard]:
    limits = Settings()
    for what, content in (("small", small), ("photo", phone)):
        text = to_base64(content)
        payload, body = {"image_base64": text}, json.dumps({"image_base64": text})
        event = {"requestContext": {}, "body": body}
        yield Guard(f"event_{what}", _call(_http_payload, event, limits.max_body_bytes), _call(json.loads, body))
        parse = _call(parse_payload, payload, limits.max_image_bytes)
        yield Guard(f"base64_{what}", parse, _call(base64.b64decode, text))


def _http_payload(event: object, max_body_bytes: int) -> object:
    return parse_body(parse_event(event), max_body_bytes)


def _image_guards(small: bytes, phone: bytes) -> Iterator[Guard]:
    for what, content in (("small", small), ("photo", phone)):
        yield Guard(f"image_{what}", _call(decode, content, Settings().max_decode_bytes), _call(_bare_decode, content))


def _url_guards(port: int) -> Iterator[Guard]:
    url, settings = f"http://127.0.0.1:{port}/3.png", Settings(url_allowed_hosts=frozenset({f"127.0.0.1:{port}"}))
    for version, address in ADDRESSES.items():
        yield Guard(f"address_{version}", _call(_check_host, address), _call(id, address))
    yield Guard("url", _call(fetch, url, settings), _call(_bare_fetch, url))


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


def _figures(guard: Guard) -> dict[str, float]:
    calls = max(1, int(ROUND_S / (cpu_us(guard.guarded, 3) * 1e-6)))
    rounds = [(cpu_us(guard.guarded, calls), cpu_us(guard.bare, calls)) for _ in range(ROUNDS)]
    guarded, bare = (median(column) for column in zip(*rounds, strict=True))
    lower, middle, upper = quantiles((guarded - bare for guarded, bare in rounds), n=4)
    return {
        "guarded_us": guarded,
        "bare_us": bare,
        "difference_us": middle,
        "lower_us": lower,
        "upper_us": upper,
    }


def cpu_us(call: Callable[[], object], times: int) -> float:
    """Return the microseconds of CPU that one call takes."""
    started = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - started) / times * 1e6


def phone_jpeg() -> bytes:
    """Return a JPEG as a phone makes it: 12 megapixels in colour, with some detail everywhere."""
    noise = np.random.default_rng(1).integers(0, 256, (PHONE[1] // 16, PHONE[0] // 16, 3), np.uint8)
    return encode(Image.fromarray(noise).resize(PHONE, Image.Resampling.BICUBIC), "JPEG", quality=90)
