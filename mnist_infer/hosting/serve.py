"""`serve`: the function behind an HTTP address, in a container and on a developer's machine."""

import json
import logging
import signal
import sys
from types import FrameType

from mnist_infer.hosting.platform import load_handler
from mnist_infer.hosting.wsgi import event_application, web_application


def serve(host: str, port: int, threads: int, kind: str, entry: str | None) -> int:
    """Answer HTTP requests until SIGINT (Ctrl-C) or SIGTERM, and return the exit status.

    All output is JSON lines: one for the cold start, one for the address, and one per request.

    Args:
        host: address to listen on.
        port: to listen on; 0 takes a free one, which the log names.
        threads: requests that are served at the same time, all by one session.
        kind: `web` takes requests as a function URL does, `event` as a container image of the event type.
        entry: of handler.py; None is `http_interface` for `web` and `demo` for `event`.
    """
    try:
        from mnist_infer.hosting.server import create_server
    except ImportError:
        print("mnist_infer: to serve, install requirements-serve.txt", file=sys.stderr)
        return 1
    _log_as_json()
    entry = entry or ("http_interface" if kind == "web" else "demo")
    function = getattr(load_handler(), entry)
    application = web_application(function) if kind == "web" else event_application(function)
    server = create_server(application, host, port, threads)
    # SIGINT too, because a shell starts background processes with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    port = getattr(server, "effective_port", port)  # a name with two addresses makes two servers, without a common port
    print(json.dumps({"event": "listening", "url": f"http://{host}:{port}/", "entry": entry}), flush=True)
    server.run()  # until an interrupt, and then until the requests in progress are answered
    server.close()
    return 0


class _JsonFormatter(logging.Formatter):
    """Formats a record as a line of JSON, like the function's own lines."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its newline."""
        line = {"event": "log", "level": record.levelname, "logger": record.name, "message": record.getMessage()}
        trace = {"traceback": self.formatException(record.exc_info)} if record.exc_info else {}
        return json.dumps(line | trace)


def _log_as_json() -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
