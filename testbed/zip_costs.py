"""What the unpacked zip costs to start and to answer, in the sandbox."""

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from testbed.page_cache import drop_files
from testbed.pictures import EXAMPLES, to_base64
from testbed.sandbox import Sandbox, SandboxError

INSIDE = Path(__file__).parent
WARM_REPEATS = 300
EVENTS = {
    "apigw_interface apigw_event": {"result": 0},
    "demo demo_base64": 7,
    "demo demo_url": -1,  # there is no network
    "apigw_interface function_url_event": {"result": 9},
}


class Costs(NamedTuple):
    """What a fresh process took up to its first answer, and then.

    Attributes:
        wall_s: from process creation to the answer, by the wall clock.
        cpu_s: user and system seconds of all its threads, the interpreter's start included.
        read_mb: 10^6 bytes from disk.
        peak_mib: resident, 2^20 bytes as memory is sold, with what was asked besides. Four fifths
            are pages of the library's file, how many of them depends on how the page cache holds it.
        warm_p50_ms: of a whole request in the same process, by the wall clock.
    """

    wall_s: float
    cpu_s: float
    read_mb: float
    peak_mib: float
    warm_p50_ms: float


class Stage(NamedTuple):
    """A part of the cold start."""

    stage: str
    cpu_ms: float
    wall_ms: float


def examples(sandbox: Sandbox, events: Path, dropped: Sequence[Path]) -> tuple[list[str], Costs]:
    """Ask for every example event and picture in one process; returns what was answered wrongly, and the costs.

    Args:
        sandbox: where.
        events: a folder to write the pictures' events to.
        dropped: folders whose files leave the page cache before.
    """
    expected = dict(EVENTS)
    for picture in sorted((EXAMPLES / "digits").iterdir()):
        (events / f"{picture.name}.json").write_text(json.dumps({"image_base64": to_base64(picture.read_bytes())}))
        expected[f"demo {picture.name}"] = int(picture.name[0])
    for event in EXAMPLES.glob("*.json"):
        (events / event.name).write_text(event.read_text())
    drop_from_page_cache(dropped)
    answers, costs = _invoke(sandbox, list(expected), events, 0)
    wrong = []
    for (call, right), answer in zip(expected.items(), answers, strict=True):
        if not (answer == right or (isinstance(answer, dict) and right == {"result": answer.get("result")})):
            wrong.append(f"{call}: {answer}, and should be {right}")
    return wrong, costs


def cold_starts(sandbox: Sandbox, runs: int, events: Path, dropped: Sequence[Path] = ()) -> Costs:
    """Return the medians of as many cold starts.

    Args:
        sandbox: where.
        runs: how many.
        events: folder of the example events.
        dropped: folders whose files leave the page cache before each; none for a warm one.
    """
    if not dropped:
        _invoke(sandbox, ["demo demo_base64"], events, 0)
    every = []
    for _ in range(runs):
        drop_from_page_cache(dropped)
        every.append(_invoke(sandbox, ["demo demo_base64"], events, WARM_REPEATS)[1])
    return Costs(*map(median, zip(*every, strict=True)))


def breakdown(sandbox: Sandbox, runs: int, events: Path, dropped: Sequence[Path] = ()) -> list[Stage]:
    """Return the stages of a cold start, each the median of as many runs."""
    every: list[list[dict[str, Any]]] = []
    for _ in range(runs):
        drop_from_page_cache(dropped)
        environ = {"STARTED_AT": str(time.monotonic()), "EVENT": "/events/demo_base64.json"}
        every.append(_last_line(sandbox, ["/inside/stages.py"], events, environ))
    return [
        Stage(rows[0]["stage"], median(row["cpu_ms"] for row in rows), median(row["wall_ms"] for row in rows))
        for rows in zip(*every, strict=True)
    ]


def drop_from_page_cache(folders: Sequence[Path]) -> None:
    """Have the next process read these folders' files from disk, as the first one of a new instance does."""
    if folders:
        os.sync()  # only clean pages can be dropped
    for folder in folders:
        drop_files(folder)


def _invoke(sandbox: Sandbox, calls: Sequence[str], events: Path, repeats: int) -> tuple[list[Any], Costs]:
    words = [word for call in calls for word in (call.split()[0], f"/events/{call.split()[1]}.json")]
    started = time.monotonic()
    said = _last_line(sandbox, ["/inside/invocation.py", str(repeats), *words], events)
    if said["stderr"]:
        raise SandboxError(f"the function wrote to stderr: {said['stderr']}")
    costs = Costs(
        said["answered_at"] - started, said["cpu_s"], said["read_mb"], said["peak_mib"], said.get("warm_p50_ms", 0.0)
    )
    return said["answers"], costs


def _last_line(sandbox: Sandbox, arguments: Sequence[str], events: Path, environ: dict[str, str] | None = None) -> Any:
    child = sandbox.run(arguments, {INSIDE: "/inside", events: "/events"}, environ)
    if child.returncode:
        raise SandboxError(f"the function failed in the sandbox:\n{child.stdout}{child.stderr}")
    said = json.loads(child.stdout.splitlines()[-1])
    return said | {"stderr": child.stderr} if isinstance(said, dict) else said
