"""Time three ways to serve the same SavedModel, and write RESULTS.md: `python -m bench [--data DIR]`."""

import argparse
import importlib
import sys
from pathlib import Path

from bench import report
from bench.process import BenchError

SUITES = ("cold", "warm", "sandbox", "pixels", "load", "guards", "costly")
"""Modules of this package, in the order of their sections."""

RESULTS = Path(__file__).parent / "RESULTS.md"


def main() -> int:
    """Run the suites of the command line."""
    parser = _parser()
    options = parser.parse_args()
    sections = [report.header()]
    for suite in options.only or SUITES:
        report.progress(f"== {suite}")
        # Imported one by one: what a suite imports would count in the memory of the cold starts,
        # because a child's peak begins with that of the process which forked it.
        module = importlib.import_module(f"bench.{suite}")
        try:
            sections.append(module.section(options))
        except BenchError as error:
            print(f"the benchmark failed: {error}", file=sys.stderr)
            return 1
    text = "\n\n".join(sections) + "\n"
    if not options.only:
        RESULTS.write_text(text)
    print(f"\n{text}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--interpreter", help="a Python 3.10, for the suite `sandbox` (default: from the PATH)")
    parser.add_argument("--only", nargs="+", choices=SUITES, help="run these, and leave RESULTS.md as it is")
    return parser


if __name__ == "__main__":
    sys.exit(main())
