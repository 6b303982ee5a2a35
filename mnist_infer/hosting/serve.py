"""`serve`: the function behind an HTTP address, in a container and on a developer's machine."""

import json
import logging
import multiprocessing.connection
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from mnist_infer.errors import MnistInferError
from mnist_infer.hosting.platform import load_entry
from mnist_infer.hosting.wsgi import event_application, web_application
from mnist_infer.log import write_line

_ENDING = (signal.SIGINT, signal.SIGTERM)


def serve(host: str, port: int, processes: int, threads: int, kind: str, entry: str | None) -> int:
    """Answer HTTP requests until SIGINT (Ctrl-C) or SIGTERM, and return the exit status.

    All output is JSON lines: from each process one for the cold start and one for the address, and one per request.

    Args:
        host: address to listen on.
        port: to listen on; 0 takes a free one, which the log names.
        processes: that take requests from the same address, each with a session of its own.
        threads: requests that each process serves at the same time, all by its session.
        kind: `web` takes requests as a function URL does, `event` as a container image of the event type.
        entry: of handler.py; None is `http_interface` for `web` and `demo` for `event`.
    """
    try:
        from mnist_infer.hosting.server import bind, create_server
    except ImportError:
        print("mnist_infer: to serve, install requirements-serve.txt", file=sys.stderr)
        return 1
    _log_as_json()
    entry = entry or ("http_interface" if kind == "web" else "demo")
    bound = bind(host, port)
    # SIGINT too, because a shell starts background processes with SIGINT ignored.
    for number in _ENDING:
        signal.signal(number, _interrupt)

    def answer() -> None:
        function = load_entry(entry)
        application = web_application(function) if kind == "web" else event_application(function)
        server = create_server(application, bound, threads)
        url_host = f"[{host}]" if ":" in host else host
        write_line(event="listening", url=f"http://{url_host}:{bound.getsockname()[1]}/", entry=entry)
        server.run()  # until an interrupt, and then until the requests in progress are answered
        server.close()

    if processes > 1:
        return _run_in_processes(processes, answer)
    with suppress(KeyboardInterrupt):
        answer()
    return 0


def _run_in_processes(count: int, answer: Callable[[], None]) -> int:
    """Run a server in several processes until an interrupt, and return 0; 1 if one of them ends by itself."""
    # Forked, before TensorFlow has threads: all take connections from the socket that they inherit.
    workers = [multiprocessing.get_context("fork").Process(target=_in_worker, args=(answer,)) for _ in range(count)]
    status = 0
    with suppress(KeyboardInterrupt):
        # Python swallows what a signal raises in the middle of a fork, so signals wait until these are done.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        try:
            for worker in workers:
                worker.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
        multiprocessing.connection.wait([worker.sentinel for worker in workers])
        status = 1
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.join()
    return status


def _in_worker(answer: Callable[[], None]) -> None:
    """Run a server, and end the process with one sentence where it cannot start, as the command line does."""
    try:
        with suppress(KeyboardInterrupt):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
            answer()
    except (MnistInferError, ImportError, OSError) as error:
        sys.exit(f"mnist_infer: {error}")


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
    """End the server at the first signal only: Ctrl-C reaches all processes, and the first sends SIGTERM as well."""
    for number in _ENDING:
        signal.signal(number, _pass_over)
    raise KeyboardInterrupt


def _pass_over(_number: int, _frame: FrameType | None) -> None:
    """Do nothing. With SIG_IGN instead, Python complains on stderr about a signal that has already arrived."""
