"""Time what a user could take, suite by suite: `python -m bench` writes results.json, RESULTS.md and pages' figures."""

import argparse
import importlib
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench import circumstances, cost, pages, report, results
from bench.environments import Unavailable
from bench.process import BenchError
from build_zip import BuildError
from testbed.sandbox import SandboxError

PAGE = Path(__file__).with_name("RESULTS.md")

_PREAMBLE = (
    "# Results of `make bench`\n\n"
    "Rendered from [results.json](results.json), where each suite has written its part, `python -m bench --only "
    "SUITE`, and says when, on which machine, with which versions and at which commit; neither is edited by hand."
)


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

_OF_ZIP = ("peers", "sandbox")  # they measure the zip in dist/, the others the checkout
_FAILURES = (BenchError, Unavailable, BuildError, SandboxError, ImportError, OSError)


def main() -> int:
    """Run the suites of the command line, and return the exit status."""
    options = _parser().parse_args()
    suites = () if options.render else options.only or SUITES
    status = max((_run(suite, options) for suite in suites), default=0)
    if not options.quick:
        try:
            _write_pages()
        except results.MissingFigure as error:
            print(error, file=sys.stderr)
            return 1
    return status


def _run(name: str, options: argparse.Namespace) -> int:
    report.progress(f"== {name}")
    started = time.monotonic()
    try:
        # What a suite imports comes with it: one that lacks its packages keeps no other one from running.
        suite = importlib.import_module(f"bench.{name}")
        figures = suite.measure(options)
        part = {"circumstances": circumstances.measure(name in _OF_ZIP), "figures": figures}
    except _FAILURES as error:
        print(f"the suite {name} failed: {error}", file=sys.stderr)
        return 1
    if not options.quick:
        results.replace(name, part, list(SUITES))
        getattr(suite, "draw", lambda _: None)(figures)
    print(f"\n{_section(name, part)}\n\nin {time.monotonic() - started:.0f} s", flush=True)
    return 0


def render(measured: results.Results) -> str:
    """Return RESULTS.md."""
    return "\n\n".join((_PREAMBLE, *(_section(name, measured[name]) for name in SUITES if name in measured))) + "\n"


def _section(name: str, part: Mapping[str, Any]) -> str:
    text = importlib.import_module(f"bench.{name}").render(part["figures"])
    return f"## {SUITES[name]}\n\n{circumstances.describe(part['circumstances'])}\n\n{text}"


def _write_pages() -> None:
    figures = results.load()
    PAGE.write_text(render(figures), encoding="utf-8")
    cost.PAGE.write_text(cost.write_page(figures) + "\n", encoding="utf-8")
    for page in pages.find_pages():
        text = page.read_text(encoding="utf-8")
        page.write_text(pages.fill(text, pages.sources()), encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--interpreter", help="a Python 3.10, for `sandbox` and `peers` (default: found as for the zip)"
    )
    parser.add_argument("--only", nargs="+", choices=SUITES, help="run these, and leave the others as they are")
    parser.add_argument(
        "--quick", action="store_true", help="few repetitions, to see that a suite works; nothing is written"
    )
    parser.add_argument("--render", action="store_true", help="run none: write RESULTS.md and the pages' figures anew")
    return parser


if __name__ == "__main__":
    sys.exit(main())
