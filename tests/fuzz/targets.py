"""What the fuzzer calls with bytes: each target raises where the function does what it must not."""

import base64
import contextlib
import io
import json
import re
import resource
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from mnist_infer import errors
from mnist_infer.config import Settings
from mnist_infer.decode import decode
from mnist_infer.hosting.platform import load_handler
from mnist_infer.normalise import to_model_input
from testbed.costly.budget import MAX_ADDED_BYTES, MAX_CPU_S

MAX_DECODE_BYTES = Settings().max_decode_bytes
MOST_ADDED_BYTES = MAX_ADDED_BYTES + 10_000_000  # the second is the fuzzer's own
LARGEST_SIDE = 1024


def all_errors() -> list[type[errors.MnistInferError]]:
    """Return every class of error there is."""
    classes = [errors.MnistInferError]
    for known in classes:
        classes.extend(known.__subclasses__())
    return classes


def error_codes() -> set[str]:
    """Return the code of every class of error there is."""
    return {known.code for known in all_errors()}


def read_image(content: bytes, max_memory_bytes: int = MAX_DECODE_BYTES) -> None:
    """Decode and normalise what may be an image file: a picture comes out, or an ImageError."""
    try:
        picture = decode(content, max_memory_bytes)
        assert picture.dtype == np.uint8
        assert picture.ndim == 2
        assert all(1 <= side <= LARGEST_SIDE for side in picture.shape)
        pixels = to_model_input(picture)
    except errors.ImageError:
        return
    check_model_input(pixels)


def image_target() -> Callable[[bytes], None]:
    """Return what reads an image, and fails where that takes more memory or CPU than is promised."""

    def read(content: bytes) -> None:
        resident, peak, started = resident_bytes(), peak_bytes(), time.process_time()
        read_image(content)
        assert time.process_time() - started < MAX_CPU_S
        assert peak_bytes() == peak or peak_bytes() - resident < MOST_ADDED_BYTES

    return read


def resident_bytes() -> int:
    """Return the memory that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def peak_bytes() -> int:
    """Return the most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def check_model_input(pixels: NDArray[np.float32]) -> None:
    """Refuse what the network is not made for."""
    assert pixels.dtype == np.float32
    assert pixels.shape == (1, 784)
    assert pixels.min() >= 0  # false for NaN, too
    assert pixels.max() <= 1


def check_answer(answer: object) -> None:
    """Refuse an answer of `apigw_interface` that is outside of the contract, a bug's answer included."""
    answer = json.loads(json.dumps(answer))
    assert isinstance(answer, dict)
    if set(answer) == {"errMsg"}:
        assert answer["errMsg"] == "request not from api gw"
    elif answer["result"] == -1:
        assert set(answer) == {"result", "errMsg", "errCode"}
        assert answer["errCode"] in error_codes() - {errors.MnistInferError.code}
        assert re.fullmatch(r"[^\n]+", answer["errMsg"])
    else:
        assert type(answer["result"]) is int
        assert 0 <= answer["result"] <= 9
        assert set(answer) in ({"result"}, {"result", "probabilities"})


def check_integrated_answer(answer: object) -> None:
    """Refuse an answer of `http_interface` that a platform could not send, or whose body is outside of the contract."""
    answer = json.loads(json.dumps(answer))
    assert isinstance(answer, dict)
    assert set(answer) == {"isBase64Encoded", "statusCode", "headers", "body"}
    assert answer["isBase64Encoded"] is False
    for name, value in answer["headers"].items():
        assert re.fullmatch(r"[A-Za-z-]+", name)
        assert re.fullmatch(r"[\x20-\x7e]*", value)
    if answer["headers"]["Content-Type"] == "application/json":
        body = json.loads(answer["body"])
        check_answer(body)
        assert (answer["statusCode"] == 200) == (body.get("result", -1) >= 0)
        assert answer["statusCode"] != 500
    else:
        assert answer["statusCode"] == 200
        assert answer["headers"]["Content-Security-Policy"].startswith("default-src 'none'; ")


def call(handler: ModuleType, event: object, context: object = None) -> None:
    """Call all entry points with an event; each leaves its answer and one line in the log."""
    log = io.StringIO()
    with contextlib.redirect_stdout(log):
        answer, digit = handler.apigw_interface(event, context), handler.demo(event, context)
        integrated = handler.http_interface(event, context)
    lines = [json.loads(line) for line in log.getvalue().split("\n")[:-1]]
    assert [line["entry"] for line in lines] == ["apigw_interface", "demo", "http_interface"]
    for line in lines:
        assert "traceback" not in line, line["traceback"]
    check_answer(answer)
    check_integrated_answer(integrated)
    assert type(digit) is int
    assert -1 <= digit <= 9


def payload_target() -> Callable[[bytes], None]:
    """Return what calls the handler with bytes as an event, its body or its fields."""
    forbid_network()
    handler = load_handler()

    def send(content: bytes) -> None:
        for event, context in invocations(content):
            call(handler, event, context)

    return send


def invocations(content: bytes) -> Iterator[tuple[object, object]]:
    """Return the event and the context that bytes stand for; their first character says of which kind they are."""
    kind, text = content[:1], content[1:].decode(errors="surrogateescape")
    from_gateway: dict[str, object] = {"requestContext": {}, "body": text}
    if kind == b"u":  # the text is an image's URL
        yield from_gateway | {"body": json.dumps({"image_url": text})}, None
    elif kind == b"i":  # the bytes are an image
        yield from_gateway | {"body": json.dumps({"image_base64": base64.b64encode(content[1:]).decode()})}, None
    elif kind in (b"e", b"c"):  # the text is the whole event, or the context
        with contextlib.suppress(ValueError, RecursionError):
            value = json.loads(text)
            yield (value, None) if kind == b"e" else (from_gateway | {"body": "{}"}, value)
    elif kind == b"6":  # the body is base64 of the bytes
        yield from_gateway | {"body": base64.b64encode(content[1:]).decode(), "isBase64Encoded": True}, None
    elif kind == b"4":  # the body says that it is base64
        yield {"httpMethod": "POST", "path": "/", "isBase64Encoded": "true", "body": text}, None
    else:
        yield from_gateway, None


def forbid_network() -> None:
    """Let no name be found and no connection be made."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise socket.gaierror("there is no network here")

    socket.getaddrinfo = refuse
    socket.socket.connect = refuse  # type: ignore[method-assign]


TARGETS: Mapping[str, Callable[[], Callable[[bytes], None]]] = {
    "images": image_target,
    "payloads": payload_target,
}
