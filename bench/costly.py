"""What the files cost that were made to cost as much as they can, and what walking an honest file costs."""

import argparse
import tempfile
from pathlib import Path
from statistics import median

from bench.guards import cpu_us, phone_jpeg
from bench.report import Target, progress, targets_table
from mnist_infer.image_file import extract_picture
from testbed.costly.budget import MAX_ADDED_BYTES, MAX_CPU_S, Cost, running_decoders
from testbed.costly.files import COSTLY_FILES
from testbed.pictures import EXAMPLES, digit_png
from testbed.tables import table

MB = 10**6
ROUNDS = 15


def section(options: argparse.Namespace) -> str:  # noqa: ARG001
    """Measure the costly files, each in a process of its own, and the walk."""
    costs = _costs()
    formats = sorted({name.partition("/")[0] for name in costs})
    rows = [_row(name, {file: cost for file, cost in costs.items() if file.startswith(f"{name}/")}) for name in formats]
    how = (
        "Memory is what reading, decoding and normalising add to a warm process, CPU that of all its threads. The "
        "files are those of `testbed/costly/`, at most 10 MiB each; what is refused costs the walk up to there."
    )
    header = ("format", "files", "read", "refused", "most memory", "MB", "most CPU", "s")
    targets = [
        Target("memory that any of the files adds", max(cost.added_bytes for cost in costs.values()) / MB, 128, " MB"),
        Target("CPU that any of the files takes", max(cost.cpu_s for cost in costs.values()), MAX_CPU_S, " s"),
    ]
    return (
        f"## Costly files\n\n{table(header, rows, how)}\n\n{targets_table(targets)}\n\n"
        f"### The walk over an honest file\n\n{_walks()}"
    )


def _costs() -> dict[str, Cost]:
    costs = {}
    with running_decoders() as decoders, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "image"
        for name, make in COSTLY_FILES.items():
            file.write_bytes(make())
            costs[name] = decoders.cost(file)
            if costs[name].added_bytes > MAX_ADDED_BYTES or costs[name].cpu_s > MAX_CPU_S:
                progress(f"{name}: {costs[name]}")
    return costs


def _row(name: str, costs: dict[str, Cost]) -> tuple[str, ...]:
    most_memory = max(costs, key=lambda file: costs[file].added_bytes)
    most_cpu = max(costs, key=lambda file: costs[file].cpu_s)
    read = sum(cost.outcome in ("read", "no_digit_found") for cost in costs.values())
    return (
        *(name, str(len(costs)), str(read), str(len(costs) - read)),
        *(most_memory.partition("/")[2], f"{costs[most_memory].added_bytes / MB:.0f}"),
        *(most_cpu.partition("/")[2], f"{costs[most_cpu].cpu_s:.2f}"),
    )


def _walks() -> str:
    files = {"28×28 PNG": digit_png(3), "12-megapixel JPEG": phone_jpeg()}
    files |= {path.name: path.read_bytes() for path in sorted((EXAMPLES / "digits").iterdir())}
    rows = []
    for name, content in files.items():
        costs = [cpu_us(lambda content=content: extract_picture(content), 20) for _ in range(ROUNDS)]  # type: ignore[misc]
        kept = len(extract_picture(content).content)
        rows.append((name, f"{len(content)}", f"{kept}", f"{median(costs):.0f}"))
    how = f"Microseconds of CPU, medians of {ROUNDS} rounds."
    return table(("", "bytes", "handed on", "µs"), rows, how)
