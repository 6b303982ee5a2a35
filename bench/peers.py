"""What a user could upload instead: the same network and pictures, each way in the package that it would need."""

import argparse
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import build_zip
from bench import cold, packages, plot, warm
from bench.circumstances import PYTHON
from bench.environments import Unavailable, onnx_folder, run, shipped_versions
from bench.packages import Package
from bench.process import BenchError, Interpreter, WayFailed, WayProcess
from bench.report import LEAD, Figures, figures_table, is_ahead, progress
from bench.ways import TITLES
from bench.ways.models import ONNX, TFLITE
from mnist_infer.config import ROOT
from mnist_infer.versions import find_version
from testbed.unpack import find_interpreter

PLOT = Path(__file__).parent / "peers.png"
OURS, ARTICLE = "ours", "article"
SIDE_BY_SIDE = {
    "unzipped_mb": "unzipped MB",
    "start_dropped_wall_s": "cold start, page cache dropped, s",
    "peak_mb": "peak memory, MB",
    "request_after_p50_ms": "request after 3 000, p50 ms",
}
"""What is drawn, and who is ahead in it."""

MAX_DIFFERENCE = 1e-5
"""Of a probability, from this function's: what answers otherwise is not timed."""


class Peer(NamedTuple):
    """What one way needs in its package.

    Attributes:
        requirements: of what runs the model.
        own_numpy: whether it needs another NumPy than the zip's: an older TensorFlow does.
    """

    requirements: tuple[str, ...]
    own_numpy: bool


class Ready(NamedTuple):
    """The ways that can be measured, and why others cannot."""

    packages: dict[str, Package]
    interpreters: dict[str, Interpreter]
    missing: dict[str, str]


class Measured(NamedTuple):
    """What was measured of the ways that are ready.

    Attributes:
        differences: of each way's probabilities from ours, at most.
        starts: by state of the page cache and way.
        dropped_by: how the page cache was dropped.
        rounds: of the warm containers.
    """

    differences: dict[str, float]
    starts: dict[str, dict[str, list[cold.Start]]]
    dropped_by: str
    rounds: warm.Rounds


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure the peers.

    Raises:
        BenchError: this function itself cannot be measured.
    """
    try:
        ready = _prepare(find_interpreter(PYTHON, options.interpreter))
    except (Unavailable, build_zip.BuildError) as error:
        raise BenchError(str(error)) from error
    measured = _measure(ready, quick=options.quick)
    course = measured.rounds.course[OURS]
    ways = {way: _figures(package, measured, way) for way, package in ready.packages.items()}
    return {
        "runs": len(measured.starts["warm"][OURS]),
        "dropped_by": measured.dropped_by,
        "window": course.window,
        "rounds": course.rounds,
        "article_window": measured.rounds.course.get(ARTICLE, course).window,
        "missing": ready.missing,
        **ways,
    }


def _figures(package: Package, measured: Measured, way: str) -> dict[str, Any]:
    figures = {name: value for name, value in asdict(package).items() if name != "folder"}
    for cache, starts in measured.starts.items():
        figures |= cold.figures(cache, starts, way)
    figures["peak_mb"] = max(figures[f"start_{cache}_peak_mb"] for cache in measured.starts)
    if way in measured.differences:
        figures["difference"] = measured.differences[way]
    return figures | warm.figures(measured.rounds, way)


def render(figures: Figures) -> str:
    """Return the section's text."""
    ways = {title: figures[way] for way, title in TITLES.items() if way in figures}
    ours = figures[OURS]
    return "\n\n".join(
        (
            _introduction(ways, figures["missing"]),
            _packages_table(ways, ours),
            *(cold.starts_table(cache, ways, ours) for cache in cold.CACHES),
            cold.how_measured(figures["runs"], figures["dropped_by"]),
            warm.latency_table(ways, figures, ours),
            warm.endurance_table(ways),
            _ahead(ways, ours),
            f"![the ways side by side]({PLOT.name})",
        )
    )


def draw(figures: Figures) -> None:
    """Write the picture of the ways side by side."""
    ways = {title: figures[way] for way, title in TITLES.items() if way in figures}
    plot.draw_bars(
        PLOT, {what: {title: way[name] for title, way in ways.items()} for name, what in SIDE_BY_SIDE.items()}
    )


def _measure(ready: Ready, *, quick: bool) -> Measured:
    """Measure the ways; one that fails is left out of `ready`, and the others are measured again."""
    while True:
        try:
            differences = _leave_out_the_unlike(ready)
            starts, dropped_by = _cold_starts(ready, cold.QUICK_RUNS if quick else cold.RUNS)
            return Measured(differences, starts, dropped_by, warm.measure(ready.interpreters, quick=quick))
        except WayFailed as error:
            if error.way == OURS:
                raise
            _leave_out(ready, error.way, _last_line(error))


def _cold_starts(ready: Ready, runs: int) -> tuple[dict[str, dict[str, list[cold.Start]]], str]:
    every, dropped_by = {}, ""
    for cache in cold.CACHES:
        progress(f"cold starts, page cache {cache}")
        every[cache], dropped_by = cold.measure_starts(ready.interpreters, cache, runs)
    return every, dropped_by


def _leave_out(ready: Ready, way: str, reason: str) -> None:
    progress(f"{TITLES[way]} is left out: {reason}")
    ready.missing[way] = reason
    ready.interpreters.pop(way, None)
    ready.packages.pop(way, None)


def _prepare(python: Path) -> Ready:
    """Build every package and start each way once; what fails is left out, with its reason.

    Raises:
        Unavailable: this function itself cannot be measured.
    """
    tensorflow = Peer((f"tensorflow-cpu=={shipped_versions()['tensorflow-cpu']}",), own_numpy=True)
    ready = Ready({OURS: packages.ours()}, {OURS: _interpreter(packages.ours(), python)}, {})
    saved_model = find_version(ROOT / "export", None)
    for way, peer in {
        "import_tensorflow": tensorflow,
        ARTICLE: tensorflow,
        "litert": Peer(("ai-edge-litert",), own_numpy=False),
        "onnx_runtime": Peer(("onnxruntime",), own_numpy=False),
    }.items():
        try:
            model = {"litert": _convert_tflite, "onnx_runtime": _convert_onnx}.get(way, lambda: saved_model)()
            name = "import_tensorflow" if peer is tensorflow else way
            package = packages.of_peer(name, peer.requirements, peer.own_numpy, model, python)
            interpreter = _interpreter(package, python)
            cold.compile_way(way, interpreter)
        except (Unavailable, BenchError) as error:
            _leave_out(ready, way, _last_line(error))
        else:
            ready.packages[way], ready.interpreters[way] = package, interpreter
    cold.compile_way(OURS, ready.interpreters[OURS])
    return ready


def _interpreter(package: Package, python: Path) -> Interpreter:
    # The package's modules come first, as it is the folder worked in; the benchmark's own are the repository's.
    return Interpreter(python, {"PYTHONPATH": str(ROOT)}, package.folder)


def _convert_tflite() -> Path:
    return _convert("tflite", TFLITE, "")


def _convert_onnx() -> Path:
    return _convert("onnx", ONNX, str(onnx_folder()))


def _convert(kind: str, target: Path, path: str) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    environ = {"PATH": "/usr/bin:/bin", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": path}
    run([sys.executable, "-m", "bench.convert", kind, target], cwd=ROOT, env=environ)
    return target.parent


def _leave_out_the_unlike(ready: Ready) -> dict[str, float]:
    """Return by how much each way's probabilities differ from ours at most; too far ones are left out of `ready`.

    Raises:
        WayFailed: one does not answer.
    """
    answers: dict[str, list[list[float]]] = {}
    for way in [way for way in ready.interpreters if way != ARTICLE]:  # it tells digits alone
        with WayProcess(way, ready.interpreters[way]) as process:
            answers[way] = process.ask_digits()
    differences = {way: _difference(rows, answers[OURS]) for way, rows in answers.items() if way != OURS}
    for way, difference in differences.items():
        if difference > MAX_DIFFERENCE:
            _leave_out(ready, way, f"its probabilities differ from this function's by {difference:.1e}")
    return {way: difference for way, difference in differences.items() if way in ready.interpreters}


def _difference(rows: Iterable[Iterable[float]], ours: Iterable[Iterable[float]]) -> float:
    pairs = zip(rows, ours, strict=True)
    return max(abs(one - other) for row, our in pairs for one, other in zip(row, our, strict=True))


def _introduction(ways: Mapping[str, Figures], missing: Mapping[str, str]) -> str:
    agreement = ", ".join(f"{title} {way['difference']:.0e}" for title, way in ways.items() if "difference" in way)
    sentences = [
        "The same network reads the example event's picture in each way's own package, unpacked, on Python "
        f"{PYTHON}, one thread; all but the article's way prepare the picture with this project's modules. "
        f"Probabilities over 300 test digits of MNIST differ from this function's by at most: {agreement or '–'}.",
        *(f"Not measured: {TITLES[way]}: {reason}." for way, reason in missing.items()),
        f"**Bold** is ahead of this function: below {LEAD:.0%} of its figure.",
    ]
    return " ".join(sentences)


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
    return figures_table(
        "package", {title: row(way) for title, way in ways.items()}, columns, how, dict.fromkeys(ways, ours)
    )


def _ahead(ways: Mapping[str, Figures], ours: Figures) -> str:
    """Return who is ahead of this function, and in what."""
    lines = []
    for name, what in SIDE_BY_SIDE.items():
        ahead = sorted((way[name], title) for title, way in ways.items() if name in way and is_ahead(name, way, ours))
        names = (f"{title} ({ours[name] / value:.1f} times)" for value, title in ahead)
        lines.append(f"* {what}: {', '.join(names) or 'nobody'}")
    return "Ahead of this function in\n\n" + "\n".join(lines)


def _last_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1].strip().rstrip(".")[:300] if lines else type(error).__name__
