"""WSGI applications that turn HTTP requests into a function's events, and what it returns into HTTP answers."""

import base64
import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from mnist_infer.hosting.platform import Entry, container_context, through_json

INVOKE_PATH = "/event-invoke"
"""Where the platform posts events to a container image of the event type."""

StartResponse = Callable[[str, list[tuple[str, str]]], object]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class HttpAnswer(NamedTuple):
    """An HTTP answer: its status, its headers and its body."""

    status: int
    headers: dict[str, str]
    body: bytes


def web_application(function: Entry) -> Application:
    """Return a WSGI application that calls the function as a function URL does."""

    def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        event, context = web_event(environ), container_context(_headers(environ))
        return send(web_answer(through_json(function(event, context))), environ, start_response)

    return application


def event_application(function: Entry) -> Application:
    """Return a WSGI application for the events that the platform posts to an image of the event type."""

    def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST" or environ["PATH_INFO"] != INVOKE_PATH:
            return send(_json(404, {"errMsg": f"events are posted to {INVOKE_PATH}"}), environ, start_response)
        try:
            event = json.loads(environ["wsgi.input"].read())
        except (ValueError, RecursionError):
            return send(_json(400, {"errMsg": "the event must be JSON"}), environ, start_response)
        return send(_json(200, function(event, container_context(_headers(environ)))), environ, start_response)

    return application


def web_event(environ: dict[str, Any]) -> dict[str, object]:
    """Return the event that a function URL makes of a request; a body that is not text is passed as base64."""
    content = environ["wsgi.input"].read()
    event: dict[str, object] = {
        "headers": _headers(environ),
        "httpMethod": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"].encode("latin-1").decode(errors="replace"),
        "queryString": dict(parse_qsl(environ.get("QUERY_STRING", ""))),
    }
    try:
        event["body"] = content.decode()
    except UnicodeDecodeError:
        event |= {"body": base64.b64encode(content).decode(), "isBase64Encoded": True}
    return event


def web_answer(returned: object) -> HttpAnswer:
    """Return the HTTP answer that a function URL makes of what a function returns.

    Any JSON without `statusCode` is an answer with status 200.
    """
    if not isinstance(returned, dict) or "statusCode" not in returned:
        return _json(200, returned)
    body = returned.get("body", "")
    content = base64.b64decode(body) if returned.get("isBase64Encoded") else body.encode()
    return HttpAnswer(returned["statusCode"], dict(returned.get("headers", {})), content)


def send(answer: HttpAnswer, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Give the status and headers of an answer to the server, and return its body, which HEAD is answered without."""
    headers = answer.headers if answer.body == b"" else answer.headers | {"Content-Length": str(len(answer.body))}
    start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(headers.items()))
    return [b"" if environ["REQUEST_METHOD"] == "HEAD" else answer.body]


def _headers(environ: dict[str, Any]) -> dict[str, str]:
    named = {name[5:]: value for name, value in environ.items() if name.startswith("HTTP_")}
    named |= {name: environ[name] for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(name)}
    return {name.replace("_", "-").lower(): value for name, value in named.items()}


def _json(status: int, value: object) -> HttpAnswer:
    return HttpAnswer(status, {"Content-Type": "application/json"}, json.dumps(value).encode())
