"""What came in: an HTTP event of an API gateway or a function URL, its body, and the time that is left for it."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from mnist_infer.compression import compressions
from mnist_infer.config import Settings
from mnist_infer.errors import (
    BodyMissing,
    BodyNotJson,
    BodyNotText,
    BodyTooDeep,
    BodyTooLarge,
    MediaTypeUnsupported,
    MethodNotAllowed,
    NotHttpEvent,
    PathUnknown,
    RequestError,
)
from mnist_infer.payload import decode_base64

PAGE_METHODS = ("GET", "HEAD")
ALLOWED_METHODS = (*PAGE_METHODS, "POST")

MAX_TIME_LIMIT_MS = 900_000
"""The longest time limit that the platform lets a function have."""

RESERVED_S = 1.0
"""What is kept of the platform's time limit for everything but fetching an image URL: decoding a large
photo takes 0.2 s of CPU, which is 0.5 s at 512 MB; a file made to be costly may take up to five times that."""

# What programs declare JSON to be, beside a type that ends in json: curl's -d a form, and a browser's simple request
# plain text.
_JSON_TYPES = ("", "text/plain", "application/x-www-form-urlencoded")


class HttpRequest(NamedTuple):
    """The parts of an HTTP event that matter here, unchecked: a value may have any type.

    Attributes:
        method: `POST` if the event has none.
        path: as the caller sees it; None if a gateway's own route led here.
        media_types: of the body, in lower case and without parameters: a proxy may have joined two.
        body: text, in an event that is well formed.
        is_base64: whether the body is base64 of the text.
        compressions: of the body, as its `Content-Encoding` has them.
    """

    method: object
    path: object
    media_types: list[str]
    body: object
    is_base64: bool
    compressions: list[str]


def parse_event(event: object) -> HttpRequest:
    """Return the request in an HTTP event.

    Args:
        event: of an API gateway, which has a `requestContext`, or of a function URL.

    Raises:
        NotHttpEvent: the event is from neither.
    """
    if not isinstance(event, Mapping) or not _is_http_event(event):
        raise NotHttpEvent("request not from api gw")
    gateway = event.get("requestContext")
    is_routed = isinstance(gateway, Mapping) and "path" in gateway
    return HttpRequest(
        method=event.get("httpMethod") or "POST",
        path=None if is_routed else event.get("path"),
        media_types=[part.partition(";")[0].strip().lower() for part in _header(event, "content-type").split(",")],
        body=event.get("body"),
        is_base64=event.get("isBase64Encoded") in (True, "true"),  # some senders write this flag as a string
        compressions=compressions(_header(event, "content-encoding")),
    )


def check_route(request: HttpRequest) -> None:
    """Refuse what the function does not serve: at `/` it has the page for GET and HEAD, and a digit for POST.

    Raises:
        PathUnknown: the path is not the root, and no gateway led it here.
        MethodNotAllowed: the method is neither GET, HEAD nor POST.
        MediaTypeUnsupported: a POST declares its body to be something other than JSON.
    """
    if request.path not in (None, "", "/"):
        raise PathUnknown("there is nothing at this path: the function answers at /")
    if request.method not in ALLOWED_METHODS:
        raise MethodNotAllowed(f"this method is not allowed: {', '.join(ALLOWED_METHODS)}")
    if request.method not in PAGE_METHODS and not all(map(_is_json, request.media_types)):
        raise MediaTypeUnsupported("the body must be JSON, with the image in it as base64")


def parse_body(request: HttpRequest, max_body_bytes: int) -> object:
    """Return the parsed JSON body of a request.

    Raises:
        RequestError: the body is missing, too large, compressed or not JSON.
    """
    body = request.body
    if body is None or body == "":
        raise BodyMissing("the request has no body")
    if not isinstance(body, str):
        raise BodyNotText("the body must be text")
    if len(body) > max_body_bytes or _count_bytes(body) > max_body_bytes:
        raise BodyTooLarge(f"the body has more than {max_body_bytes} bytes")
    try:
        return _parse_json(body, request.is_base64)
    except RequestError as error:
        if request.compressions:  # only now: a gateway may have undone it, and left the header
            name = request.compressions[0]
            raise MediaTypeUnsupported(f"the body is compressed ({name}): send the JSON as it is") from error
        raise


def _parse_json(body: str, is_base64: bool) -> object:
    try:
        text = decode_base64(body).decode() if is_base64 else body
    except ValueError as error:
        raise BodyNotText("the body must be base64 of UTF-8 text") from error
    try:
        return json.loads(text.removeprefix("\ufeff"))  # a byte order mark, as some editors write it
    except RecursionError as error:
        raise BodyTooDeep("the body is nested too deeply") from error
    except ValueError as error:
        raise BodyNotJson("the body must be JSON") from error


def within_time_limit(settings: Settings, context: object) -> Settings:
    """Return the settings, with the time for an image URL cut to what the platform's time limit leaves.

    Past that limit the platform ends the function and answers in its place.

    Args:
        settings: as they are.
        context: what the platform passes, a dict with `time_limit_in_ms`; without it nothing changes.
    """
    limit_ms = context.get("time_limit_in_ms") if isinstance(context, Mapping) else None
    if not isinstance(limit_ms, int) or limit_ms <= 0:
        return settings
    limit_s = min(limit_ms, MAX_TIME_LIMIT_MS) / 1000
    fetch_s = max(limit_s - RESERVED_S, limit_s / 2)
    return settings._replace(fetch_total_timeout_s=min(settings.fetch_total_timeout_s, fetch_s))


def _is_json(media_type: str) -> bool:
    return media_type in _JSON_TYPES or media_type.endswith(("/json", "+json"))


def _is_http_event(event: Mapping[str, object]) -> bool:
    return "requestContext" in event or ("httpMethod" in event and ("headers" in event or "path" in event))


def _header(event: Mapping[str, object], name: str) -> str:
    headers = event.get("headers")
    if isinstance(headers, Mapping):
        for key, value in headers.items():
            if isinstance(key, str) and key.lower() == name and isinstance(value, str):
                return value
    return ""


def _count_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))
