"""What the files cost that were made to cost as much as they can, and what walking an honest file costs."""

import argparse
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from bench.guards import cpu_us, phone_jpeg
from bench.report import Figures, figures_table, progress, targets_table
from mnist_infer.image_file import extract_picture
from testbed.costly.budget import MAX_ADDED_BYTES, MAX_CPU_S, Cost, running_decoders
from testbed.costly.files import COSTLY_FILES
from testbed.pictures import EXAMPLES, digit_png
from testbed.tables import MB

ROUNDS = 15


def measure(options: argparse.Namespace) -> dict[str, Any]:  # noqa: ARG001
    """Measure the costly files, each in a process of its own, and the walk."""
    costs = _costs()
    formats = sorted({name.partition("/")[0] for name in costs})
    return {
        "formats": {
            name: _of_format({file: cost for file, cost in costs.items() if file.startswith(f"{name}/")})
            for name in formats
        },
        "rounds": ROUNDS,
        "walk": _walks(),
    }


def render(figures: Figures) -> str:
    """Return the section's text."""
    formats, walks = figures["formats"], figures["walk"]
    columns = ("files", "read", "refused", "most_memory", "added_mb", "most_cpu", "cpu_s:.2f")
    how = (
        "Memory is what reading, decoding and normalising add to a warm process, CPU that of all its threads. The "
        "files are those of `testbed/costly/`, at most 10 MiB each; what is refused costs the walk up to there."
    )
    most_mb, most_s = (max(each[name] for each in formats.values()) for name in ("added_mb", "cpu_s"))
    targets = [
        ("memory that any of the files adds", most_mb, MAX_ADDED_BYTES / MB, " MB"),
        ("CPU that any of the files takes", most_s, MAX_CPU_S, " s"),
    ]
    walk_how = f"Microseconds of CPU, medians of {figures['rounds']} rounds."
    return "\n\n".join(
        (
            figures_table("format", formats, columns, how),
            targets_table(targets),
            "### The walk over an honest file",
            figures_table(
                "", {each["file"]: each for each in walks.values()}, ("bytes", "kept_bytes", "cpu_us"), walk_how
            ),
        )
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


def _of_format(costs: dict[str, Cost]) -> dict[str, Any]:
    most_memory = max(costs, key=lambda file: costs[file].added_bytes)
    most_cpu = max(costs, key=lambda file: costs[file].cpu_s)
    read = sum(cost.outcome in ("read", "no_digit_found") for cost in costs.values())
    return {
        "files": len(costs),
        "read": read,
        "refused": len(costs) - read,
        "most_memory": most_memory.partition("/")[2],
        "added_mb": costs[most_memory].added_bytes / MB,
        "most_cpu": most_cpu.partition("/")[2],
        "cpu_s": costs[most_cpu].cpu_s,
    }


def _walks() -> dict[str, Any]:
    files = {"28×28 PNG": digit_png(3), "12-megapixel JPEG": phone_jpeg()}
    files |= {path.name: path.read_bytes() for path in sorted((EXAMPLES / "digits").iterdir())}
    return {name.replace(".", "_").replace(" ", "_"): {"file": name, **_walk(each)} for name, each in files.items()}


def _walk(content: bytes) -> dict[str, float]:
    costs = [cpu_us(lambda: extract_picture(content), 20) for _ in range(ROUNDS)]
    return {"bytes": len(content), "kept_bytes": len(extract_picture(content).content), "cpu_us": median(costs)}
