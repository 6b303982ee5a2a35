"""Compute docs/cost.md: `python -m bench.cost`."""

import argparse
import sys
from pathlib import Path

from bench import plot
from bench.cost import comparison, page, prices
from bench.cost.inputs import Inputs, add_options, read_inputs
from bench.results import MissingFigure
from mnist_infer.config import ROOT

_PEAKS = [0.0, 0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1_000.0, 10_000.0]


def main(arguments: list[str] | None = None) -> int:
    """Write the page and its picture, and return the exit status."""
    options = _parser().parse_args(arguments)
    given = comparison.Assumptions(options.keep_s, options.machine_cny, options.machine_cores, options.peak)
    try:
        inputs = read_inputs(options)
    except MissingFigure as error:
        print(f"{error}; measure it (python -m bench) or name it (--help)", file=sys.stderr)
        return 1
    options.output.parent.mkdir(parents=True, exist_ok=True)
    picture = options.output.with_suffix(".png")
    text = page.write_page(inputs, given, options.check_days, options.peaks, picture.name)
    options.output.write_text(text + "\n", encoding="utf-8")
    _draw(inputs, given, options.peaks, picture)
    print(f"{options.output} is written")
    return 0


def _draw(inputs: Inputs, given: comparison.Assumptions, peaks: list[float], path: Path) -> None:
    memory_mb = comparison.cheapest_memory(inputs, given)
    function = comparison.for_photos(inputs, given, memory_mb)
    some = [peak for peak in peaks if peak]  # a logarithmic axis has no zero
    money = comparison.money_of([comparison.week(inputs, given, function, peak) for peak in some], function, given)
    plot.draw_lines(path, "requests per second at the peak", some, {"CNY for a week of photos": money})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.cost", description=__doc__)
    add_options(parser)
    parser.add_argument("--keep-s", type=float, default=600.0, help="s that an idle instance is kept (%(default)s)")
    parser.add_argument("--machine-cny", type=float, default=prices.MACHINE_CNY_PER_MONTH, help="a month (%(default)s)")
    parser.add_argument("--machine-cores", type=int, default=2, help="of a machine (%(default)s)")
    parser.add_argument("--peak", type=float, default=1.0, help="requests/s, for the table by memory (%(default)s)")
    parser.add_argument("--peaks", type=float, nargs="+", default=_PEAKS, help="requests/s, for the week")
    parser.add_argument("--check-days", type=float, default=7.0, help="simulated event by event (%(default)s)")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "cost.md", help="(%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
