"""Time what a user could take, suite by suite, and write each suite's section of RESULTS.md: `python -m bench`."""

import argparse
import importlib
import sys
import time

from bench import report, results
from bench.process import BenchError

SUITES = {
    "peers": "Peers as functions",
    "sandbox": "The zip in the sandbox",
    "pixels": "Pixels",
    "servers": "Servers",
    "crowd": "A crowd before the server",
    "guards": "Guards",
    "costly": "Costly files",
}
"""Modules of this package and the titles of their sections, in the order of the file."""


def main() -> int:
    """Run the suites of the command line, and return the exit status."""
    options = _parser().parse_args()
    return max(_run(suite, options) for suite in options.only or SUITES)


def _run(suite: str, options: argparse.Namespace) -> int:
    report.progress(f"== {suite}")
    started = time.monotonic()
    try:
        # What a suite imports comes with it: one that lacks its packages keeps no other one from running.
        section = report.with_circumstances(importlib.import_module(f"bench.{suite}").section(options))
    except (BenchError, ImportError) as error:
        print(f"the suite {suite} failed: {error}", file=sys.stderr)
        return 1
    if not options.quick:
        results.replace_section(section, list(SUITES.values()))
    print(f"\n{section}\n\nin {time.monotonic() - started:.0f} s", flush=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--interpreter", help="a Python 3.10, for `sandbox` and `peers` (default: found as for the zip)"
    )
    parser.add_argument("--only", nargs="+", choices=SUITES, help="run these, and leave the other sections as they are")
    parser.add_argument(
        "--quick", action="store_true", help="few repetitions, to see that a suite works; RESULTS.md stays as it is"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
