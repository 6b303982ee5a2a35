"""The command line of `python -m mnist_infer`."""

import argparse
import io
import sys
from collections.abc import Callable
from pathlib import Path

from mnist_infer.errors import MnistInferError


def main() -> int:
    """Run the subcommand that the command line names, and return the exit status."""
    options = _parser().parse_args()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr: a file's name may be in another encoding
    try:
        return _run(options)
    except (MnistInferError, ImportError, OSError) as error:  # the model, a setting, an entry point, a file
        print(f"mnist_infer: {error}", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    # Each command imports its own module alone: a container that serves needs none of the others.
    if options.command == "invoke":
        from mnist_infer.local.invoke import invoke

        return invoke(options.entry, options.event)
    if options.command == "serve":
        from mnist_infer.hosting.serve import serve

        return serve(options.host, options.port, options.processes, options.threads, options.type, options.entry)
    if options.command == "explain":
        from mnist_infer.local.explain import explain

        return explain(options.picture, options.output)
    if options.command == "predict":
        from mnist_infer.local.predict import predict

        return predict(options.pictures)
    from mnist_infer.local.demo import demo

    return demo()


def _whole(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:  # argparse calls a value that is none by this name
        if not least <= (value := int(text)) <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between {least} and {most}")
        return value

    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mnist_infer", description="Read handwritten digits.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("invoke", help="call an entry point with an event, as the platform does")
    command.add_argument("--entry", default="demo", help="entry point of handler.py, default: %(default)s")
    command.add_argument("event", type=Path, help="a JSON file")
    command = commands.add_parser("predict", help="print the digit in each picture")
    command.add_argument("pictures", nargs="+", metavar="FILE_OR_URL")
    command = commands.add_parser("explain", help="draw what the network sees in a picture")
    command.add_argument("picture", type=Path, metavar="FILE")
    command.add_argument("--output", type=Path, default=Path("explained.png"), help="a PNG, default: %(default)s")
    command = commands.add_parser("serve", help="serve HTTP requests, as a function URL or a container does")
    command.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    command.add_argument("--port", type=_whole(0, 65535), default=8000, help="0 takes a free one, default: %(default)s")
    command.add_argument(
        "--processes", type=_whole(1, 1024), default=1, help="that share the address, default: %(default)s"
    )
    command.add_argument(
        "--threads",
        type=_whole(1, 1024),
        default=4,
        help="requests at the same time in each process, default: %(default)s",
    )
    command.add_argument("--type", choices=("web", "event"), default="web", help="of function, default: %(default)s")
    command.add_argument("--entry", help="entry point of handler.py, default: http_interface, and demo for events")
    commands.add_parser("demo", help="run the examples")
    return parser
