"""The function's own server beside LitServe, BentoML and FastAPI, under the same load on the same cores."""

import argparse
import importlib.util
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench import load, server_process
from bench.environments import Unavailable, environment
from bench.load import Load
from bench.pixels import phone_photo
from bench.plot import draw_lines
from bench.report import LEAD, Figures, figures_table, progress
from bench.serving import OURS, SERVERS, Server
from mnist_infer import pipeline
from mnist_infer.config import load_settings
from mnist_infer.model import load_model
from testbed.pictures import digit_png, to_base64

PICTURES = {"small": "PNG of 28×28", "photo": "JPEG of 12 megapixels"}
CONNECTIONS = (1, 4, 16, 64)
SECONDS, QUICK_SECONDS = {"small": 5, "photo": 10}, {"small": 1, "photo": 4}
ROUNDS = 3
PLOT = Path(__file__).parent / "servers.png"


class Turn(NamedTuple):
    """What a server did in one round.

    Attributes:
        own: seconds from process creation to the first answer, memory of all its processes after that and at the
            end, and how many they are.
        loads: figures by picture and connections.
    """

    own: dict[str, float]
    loads: dict[tuple[str, int], dict[str, float]]


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure the servers.

    Raises:
        Unavailable: one cannot be installed, or does not answer.
    """
    load.check_installed()
    payloads = {"small": {"image_base64": to_base64(digit_png(7))}, "photo": {"image_base64": to_base64(phone_photo())}}
    pythons = {name: _python(server) for name, server in SERVERS.items()}
    seconds, rounds = (QUICK_SECONDS, 1) if options.quick else (SECONDS, ROUNDS)
    turns: dict[str, list[Turn]] = {name: [] for name in SERVERS}
    bare: dict[str, list[dict[str, float]]] = {picture: [] for picture in payloads}
    for number in range(1, rounds + 1):  # in turns, so that a noisy minute falls on all
        for picture, payload in payloads.items():
            bare[picture].append(_bare(payload, seconds[picture]))
        for name, server in SERVERS.items():
            progress(f"round {number} of {rounds}: {server.title}")
            turns[name].append(_turn(server, pythons[name], payloads, seconds))
    loads = {
        picture: {"no_server": _medians(bare[picture])}
        | {
            f"{name}_{connections}": _medians([turn.loads[picture, connections] for turn in turns[name]])
            for connections in CONNECTIONS
            for name in SERVERS
        }
        for picture in payloads
    }
    return {
        "rounds": rounds,
        "seconds": seconds,
        "versions": {
            package: _version_in(pythons[name], package.partition("[")[0])
            for name, server in SERVERS.items()
            for package in server.packages
        },
        **{name: _medians([turn.own for turn in turns[name]]) for name in SERVERS},
        **loads,
    }


def render(figures: Figures) -> str:
    """Return the section's text."""
    return "\n\n".join(
        (
            _introduction(figures),
            _servers_table(figures),
            *(f"### {title}\n\n{_loads_table(figures[picture])}" for picture, title in PICTURES.items()),
            f"![requests per second over connections]({PLOT.name})",
        )
    )


def draw(figures: Figures) -> None:
    """Write the picture of rates and waits over connections."""
    panels = {
        f"{title}: {what}": {
            server.title: [figures[picture][f"{name}_{connections}"][field] for connections in CONNECTIONS]
            for name, server in SERVERS.items()
        }
        for picture, title in PICTURES.items()
        for what, field in (("requests per second", "rate"), ("p99, ms", "p99_ms"))
    }
    draw_lines(PLOT, "connections", list(CONNECTIONS), panels)


def _medians(every: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: median(each[name] for each in every) for name in every[0]}


def _python(server: Server) -> Path:
    """Return the Python of a server: the development's where it needs no packages of its own."""
    if not server.packages:
        return Path(sys.executable)
    same = [f"{name}=={version(name)}" for name in ("numpy", "pillow", "requests")]
    return environment(f"serve-{server.packages[0]}", [*server.packages, *same])


def _turn(server: Server, python: Path, pictures: Mapping[str, object], seconds: Mapping[str, int]) -> Turn:
    payloads = iter(pictures.values())
    start = server_process.running([python, *server.arguments], _environ(), server.path, next(payloads), {"result": 7})
    with start as running, ExitStack() as stack:
        idle_mb, loads = running.memory_mb(), {}
        for picture, payload in pictures.items():
            script = stack.enter_context(load.script(payload))
            for connections in CONNECTIONS:
                before = running.cpu_s()
                result = load.generate(running.url, script, connections, seconds[picture])
                cpu_s = running.cpu_s() - before
                running.settle()
                loads[picture, connections] = result._asdict() | {"cpu_ms": cpu_s / max(1, result.requests) * 1000}
        own = {"start_s": running.start_s, "idle_mb": idle_mb, "loaded_mb": running.memory_mb()}
        return Turn(own | {"processes": len(server_process.processes(running.pid))}, loads)


def _environ() -> dict[str, str]:
    """Return what has every server find the development TensorFlow's library, with one thread for linear algebra."""
    package = importlib.util.find_spec("tensorflow")  # found, and not imported
    if not package or not package.submodule_search_locations:
        raise Unavailable("there is no TensorFlow in the development environment")
    return {
        "MNIST_TENSORFLOW_DIR": package.submodule_search_locations[0],
        "OPENBLAS_NUM_THREADS": "1",
        "BENTOML_DO_NOT_TRACK": "true",
    }


def _bare(payload: object, seconds: float) -> dict[str, float]:
    """Return the figures of what `run()` takes in a loop in this process, without a server."""
    settings = load_settings()
    model = load_model(settings)
    taken_ms: list[float] = []
    started, cpu_s = time.perf_counter(), time.process_time()
    while time.perf_counter() - started < seconds:
        before = time.perf_counter()
        pipeline.run(payload, model.session, settings)
        taken_ms.append((time.perf_counter() - before) * 1000)
    rate = len(taken_ms) / (time.perf_counter() - started)
    cpu_ms = (time.process_time() - cpu_s) / len(taken_ms) * 1000
    model.session.close()
    taken_ms.sort()
    done = Load(rate, median(taken_ms), taken_ms[len(taken_ms) * 99 // 100], 0, 0, len(taken_ms))
    return done._asdict() | {"cpu_ms": cpu_ms}


def _introduction(figures: Figures) -> str:
    versions = ", ".join(f"{package} {version}" for package, version in figures["versions"].items())
    seconds = figures["seconds"]
    return (
        "`python -m mnist_infer serve --processes 2` beside servers that have the same model and the same steps from "
        "payload to digit, each set up as its documentation has it, on two workers too "
        f"(`bench/serving/`): {versions}. wrk loads each over keep-alive connections, on the same cores; medians of "
        f"{figures['rounds']} rounds, {seconds['small']} s for the small picture and {seconds['photo']} s for the "
        "photo, each server started anew in each round. "
        "This server answers 503 with `Retry-After` where a request would wait for over 0.5 s: those are *refused*, "
        "and their clients come again a second later. The rate is of answers of status 200 in a second; p50 and p99 "
        "are of all answers. CPU is that of all processes of the server, per answer. "
        f"**Bold** is ahead of this server: below {LEAD:.0%} of its figure, or above its rate by as much."
    )


def _version_in(python: Path, package: str) -> str:
    """Return the version of a package in a virtual environment."""
    (metadata,) = python.parent.parent.glob(f"lib/python3*/site-packages/{package}-*.dist-info")
    return metadata.name.removesuffix(".dist-info").partition("-")[2]


def _servers_table(figures: Figures) -> str:
    rows = {server.title: figures[name] for name, server in SERVERS.items()}
    columns = ("start_s:.2f", "idle_mb", "loaded_mb", "processes")
    how = (
        "Start: from process creation to the first right answer. Memory: proportional set size of all processes, in "
        "10^6 bytes, after the first answer, idle, and after all of the load."
    )
    ours: Figures = figures[OURS]
    return figures_table("", rows, columns, how, dict.fromkeys(rows, ours))


def _loads_table(figures: Figures) -> str:
    """Return the table of a picture: the bare loop, and below it the servers at each number of connections."""
    columns = ("rate", "p50_ms:.2f", "p99_ms:.2f", "refused", "errors", "cpu_ms:.2f")
    rows, against = {"`run()` in a loop, one thread, no server": figures["no_server"]}, {}
    for name, its in figures.items():
        server, _, connections = name.rpartition("_")
        if server in SERVERS:
            title = f"{SERVERS[server].title}, {connections} connections"
            rows[title], against[title] = its, figures[f"{OURS}_{connections}"]
    return figures_table("", rows, columns, against=against)
