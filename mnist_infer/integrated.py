"""Answers with a status, headers and a body, for function URLs and gateways in integrated mode: a digit or the page."""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from mnist_infer import events
from mnist_infer.errors import MediaTypeUnsupported, MethodNotAllowed, MnistInferError, PathUnknown
from mnist_infer.pipeline import Prediction

ALLOWED_METHODS = "GET, HEAD, POST"

# What programs send JSON as: curl's -d says it is a form, and a browser's simple request that it is plain text.
_JSON_TYPES = ("", "application/json", "text/plain", "application/x-www-form-urlencoded")

_SAFE_HEADER_VALUE = re.compile(r"[\w.-]{1,128}", re.ASCII)


class _Page(NamedTuple):
    """The page, and the policy that lets a browser run this page's style and script and nothing else."""

    html: str
    content_security_policy: str


def wants_page(event: object) -> bool:
    """Return whether a browser asks for the page; otherwise the body has a payload.

    Args:
        event: of a function URL or an API gateway.

    Raises:
        NotHttpEvent: it is neither's.
        PathUnknown: of a function URL, another path than the root. What a gateway passes on is what it was set up for.
        MethodNotAllowed: neither GET, HEAD nor POST.
        MediaTypeUnsupported: the body is said to be something else than JSON.
    """
    request = events.http_event(event)
    gateway = request.get("requestContext")
    is_routed = isinstance(gateway, Mapping) and "path" in gateway
    if not is_routed and request.get("path") not in (None, "", "/"):
        raise PathUnknown("there is nothing at this path: the function answers at /")
    method = request.get("httpMethod") or "POST"
    if method in ("GET", "HEAD"):
        return True
    if method != "POST":
        raise MethodNotAllowed(f"this method is not allowed: {ALLOWED_METHODS}")
    media_type = _header(request, "content-type").partition(";")[0].strip().lower()
    if media_type not in _JSON_TYPES:
        raise MediaTypeUnsupported("the body must be JSON, with the image in it as base64")
    return False


def page(event: object, context: object) -> dict[str, object]:
    """Return the answer that is the page; to HEAD, all but its body."""
    html, policy = _load_page()
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
    is_head = isinstance(event, Mapping) and event.get("httpMethod") == "HEAD"
    return _answer(200, headers, "" if is_head else html, context)


def success(prediction: Prediction, payload: object, context: object) -> dict[str, object]:
    """Return the integrated answer to a request that succeeded."""
    return _json_answer(200, {}, events.success(prediction, payload), context)


def failure(error: Exception, context: object) -> dict[str, object]:
    """Return the integrated answer to a request that failed, safe to show to anybody."""
    status = error.status if isinstance(error, MnistInferError) else MnistInferError.status
    headers = {"Allow": ALLOWED_METHODS} if isinstance(error, MethodNotAllowed) else {}
    return _json_answer(status, headers, events.failure(error), context)


def _json_answer(
    status: int, headers: Mapping[str, str], body: Mapping[str, object], context: object
) -> dict[str, object]:
    json_headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return _answer(status, {**json_headers, **headers}, json.dumps(body), context)


def _answer(status: int, headers: Mapping[str, str], body: str, context: object) -> dict[str, object]:
    all_headers = {**headers, "X-Content-Type-Options": "nosniff"}
    request_id = context.get("request_id") if isinstance(context, Mapping) else None
    if isinstance(request_id, str) and _SAFE_HEADER_VALUE.fullmatch(request_id):
        all_headers["X-Request-Id"] = request_id
    return {"isBase64Encoded": False, "statusCode": status, "headers": all_headers, "body": body}


def _header(request: Mapping[str, object], name: str) -> str:
    headers = request.get("headers")
    if isinstance(headers, Mapping):
        for key, value in headers.items():
            if isinstance(key, str) and key.lower() == name and isinstance(value, str):
                return value
    return ""


@cache
def _load_page() -> _Page:
    """Read the page when the first browser comes: a container that only reads digits does without."""
    from base64 import b64encode
    from hashlib import sha256

    html = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    sources = {}
    for element in ("script", "style"):
        (content,) = re.findall(f"<{element}>(.*?)</{element}>", html, re.DOTALL)
        sources[element] = f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"
    policy = (
        f"default-src 'none'; script-src {sources['script']}; style-src {sources['style']}; img-src data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return _Page(html, policy)
