"""The built zip's cold start in a sandbox like the platform's, and where it goes."""

import argparse
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")  # a file, and no window

from matplotlib import pyplot as plt

import build_zip
from bench.report import Target, progress, targets_table
from mnist_infer.config import ROOT
from testbed.page_cache import USUAL_READAHEAD_KIB, readahead, readahead_kib
from testbed.sandbox import Sandbox, SandboxError
from testbed.tables import table
from testbed.unpack import find_interpreter, unpack, without_bytecode
from testbed.zip_costs import Costs, Stage, breakdown, cold_starts, examples

ARCHIVE = ROOT / "dist" / "mnist_infer.zip"
PLOT = Path(__file__).parent / "cold_start.png"
RUNS, QUICK_RUNS = 9, 2
MAX_CPU_S = 0.5
MAX_PEAK_MIB = 256.0

# The platform gives CPU by memory: about one core at 1280 MB.
CORES = {"512 MB": 512 / 1280, "1 GB": 1024 / 1280}


def section(options: argparse.Namespace) -> str:
    """Measure the zip in `dist/`, where there is one and a sandbox can be made."""
    title = "## The zip in the sandbox"
    try:
        interpreter = find_interpreter("3.10", options.interpreter)
        with tempfile.TemporaryDirectory(prefix="mnist-infer-") as folder:
            return f"{title}\n\n{_measure(interpreter, Path(folder), quick=options.quick)}"
    except (SandboxError, build_zip.BuildError, OSError, zipfile.BadZipFile) as error:
        progress(str(error))
        return f"{title}\n\nNot measured: it needs `make zip`, bubblewrap, and the function's Python."


def _measure(interpreter: Path, folder: Path, *, quick: bool) -> str:
    runs = QUICK_RUNS if quick else RUNS
    folder.chmod(0o755)
    code, events = unpack(ARCHIVE, folder / "user"), folder / "events"
    events.mkdir()
    sandbox, disk = Sandbox(code, interpreter), [code, interpreter.parent.parent]
    ahead_kib = readahead_kib(folder)
    all_examples = examples(sandbox, events, disk)[1]
    progress("cold starts of the zip")
    costs = {
        "page cache warm": cold_starts(sandbox, runs, events),
        "page cache dropped": cold_starts(sandbox, runs, events, disk),
    }
    with readahead(folder, USUAL_READAHEAD_KIB) as is_set:
        if is_set and ahead_kib != USUAL_READAHEAD_KIB:
            title = f"page cache dropped, readahead of {USUAL_READAHEAD_KIB} KiB, Linux's default"
            costs[title] = cold_starts(sandbox, runs, events, disk)
    stages = {"warm": breakdown(sandbox, runs, events), "dropped": breakdown(sandbox, runs, events, disk)}
    build_zip.unpack(build_zip.fetch_wheels("3.10"), folder / "sources")
    uncompiled = Sandbox(without_bytecode(code, folder / "sources", folder / "uncompiled"), interpreter)
    costs["page cache warm, without `.pyc` files"] = cold_starts(uncompiled, runs, events)
    if not quick:
        _draw(stages)
    return "\n\n".join(
        (
            f"`dist/{ARCHIVE.name}`, unpacked: read-only code, no network, an unprivileged user, "
            f"memory capped at 512 MB{'' if not sandbox.not_isolated else ' where possible'}, Python 3.10.",
            _costs_table(costs, runs, ahead_kib),
            f"All example events and pictures in one process: peak {all_examples.peak_mib:.0f} MiB.",
            "### Where a cold start goes",
            f"![where a cold start goes]({PLOT.name})",
            _stages_table(stages),
            targets_table(
                [
                    *(
                        Target(f"CPU to the first answer, {what}", each.cpu_s, MAX_CPU_S, " s")
                        for what, each in list(costs.items())[:2]
                    ),
                    Target("peak memory on the examples", all_examples.peak_mib, MAX_PEAK_MIB, " MiB"),
                ]
            ),
        )
    )


def _costs_table(costs: Mapping[str, Costs], runs: int, ahead_kib: int) -> str:
    columns = ("", "wall s", "CPU s", "MB read", "peak MiB", "warm p50 ms")
    rows = [
        (
            what,
            f"{each.wall_s:.2f}",
            f"{each.cpu_s:.3f}",
            f"{each.read_mb:.0f}",
            f"{each.peak_mib:.0f}",
            f"{each.warm_p50_ms:.2f}",
        )
        for what, each in costs.items()
    ]
    how = (
        f"Medians of {runs} fresh processes, from process creation to the first answer, a transparent PNG of 200×200; "
        "CPU of all threads, the interpreter's start included; then 300 warm requests with the same picture."
    )
    if ahead_kib:
        how += f" This disk's readahead is {ahead_kib} KiB: so much is read around each page that is asked for."
    return table(columns, rows, how)


def _stages_table(stages: Mapping[str, Sequence[Stage]]) -> str:
    columns = ("page cache warm", "CPU ms", "wall ms", *(f"ms at {size}" for size in CORES), "dropped, wall ms")
    rows = [
        (
            warm.stage,
            f"{warm.cpu_ms:.0f}",
            f"{warm.wall_ms:.0f}",
            *(f"{warm.cpu_ms / cores:.0f}" for cores in CORES.values()),
            f"{dropped.wall_ms:.0f}",
        )
        for warm, dropped in zip(stages["warm"], stages["dropped"], strict=True)
    ]
    totals = [sum(float(row[i]) for row in rows) for i in range(1, len(columns))]
    rows.append(("all", *(f"{total:.0f}" for total in totals)))
    how = (
        "Stage by stage in one process, medians. The columns with a memory size are CPU milliseconds over the share of "
        "a core that the platform gives for that memory, about one core at 1280 MB: computed, not measured there."
    )
    return table(columns, rows, how)


def _draw(stages: Mapping[str, Sequence[Stage]]) -> None:
    figure, axes = plt.subplots(figsize=(9, 2.9), dpi=120, layout="constrained")
    colours = mpl.color_sequences["tab10"]
    bars = {
        "CPU, page cache warm": [stage.cpu_ms for stage in stages["warm"]],
        "wall, page cache warm": [stage.wall_ms for stage in stages["warm"]],
        "wall, page cache dropped": [stage.wall_ms for stage in stages["dropped"]],
    }
    left = [0.0] * len(bars)
    for i, stage in enumerate(stages["warm"]):
        widths = [values[i] for values in bars.values()]
        axes.barh(list(bars), widths, left=left, color=colours[i], label=stage.stage, height=0.6)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel("milliseconds to the first answer")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(ncols=4, frameon=False, loc="outside upper left", fontsize=9)
    figure.savefig(PLOT)
    plt.close(figure)
