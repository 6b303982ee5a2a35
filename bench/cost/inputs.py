"""What was measured: read from RESULTS.md, or named on the command line."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

from bench.results import RESULTS, figure, read_sections


class Measured(NamedTuple):
    """A figure, and where it is from.

    Attributes:
        value: in the unit of its name.
        source: in words.
    """

    value: float
    source: str


@dataclass(frozen=True)
class Inputs:
    """What the computation begins with.

    Attributes:
        small_ms, photo_ms: CPU of a request with a picture of 28×28, and of a photo of 12 megapixels, on one core.
        start_cpu_s: CPU of a cold start with nothing in the page cache.
        start_disk_s: its wall time beyond that, waiting for the disk.
        peak_mib: memory that the function needs for a small picture.
        server_photo_ms: CPU of the photo's request on a machine of one's own, the HTTP server included.
    """

    small_ms: Measured
    photo_ms: Measured
    start_cpu_s: Measured
    start_disk_s: Measured
    peak_mib: Measured
    server_photo_ms: Measured

    @property
    def all(self) -> tuple[Measured, ...]:
        """Every figure."""
        return tuple(getattr(self, field.name) for field in fields(self))


_SERVERS, _PHOTO, _CPU = "Servers", "JPEG of 12 megapixels", "CPU ms per request"
_ZIP, _DROPPED = "The zip in the sandbox", "page cache dropped"

_Read = Callable[[Mapping[str, str]], float]
FIGURES: dict[str, tuple[_Read, str]] = {
    "small_ms": (
        # The seconds of a thousand requests are the milliseconds of one.
        lambda sections: figure(sections, "Peers as functions", "this function", "CPU s, last 1 000"),
        "CPU ms of a request with a small picture (Peers as functions)",
    ),
    "photo_ms": (
        lambda sections: figure(sections, _SERVERS, "`run()` in a loop, one thread, no server", _CPU, _PHOTO),
        "CPU ms of a request with a phone's photo (Servers, without a server)",
    ),
    "start_cpu_s": (
        lambda sections: figure(sections, _ZIP, _DROPPED, "CPU s"),
        "CPU s of a cold start (The zip in the sandbox, page cache dropped)",
    ),
    "start_disk_s": (
        lambda sections: max(
            0.0, figure(sections, _ZIP, _DROPPED, "wall s") - figure(sections, _ZIP, _DROPPED, "CPU s")
        ),
        "s of a cold start beyond its CPU, waiting for the disk (The zip in the sandbox)",
    ),
    "peak_mib": (
        lambda sections: figure(sections, _ZIP, _DROPPED, "peak MiB"),
        "MiB of memory that the function needs for a small picture (The zip in the sandbox)",
    ),
    "server_photo_ms": (
        lambda sections: figure(sections, _SERVERS, "this server, 16 connections", _CPU, _PHOTO),
        "CPU ms of a photo's request on a machine, HTTP included (Servers, 16 connections)",
    ),
}
"""How each figure is read, and what it is."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add an option for each figure."""
    for name, (_, what) in FIGURES.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, help=f"{what}; default: from RESULTS.md")


def read_inputs(options: argparse.Namespace, path: Path = RESULTS) -> Inputs:
    """Return the figures.

    Raises:
        MissingFigure: one is neither named nor measured.
    """
    sections, measured = read_sections(path), {}
    for name, (read, what) in FIGURES.items():
        named = getattr(options, name)
        measured[name] = (
            Measured(named, f"{what}: named on the command line")
            if named is not None
            else Measured(read(sections), what)
        )
    return Inputs(**measured)
