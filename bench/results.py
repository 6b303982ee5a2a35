"""results.json: what the suites measured, each figure by a key. Only they write it; RESULTS.md is rendered from it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

RESULTS = Path(__file__).with_name("results.json")

Results = Mapping[str, Any]
"""By suite: its `circumstances`, and its `figures` as a tree of names with numbers, and some texts, at the ends."""

UNITS = {"s": "s", "ms": "ms", "us": "µs", "mb": "MB", "mib": "MiB", "kib": "KiB", "percent": "%", "times": "times"}
"""By the end of a key; MB are 10^6 bytes, MiB 2^20. What ends otherwise is a count or a share."""

_DIGITS = 6


class MissingFigure(Exception):
    """Nothing was measured under the key that is asked for."""


class Figure(NamedTuple):
    """A number that was measured.

    Attributes:
        value: in its unit.
        unit: of UNITS; empty for counts and shares.
        suite: that measured it, the first part of its key.
    """

    value: float
    unit: str
    suite: str


def load(path: Path = RESULTS) -> Results:
    """Return what was measured; nothing where there is no file."""
    parts: Results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return parts


def figure(results: Results, key: str) -> Figure:
    """Return a figure by its key, such as `sandbox.dropped.cpu_s`: suite, then names down the tree.

    Raises:
        MissingFigure: there is none.
    """
    suite, *names = key.split(".")
    node = results.get(suite, {}).get("figures")
    for name in names:
        if isinstance(node, list):  # of things with names, as the model card has them
            node = {each["name"]: each for each in node}
        node = node.get(name) if isinstance(node, Mapping) else None
    if isinstance(node, bool) or not isinstance(node, int | float):
        raise MissingFigure(f"no figure has the key {key}")
    return Figure(node, UNITS.get(names[-1].rpartition("_")[2], ""), suite)


def replace(suite: str, part: Mapping[str, Any], suites: Sequence[str], path: Path = RESULTS) -> None:
    """Put what a suite measured in the place of what it measured before, and leave the others as they are.

    Args:
        suite: its name.
        part: its circumstances and figures; numbers are kept to six digits.
        suites: all that there are, in the order of the file; what others have left there is dropped.
        path: of the file.
    """
    parts = {**load(path), suite: _rounded(part)}
    kept = {name: parts[name] for name in suites if name in parts}
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _rounded(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {name: _rounded(value) for name, value in node.items()}
    return float(f"{node:.{_DIGITS}g}") if isinstance(node, float) else node
