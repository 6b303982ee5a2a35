"""The built zip's cold start in a sandbox like the platform's, where it goes, and what the zip's parts take."""

import argparse
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import build_zip
from bench.circumstances import ARCHIVE, PYTHON
from bench.plot import draw_stages
from bench.report import Figures, Target, figures_table, in_words, progress, targets_table
from testbed.page_cache import USUAL_READAHEAD_KIB, readahead, readahead_kib
from testbed.sandbox import Sandbox
from testbed.unpack import find_interpreter, unpack, without_bytecode
from testbed.zip_costs import breakdown, cold_starts, examples

PLOT = Path(__file__).parent / "cold_start.png"
RUNS, QUICK_RUNS = 9, 2
MAX_CPU_S = 0.5
MAX_PEAK_MIB = 256.0

# The platform gives CPU by memory: about one core at 1280 MB.
CORES = {"ms_at_512_mb": 512 / 1280, "ms_at_1024_mb": 1024 / 1280}

STARTS = {
    "warm": "page cache warm",
    "dropped": "page cache dropped",
    "dropped_usual_readahead": f"page cache dropped, readahead of {USUAL_READAHEAD_KIB} KiB, Linux's default",
    "uncompiled": "page cache warm, without `.pyc` files",
}


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure the zip in `dist/`.

    Raises:
        BuildError: there is no Python for it.
        SandboxError: no sandbox can be made, or the function fails in it.
    """
    interpreter = find_interpreter(PYTHON, options.interpreter)
    with tempfile.TemporaryDirectory(prefix="mnist-infer-") as folder:
        return _measure(interpreter, Path(folder), QUICK_RUNS if options.quick else RUNS)


def _measure(interpreter: Path, folder: Path, runs: int) -> dict[str, Any]:
    folder.chmod(0o755)
    code, events = unpack(ARCHIVE, folder / "user"), folder / "events"
    events.mkdir()
    sandbox, disk = Sandbox(code, interpreter), [code, interpreter.parent.parent]
    ahead_kib = readahead_kib(folder)
    figures: dict[str, Any] = {"runs": runs, "is_capped": not sandbox.not_isolated, "readahead_kib": ahead_kib}
    figures["examples"] = {"peak_mib": examples(sandbox, events, disk)[1].peak_mib}
    progress("cold starts of the zip")
    starts = {"warm": cold_starts(sandbox, runs, events), "dropped": cold_starts(sandbox, runs, events, disk)}
    with readahead(folder, USUAL_READAHEAD_KIB) as is_set:
        if is_set and ahead_kib != USUAL_READAHEAD_KIB:
            starts["dropped_usual_readahead"] = cold_starts(sandbox, runs, events, disk)
    figures["stages"] = {
        warm.stage.replace(" ", "_"): {**warm._asdict(), "dropped_wall_ms": dropped.wall_ms}
        for warm, dropped in zip(breakdown(sandbox, runs, events), breakdown(sandbox, runs, events, disk), strict=True)
    }
    build_zip.unpack(build_zip.fetch_wheels(PYTHON), folder / "sources")
    uncompiled = Sandbox(without_bytecode(code, folder / "sources", folder / "uncompiled"), interpreter)
    starts["uncompiled"] = cold_starts(uncompiled, runs, events)
    parts = {part.lower().replace(" ", "_"): size._asdict() for part, size in build_zip.measure_parts(ARCHIVE).items()}
    return figures | {name: costs._asdict() for name, costs in starts.items()} | {"zip": parts}


def render(figures: Figures) -> str:
    """Return the section's text."""
    parts = {in_words(name): size for name, size in figures["zip"].items()}
    how = "10^6 bytes, each file compressed by itself; *all* has what the zip adds around them."
    return "\n\n".join(
        (
            f"`dist/{ARCHIVE.name}`, unpacked: read-only code, no network, an unprivileged user, "
            f"memory capped at 512 MB{'' if figures['is_capped'] else ' where possible'}.",
            _costs_table(figures),
            f"All example events and pictures in one process: peak {figures['examples']['peak_mib']:.0f} MiB.",
            "### Where a cold start goes",
            f"![where a cold start goes]({PLOT.name})",
            _stages_table(figures["stages"].values()),
            targets_table(_targets(figures)),
            "### What the zip's parts take",
            figures_table("", parts, ("files", "unzipped_mb:.1f", "zipped_mb:.1f"), how),
        )
    )


def draw(figures: Figures) -> None:
    """Write the picture of the stages."""
    bars = {"cpu_ms": "CPU, page cache warm", "wall_ms": "wall, page cache warm"}
    draw_stages(PLOT, figures["stages"].values(), bars | {"dropped_wall_ms": "wall, page cache dropped"})


def _targets(figures: Figures) -> list[Target]:
    what = "CPU to the first answer, page cache"
    starts = [(f"{what} {name}", figures[name]["cpu_s"], MAX_CPU_S, " s") for name in ("warm", "dropped")]
    return [*starts, ("peak memory on the examples", figures["examples"]["peak_mib"], MAX_PEAK_MIB, " MiB")]


def _costs_table(figures: Figures) -> str:
    columns = ("wall_s:.2f", "cpu_s:.3f", "read_mb", "peak_mib", "warm_p50_ms:.2f")
    how = (
        f"Medians of {figures['runs']} fresh processes, from process creation to the first answer, a transparent PNG "
        "of 200×200; CPU of all threads, the interpreter's start included; then 300 warm requests with the same "
        "picture."
    )
    if figures["readahead_kib"]:
        how += f" This disk reads {figures['readahead_kib']} KiB around each page that is asked for."
    return figures_table("", {title: figures[name] for name, title in STARTS.items() if name in figures}, columns, how)


def _stages_table(stages: Iterable[Figures]) -> str:
    columns = ("cpu_ms", "wall_ms", *CORES, "dropped_wall_ms")
    rows = {
        stage["stage"]: {**stage, **{name: stage["cpu_ms"] / cores for name, cores in CORES.items()}}
        for stage in stages
    }
    rows["all"] = {name: sum(stage[name] for stage in rows.values()) for name in columns}
    how = (
        "Stage by stage in one process, medians. The columns with a memory size are CPU milliseconds over the share of "
        "a core that the platform gives for that memory, about one core at 1280 MB: computed, not measured there."
    )
    return figures_table("page cache warm", rows, columns, how)
