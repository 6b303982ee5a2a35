"""`serve`: the function behind an HTTP address, on a developer's machine and in a container."""

import base64
import json
import signal
import sys
from collections.abc import Callable, Iterable
from http import HTTPStatus
from types import FrameType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from mnist_infer.local.platform import load_handler, new_context, through_json

MOST_BODY_BYTES = 6 * 1024 * 1024
"""What the platform lets an event hold."""

INVOKE_PATH = "/event-invoke"
"""Where the platform posts events to a container image of the event type."""

Entry = Callable[[object, object], object]
StartResponse = Callable[[str, list[tuple[str, str]]], object]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class Answer(NamedTuple):
    """An HTTP answer: its status, its headers and its body."""

    status: int
    headers: dict[str, str]
    body: bytes


def serve(host: str, port: int, threads: int, kind: str, entry: str | None) -> int:
    """Answer HTTP requests until Ctrl-C or SIGTERM, and return the exit status.

    Args:
        host: address to listen on.
        port: to listen on; 0 takes a free one, which the first line says.
        threads: requests that are answered at a time, all by the one session.
        kind: `web` takes requests as a function URL does, `event` as a container image of the event type.
        entry: of handler.py; None is `http_interface` for `web` and `demo` for `event`.
    """
    try:
        from waitress.server import create_server
    except ImportError:
        print("mnist_infer: to serve, install requirements-serve.txt", file=sys.stderr)
        return 1
    entry = entry or ("http_interface" if kind == "web" else "demo")
    function = getattr(load_handler(), entry)
    application = web_application(function) if kind == "web" else event_application(function)
    server = create_server(
        application,
        host=host,
        port=port,
        threads=threads,
        ident=None,
        max_request_body_size=MOST_BODY_BYTES,
        channel_timeout=30,
    )
    signal.signal(signal.SIGTERM, _interrupt)
    port = getattr(server, "effective_port", port)  # a name with two addresses has two servers, and no one port
    print(f"http://{host}:{port}/ is answered by handler.{entry}", flush=True)
    server.run()  # an interrupt ends it, when what is being answered has been
    server.close()
    return 0


def web_application(function: Entry) -> Application:
    """Return a WSGI application: a request becomes a function URL's event, and what the function returns an answer."""

    def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        event = through_json(web_event(environ))
        return _send(web_answer(through_json(function(event, new_context()))), start_response)

    return application


def event_application(function: Entry) -> Application:
    """Return a WSGI application for what the platform posts to an image of the event type."""

    def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST" or environ["PATH_INFO"] != INVOKE_PATH:
            return _send(_json(404, {"errMsg": f"events are posted to {INVOKE_PATH}"}), start_response)
        try:
            event = json.loads(environ["wsgi.input"].read())
        except (ValueError, RecursionError):
            return _send(_json(400, {"errMsg": "the event must be JSON"}), start_response)
        return _send(_json(200, function(event, event_context(environ))), start_response)

    return application


def web_event(environ: dict[str, Any]) -> dict[str, object]:
    """Return the event that a function URL makes of a request; a body that is no text comes as base64."""
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


def web_answer(returned: object) -> Answer:
    """Return the HTTP answer that a function URL makes of what a function returns.

    Any JSON without `statusCode` is an answer with status 200.
    """
    if not isinstance(returned, dict) or "statusCode" not in returned:
        return _json(200, returned)
    body = returned.get("body", "")
    content = base64.b64decode(body) if returned.get("isBase64Encoded") else body.encode()
    return Answer(returned["statusCode"], dict(returned.get("headers", {})), content)


def event_context(environ: dict[str, Any]) -> dict[str, object]:
    """Return the context of one invocation, with what the platform's `X-Scf-*` headers say.

    That there are such headers is documented, their names are not: `X-Scf-Request-Id` becomes `request_id`.
    """
    told = {
        name.removeprefix("x-scf-").replace("-", "_"): value
        for name, value in _headers(environ).items()
        if name.startswith("x-scf-")
    }
    return new_context() | told


def _headers(environ: dict[str, Any]) -> dict[str, str]:
    named = {name[5:]: value for name, value in environ.items() if name.startswith("HTTP_")}
    named |= {name: environ[name] for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(name)}
    return {name.replace("_", "-").lower(): value for name, value in named.items()}


def _json(status: int, value: object) -> Answer:
    return Answer(status, {"Content-Type": "application/json"}, json.dumps(value).encode())


def _send(answer: Answer, start_response: StartResponse) -> Iterable[bytes]:
    headers = answer.headers if answer.body == b"" else answer.headers | {"Content-Length": str(len(answer.body))}
    start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(headers.items()))
    return [answer.body]


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
