"""What a user could upload instead: the same network and pictures, each way in the package that it would need."""

import argparse
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import build_zip
from bench import cold, packages, plot, warm
from bench.circumstances import PYTHON
from bench.environments import onnx_folder, run, shipped_versions
from bench.packages import Package
from bench.process import BenchError, Interpreter, WayProcess
from bench.report import LEAD, Figures, figures_table, progress
from bench.ways import TITLES
from bench.ways.models import ONNX, TFLITE
from mnist_infer.config import ROOT
from mnist_infer.versions import find_version
from testbed.unpack import find_interpreter

OURS, ARTICLE = "ours", "article"
SIDE_BY_SIDE = {
    "unzipped_mb": "unzipped MB",
    "start_dropped_wall_s": "cold start, page cache dropped, s",
    "peak_mb": "peak memory, MB",
    "request_after_p50_ms": "request after 3 000, p50 ms",
}
"""What is drawn."""

PLOT = Path(__file__).parent / "peers.png"
MAX_DIFFERENCE = 1e-5
"""Of a probability, from this function's: what answers otherwise is not timed."""


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure the peers.

    Raises:
        Unavailable: a package cannot be made.
        BenchError: a way does not answer as this function does.
    """
    python = find_interpreter(PYTHON, options.interpreter)
    made = _make_packages(python)
    # The package's modules come first, as it is the folder worked in; the benchmark's own are the repository's.
    ways = {way: Interpreter(python, {"PYTHONPATH": str(ROOT)}, package.folder) for way, package in made.items()}
    for way, interpreter in ways.items():
        cold.compile_way(way, interpreter)
    differences = measure_differences(ways)
    runs = cold.QUICK_RUNS if options.quick else cold.RUNS
    starts, dropped_by = {}, ""
    for cache in cold.CACHES:
        progress(f"cold starts, page cache {cache}")
        starts[cache], dropped_by = cold.measure_starts(ways, cache, runs)
    rounds = warm.measure(ways, quick=options.quick)
    course, article = rounds.course[OURS], rounds.course[ARTICLE]
    numbers = {"runs": runs, "window": course.window, "rounds": course.rounds, "article_window": article.window}
    return {"dropped_by": dropped_by, **numbers} | {
        way: _of_package(made[way])
        | cold.figures(starts, way)
        | warm.figures(rounds, way)
        | ({"difference": differences[way]} if way in differences else {})
        for way in ways
    }


def render(figures: Figures) -> str:
    """Return the section's text."""
    ways = {title: figures[way] for way, title in TITLES.items()}
    ours = figures[OURS]
    return "\n\n".join(
        (
            _introduction(ways),
            _packages_table(ways, ours),
            *(cold.starts_table(cache, ways, ours) for cache in cold.CACHES),
            cold.how_measured(figures["runs"], figures["dropped_by"]),
            warm.latency_table(ways, figures, ours),
            warm.endurance_table(ways),
            f"![the ways side by side]({PLOT.name})",
        )
    )


def draw(figures: Figures) -> None:
    """Write the picture of the ways side by side."""
    panels = {what: {title: figures[way][name] for way, title in TITLES.items()} for name, what in SIDE_BY_SIDE.items()}
    plot.draw_bars(PLOT, panels)


def _make_packages(python: Path) -> dict[str, Package]:
    tensorflow = f"tensorflow-cpu=={shipped_versions()['tensorflow-cpu']}"
    saved_model = find_version(ROOT / "export", None)
    # An older TensorFlow needs another NumPy than the zip's.
    imported = packages.of_peer("import_tensorflow", [tensorflow], True, saved_model, python)
    tflite, onnx = _convert("tflite", TFLITE, ""), _convert("onnx", ONNX, str(onnx_folder()))
    return {
        OURS: packages.ours(),
        "import_tensorflow": imported,
        ARTICLE: imported,
        "litert": packages.of_peer("litert", ["ai-edge-litert"], False, tflite, python),
        "onnx_runtime": packages.of_peer("onnx_runtime", ["onnxruntime"], False, onnx, python),
    }


def _convert(kind: str, target: Path, path: str) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    environ = {"PATH": "/usr/bin:/bin", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": path}
    run([sys.executable, "-m", "bench.convert", kind, target], cwd=ROOT, env=environ)
    return target.parent


def measure_differences(ways: Mapping[str, Interpreter]) -> dict[str, float]:
    """Return by how much each way's probabilities differ from ours at most; the article's tells digits alone.

    Raises:
        BenchError: one does not answer, or too far from ours.
    """
    answers: dict[str, list[list[float]]] = {}
    for way in ways.keys() - {ARTICLE}:
        with WayProcess(way, ways[way]) as process:
            answers[way] = process.ask_digits()
    ours = answers.pop(OURS)
    differences = {way: _difference(rows, ours) for way, rows in answers.items()}
    for way, difference in differences.items():
        if difference > MAX_DIFFERENCE:
            raise BenchError(f"{TITLES[way]}: its probabilities differ from this function's by {difference:.1e}")
    return differences


def _difference(rows: Iterable[Iterable[float]], ours: Iterable[Iterable[float]]) -> float:
    pairs = zip(rows, ours, strict=True)
    return max(abs(one - other) for row, our in pairs for one, other in zip(row, our, strict=True))


def _of_package(package: Package) -> dict[str, Any]:
    return {name: value for name, value in asdict(package).items() if name != "folder"}


def _introduction(ways: Mapping[str, Figures]) -> str:
    agreement = ", ".join(f"{title} {way['difference']:.0e}" for title, way in ways.items() if "difference" in way)
    return (
        "The same network reads the example event's picture in each way's own package, unpacked, on Python "
        f"{PYTHON}, one thread; all but the article's way prepare the picture with this project's modules. "
        f"Probabilities over 300 test digits of MNIST differ from this function's by at most: {agreement}. "
        f"**Bold** is ahead of this function: below {LEAD:.0%} of its figure."
    )


def _packages_table(ways: Mapping[str, Figures], ours: Figures) -> str:
    def row(way: Figures) -> dict[str, Any]:
        fits = way["unzipped_mb"] * 1e6 <= build_zip.MAX_UNZIPPED_BYTES
        loads = f"no: {way['fault']}" if way["fault"] else "yes"
        return {**way, "within_500_mb": "yes" if fits else "**no**", "loads_with_glibc_2.17": loads}

    columns = ("runtime", "unzipped_mb:.1f", "zipped_mb:.1f", "within_500_mb", "loads_with_glibc_2.17")
    how = (
        "10^6 bytes. Wheels of all that the runtime declares to need, with NumPy, Pillow and requests; pruned and "
        "compiled by the rules of `build_zip.py`: without tests, headers, stubs and sources, with `.pyc` files. "
        "glibc 2.17 is what the platform documents; the wheels are the newest there are for its Python."
    )
    rows = {title: row(way) for title, way in ways.items()}
    return figures_table("package", rows, columns, how, dict.fromkeys(ways, ours))
