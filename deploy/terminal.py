"""What the user sees, and is asked."""

import sys
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import NamedTuple

from deploy.errors import DeployError


class Step(NamedTuple):
    """One line of the plan, and what does it."""

    what: str
    now: str
    after: str
    apply: Callable[[], None]


def shown_variable(name: str, value: str) -> str:
    """Return the value of a function's variable as it is printed: those that are not ours may be secret."""
    return value if name.startswith("MNIST_") else "..."


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their heads, the columns as wide as they need to be."""
    widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads))]
    for row in (heads, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def carry_out(steps: Sequence[Step], is_agreed: bool, is_dry_run: bool) -> None:
    """Show the plan, ask, and do it.

    Args:
        steps: the plan.
        is_agreed: the user need not be asked.
        is_dry_run: what is done is printing requests; the user need not be asked for that.

    Raises:
        DeployError: the user does not agree, or cannot be asked.
    """
    print_table(("what", "now", "after"), [step[:3] for step in steps])
    if not is_agreed and not is_dry_run:
        _ask()
    for step in steps:
        started = time.monotonic()
        step.apply()
        if not is_dry_run:
            print(f"done: {step.what}, {time.monotonic() - started:.1f} s", flush=True)


def _ask() -> None:
    if not sys.stdin.isatty():
        raise DeployError("Nothing was changed: say --yes where nobody can be asked.")
    if input("Do this? [y/N] ").strip().lower() not in ("y", "yes"):
        raise DeployError("Nothing was changed.")


class Progress:
    """A bar for an upload, in a terminal; elsewhere its last state only.

    Used as a `with` block around the upload.
    """

    def __init__(self, total: int, part: int) -> None:
        self._total, self._parts, self._started = total, -(-total // part), time.monotonic()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        print("" if error else f"\r{self._bar(self._total)}")

    def show(self, done: int, _total: int) -> None:
        """Draw how much is done, in bytes, and the speed up to now."""
        if sys.stdout.isatty():
            print(f"\r{self._bar(done)}", end="", flush=True)

    def _bar(self, done: int) -> str:
        bar = "#" * (30 * done // max(self._total, 1))
        speed = done / 1e6 / max(time.monotonic() - self._started, 1e-3)
        return f"[{bar:30}] {done / 1e6:.1f} of {self._total / 1e6:.1f} MB in {self._parts} parts, {speed:.1f} MB/s"
