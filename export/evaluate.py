"""Measure what the committed model reads, and write its card: `python -m export.evaluate --data DIR`.

Every picture goes through the function's own path, from a base64 payload to the answer, and a second
time through the article's normalisation into the same network. All figures go to `export/card/figures.json`,
and from there into the card, `export/README.md`; `--render` does the second step alone.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from export.card import card_text
from export.figures import calibration, confusion, describe, measure_kind, measure_normaliser, measure_not_digits, worst
from export.files import FileError, load_log, load_record, save_whole
from export.foreign import FOREIGN, measure_foreign
from export.mnist import DataError, load_mnist
from export.reader import Reader, read_suite
from export.suite import HANDS, KINDS, NOT_DIGITS
from mnist_infer.errors import ModelUnavailable
from mnist_infer.versions import find_version

HERE = Path(__file__).parent
FIGURES = Path("card") / "figures.json"
LOG = "training.csv"


def main(arguments: list[str] | None = None) -> int:
    """Measure, unless figures are only to be rendered, and write the card, with the settings of the command line."""
    options = _parser().parse_args(arguments)
    model = options.model or find_version(HERE, None)
    page = options.output / "README.md"
    try:
        if not options.render:
            _measure(model, options)
        figures = load_record(options.output / FIGURES, "measure again, without --render")
        text = card_text(figures, (model / LOG).exists())
        save_whole(page, lambda path: path.write_text(text, encoding="utf-8"))
    except (DataError, FileError, ModelUnavailable, OSError) as error:
        print(f"not evaluated: {error}", file=sys.stderr)
        return 1
    print(f"\n{page}")
    return 0


def _measure(model: Path, options: argparse.Namespace) -> None:
    """Write the figures and the pictures of the card; what it needs beside the model is read before the measuring."""
    description = describe(model)
    if (model / LOG).exists():
        load_log(model / LOG)
    mnist = load_mnist(options.data)
    digits = mnist.test if options.digits == "test" else mnist.held_back
    counts = dict.fromkeys(KINDS, options.per_kind) | {"mnist": len(digits)}
    counts |= dict.fromkeys(HANDS | NOT_DIGITS, -(-options.per_kind // 10))
    readings = read_suite(model, digits, counts, options.processes)
    reader = Reader(model)
    figures = {
        "model": description,
        "digits": {"set": options.digits, "count": len(digits)},
        "kinds": [measure_kind(name, KINDS[name], readings[name]) for name in KINDS],
        "hands": [measure_kind(name, HANDS[name], readings[name]) for name in HANDS],
        "not_digits": [measure_not_digits(NOT_DIGITS[name].title, readings[name]) for name in NOT_DIGITS],
        "digits_as_sure": measure_not_digits("digits, all kinds", [r for name in KINDS for r in readings[name]]),
        "normaliser_on_mnist": measure_normaliser(reader, digits, readings["mnist"]),
        "confusion": confusion(readings["mnist"]).tolist(),
        "worst": worst(readings["mnist"], 24),
        "calibration": calibration([reading for name in KINDS for reading in readings[name]]),
        "foreign": [measure_foreign(reader, *foreign) for foreign in FOREIGN],
    }
    file = options.output / FIGURES
    file.parent.mkdir(parents=True, exist_ok=True)
    save_whole(file, lambda path: path.write_text(json.dumps(figures, indent=1) + "\n"))
    from export.charts import write_charts  # matplotlib takes a second to import

    write_charts(file.parent, figures, digits, reader, model / LOG)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m export.evaluate", description="Measure what the model reads.")
    parser.add_argument("--data", type=Path, help="folder of MNIST's IDX files (default: download them)")
    parser.add_argument("--model", type=Path, help="folder of the SavedModel (default: the highest version)")
    parser.add_argument("--digits", choices=("test", "held_back"), default="test", help="default: %(default)s")
    parser.add_argument("--per-kind", type=int, default=2000, help="pictures of each kind, default: %(default)s")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="default: %(default)s")
    parser.add_argument("--render", action="store_true", help="measure nothing: write README.md from the figures")
    parser.add_argument("--output", type=Path, default=HERE, help="of README.md and card/, default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
