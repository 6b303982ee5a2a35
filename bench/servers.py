"""The function's own server beside LitServe, BentoML and FastAPI, under the same load on the same cores."""

import argparse
import importlib.util
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench import load, server_process
from bench.environments import Unavailable, environment
from bench.load import Load
from bench.pixels import phone_photo
from bench.plot import draw_lines
from bench.process import BenchError
from bench.report import LEAD, cell, progress
from bench.serving import OURS, SERVERS
from mnist_infer import pipeline
from mnist_infer.config import load_settings
from mnist_infer.model import load_model
from testbed.pictures import digit_png, to_base64
from testbed.tables import table

SMALL, PHOTO = "PNG of 28×28", "JPEG of 12 megapixels"

CONNECTIONS = (1, 4, 16, 64)
SECONDS, QUICK_SECONDS = {SMALL: 5, PHOTO: 10}, {SMALL: 1, PHOTO: 4}
ROUNDS = 3
PLOT = Path(__file__).parent / "servers.png"


Measured = tuple[Load, float]
"""A load, and the CPU milliseconds of one of its requests."""


class Turn(NamedTuple):
    """What a server did in one round.

    Attributes:
        start_s: from process creation to the first answer.
        idle_mb, loaded_mb: memory of all its processes, after the first answer and at the end.
        processes: how many they are.
        loads: by picture and connections, with the CPU milliseconds per answer.
    """

    start_s: float
    idle_mb: float
    loaded_mb: float
    processes: int
    loads: dict[tuple[str, int], Measured]


def section(options: argparse.Namespace) -> str:
    """Measure the servers."""
    title = "## Servers"
    if not load.is_installed():
        return f"{title}\n\n{load.NOT_INSTALLED}"
    pictures = {SMALL: encode_payload(digit_png(7)), PHOTO: encode_payload(phone_photo())}
    pythons, missing = _prepare()
    seconds, rounds = (QUICK_SECONDS, 1) if options.quick else (SECONDS, ROUNDS)
    turns: dict[str, list[Turn]] = {name: [] for name in pythons}
    bare: dict[str, list[Measured]] = {picture: [] for picture in pictures}
    for number in range(1, rounds + 1):  # in turns, so that a noisy minute falls on all
        for picture, payload in pictures.items():
            bare[picture].append(_bare(payload, seconds[picture]))
        for name in list(turns):
            progress(f"round {number} of {rounds}: {name}")
            try:
                turns[name].append(_turn(name, pythons[name], pictures, seconds))
            except (Unavailable, BenchError) as error:
                missing[name] = str(error)
                del turns[name]
    if not options.quick:
        _draw(turns)
    return "\n\n".join(
        (
            title,
            _introduction(pythons, missing, seconds, rounds),
            _servers_table(turns),
            *(f"### {picture}\n\n{_loads_table(turns, bare[picture], picture)}" for picture in pictures),
            f"![requests per second over connections]({PLOT.name})",
        )
    )


def encode_payload(content: bytes) -> dict[str, str]:
    """Return the payload with a picture."""
    return {"image_base64": to_base64(content)}


def _prepare() -> tuple[dict[str, Path], dict[str, str]]:
    """Return the Python of each server, and why there is none of others."""
    pythons, missing = {}, {}
    same = [f"{name}=={version(name)}" for name in ("numpy", "pillow", "requests")]
    for name, server in SERVERS.items():
        try:
            pythons[name] = Path(sys.executable)
            if server.packages:
                pythons[name] = environment(f"serve-{server.packages[0]}", [*server.packages, *same])
        except Unavailable as error:
            missing[name] = str(error)
            del pythons[name]
    return pythons, missing


def _turn(name: str, python: Path, pictures: Mapping[str, object], seconds: Mapping[str, int]) -> Turn:
    server = SERVERS[name]
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
                loads[picture, connections] = (result, cpu_s / max(1, result.requests) * 1000)
        family = server_process.processes(running.pid)
        return Turn(running.start_s, idle_mb, running.memory_mb(), len(family), loads)


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


def _bare(payload: object, seconds: float) -> Measured:
    """Return what `run()` takes in a loop in this process, without a server."""
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
    return Load(rate, taken_ms[len(taken_ms) // 2], taken_ms[len(taken_ms) * 99 // 100], 0, 0, len(taken_ms)), cpu_ms


def _introduction(
    pythons: Mapping[str, Path], missing: Mapping[str, str], seconds: Mapping[str, int], rounds: int
) -> str:
    versions = [
        f"{package} {environment_version(pythons[name], package.partition('[')[0])}"
        for name, server in SERVERS.items()
        if name in pythons
        for package in server.packages
    ]
    sentences = [
        "`python -m mnist_infer serve --processes 2` beside servers that have the same model and the same steps from "
        "payload to digit, each set up as its documentation has it, on two workers too "
        f"(`bench/serving/`): {', '.join(versions)}. wrk loads each over keep-alive connections, on the same "
        f"{os.cpu_count()} cores; medians of {rounds} rounds, {seconds[SMALL]} s for the small picture and "
        f"{seconds[PHOTO]} s for the photo, each server started anew in each round. "
        "This server answers 503 with `Retry-After` where a request would wait for over 0.5 s: those are *refused*, "
        "and their clients come again a second later. A rate counts answers of status 200 alone; p50 and p99 are of "
        "all answers. CPU is that of all processes of the server, per answer.",
        *(f"Not measured: {name}: {reason.rstrip('.')}." for name, reason in missing.items()),
        f"**Bold** is ahead of this server: below {LEAD:.0%} of its figure, or above its rate by as much.",
    ]
    return " ".join(sentences)


def environment_version(python: Path, package: str) -> str:
    """Return the version of a package in a virtual environment."""
    (metadata,) = python.parent.parent.glob(f"lib/python3*/site-packages/{package}-*.dist-info")
    return metadata.name.removesuffix(".dist-info").partition("-")[2]


def _servers_table(turns: Mapping[str, Sequence[Turn]]) -> str:
    fields = {"start_s": 2, "idle_mb": 0, "loaded_mb": 0, "processes": 0}

    def middle(name: str, field: str) -> float:
        return float(median(getattr(turn, field) for turn in turns[name]))

    def ours(field: str) -> float:
        return middle(OURS, field) if OURS in turns and field != "processes" else 0.0

    rows = [
        (name, *(cell(middle(name, field), ours(field), digits) for field, digits in fields.items())) for name in turns
    ]
    how = (
        "Start: from process creation to the first right answer. Memory: proportional set size of all processes, in "
        "10^6 bytes, after the first answer and after all of the load."
    )
    return table(("", "start s", "MB after the start", "MB after the load", "processes"), rows, how)


def _loads_table(turns: Mapping[str, Sequence[Turn]], bare: Sequence[Measured], picture: str) -> str:
    columns = ("", "requests/s", "p50 ms", "p99 ms", "refused", "errors", "CPU ms per request")
    alone = _cells(_middle_of(bare), _middle_of(bare))
    rows: list[tuple[str, ...]] = [("`run()` in a loop, one thread, no server", *alone)]
    for connections in CONNECTIONS:
        every = {name: _figures(each, (picture, connections)) for name, each in turns.items()}
        rows += [
            (f"{name}, {connections} connections", *_cells(own, every.get(OURS, own))) for name, own in every.items()
        ]
    return table(columns, rows)


def _figures(turns: Sequence[Turn], key: tuple[str, int]) -> Measured:
    return _middle_of([turn.loads[key] for turn in turns])


def _middle_of(every: Sequence[Measured]) -> Measured:
    loads, cpu_ms = zip(*every, strict=True)
    return Load(*(median(values) for values in zip(*loads, strict=True))), float(median(cpu_ms))


def _cells(own: Measured, ours: Measured) -> tuple[str, ...]:
    (its, its_cpu_ms), (our, our_cpu_ms) = own, ours
    rate = f"{its.rate:.0f}"
    return (
        f"**{rate}**" if its.rate * LEAD > our.rate else rate,
        cell(its.p50_ms, our.p50_ms, 2),
        cell(its.p99_ms, our.p99_ms, 2),
        f"{its.refused:.0f}",
        f"{its.errors:.0f}",
        cell(its_cpu_ms, our_cpu_ms, 2),
    )


def _draw(turns: Mapping[str, Sequence[Turn]]) -> None:
    panels = {
        f"{picture}: {what}": {
            name: [getattr(_figures(each, (picture, connections))[0], field) for connections in CONNECTIONS]
            for name, each in turns.items()
        }
        for picture in (SMALL, PHOTO)
        for what, field in (("requests per second", "rate"), ("p99, ms", "p99_ms"))
    }
    draw_lines(PLOT, "connections", list(CONNECTIONS), panels)
