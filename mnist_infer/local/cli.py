"""The command line of `python -m mnist_infer`."""

import argparse
import sys
from pathlib import Path

from mnist_infer.errors import MnistInferError
from mnist_infer.local.demo import demo
from mnist_infer.local.invoke import invoke
from mnist_infer.local.predict import predict


def main() -> int:
    """Run the subcommand that the command line names, and return the exit status."""
    options = _parser().parse_args()
    try:
        if options.command == "invoke":
            return invoke(options.entry, options.event)
        if options.command == "predict" or options.pictures:
            return predict(options.pictures)
        return demo()
    except MnistInferError as error:  # the model, the library or a setting
        print(f"mnist_infer: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mnist_infer", description="Read handwritten digits.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("invoke", help="send one event through the function, as the platform does")
    command.add_argument("--entry", default="demo", help="entry point of handler.py, default: %(default)s")
    command.add_argument("event", type=Path, help="a JSON file")
    command = commands.add_parser("predict", help="read pictures, a digit a line")
    command.add_argument("pictures", nargs="+", metavar="FILE_OR_URL")
    command = commands.add_parser("demo", help="run the examples, or read your own pictures")
    command.add_argument("pictures", nargs="*", metavar="FILE_OR_URL")
    return parser
