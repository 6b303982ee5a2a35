"""What the unpacked zip costs to start and to answer, in the sandbox."""

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from mnist_infer.config import ROOT
from testbed.page_cache import drop_files
from testbed.pictures import EXAMPLES, to_base64
from testbed.sandbox import Sandbox, SandboxError

INSIDE = Path(__file__).with_name("inside")
WARM_REPEATS = 300
_COLD_START = "http_interface 7-transparent.png"


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


class Call(NamedTuple):
    """A call of an entry point with an event, and what must come of it.

    Attributes:
        entry: name of the entry point.
        event: name of the event's file, without its ending.
        outcome: the digit, -1 for none, or the page.
    """

    entry: str
    event: str
    outcome: int | str


def write_events(folder: Path) -> list[Call]:
    """Write the example events, an HTTP event of each example picture and a browser's request for the page.

    Returns:
        the calls to make with them, by every entry point that takes them; without a network a URL has no digit.
    """
    events: dict[str, object] = {path.stem: json.loads(path.read_text()) for path in EXAMPLES.glob("*.json")}
    page = (ROOT / "mnist_infer" / "page.html").read_text(encoding="utf-8")
    calls = [
        *(Call("demo", "demo_base64", 7), Call("demo", "demo_url", -1), Call("apigw_interface", "apigw_event", 0)),
        *(Call(entry, "function_url_event", 9) for entry in ("http_interface", "apigw_interface")),
        *(Call("http_interface", "apigw_event", 0), Call("http_interface", "page", page)),
    ]
    for picture in sorted((EXAMPLES / "digits").iterdir()):
        body = json.dumps({"image_base64": to_base64(picture.read_bytes())})
        headers = {"content-type": "application/json"}
        events[picture.name] = {"httpMethod": "POST", "path": "/", "headers": headers, "body": body}
        calls.append(Call("http_interface", picture.name, int(picture.name[0])))
    events["page"] = {"httpMethod": "GET", "path": "/", "headers": {"accept": "text/html"}}
    for name, event in events.items():
        (folder / f"{name}.json").write_text(json.dumps(event))
    return calls


def examples(sandbox: Sandbox, events: Path, dropped: Sequence[Path]) -> tuple[list[str], Costs]:
    """Make every call in one process; returns what was answered wrongly, and the costs.

    Args:
        sandbox: where.
        events: an empty folder, to write the events to.
        dropped: folders whose files leave the page cache before.
    """
    calls = write_events(events)
    drop_from_page_cache(dropped)
    answers, costs = _invoke(sandbox, [f"{call.entry} {call.event}" for call in calls], events, 0)
    return [fault for call, answer in zip(calls, answers, strict=True) if (fault := find_fault(call, answer))], costs


def find_fault(call: Call, answer: Any) -> str:
    """Return what is wrong with the answer to a call, if anything is."""
    said = answer
    if call.entry == "http_interface":
        if not isinstance(answer, dict) or answer.get("statusCode") != 200:
            return f"{call.entry} {call.event}: {answer}, and the status should be 200"
        is_page = answer["headers"]["Content-Type"].startswith("text/html")
        if is_page and "script-src 'sha256-" not in answer["headers"].get("Content-Security-Policy", ""):
            return f"{call.entry} {call.event}: the page has no policy for its script"
        said = answer["body"] if is_page else json.loads(answer["body"])
    outcome = said["result"] if isinstance(said, dict) else said
    return (
        "" if outcome == call.outcome else f"{call.entry} {call.event}: {answer}, and should be {call.outcome!r:.100}"
    )


def cold_starts(sandbox: Sandbox, runs: int, events: Path, dropped: Sequence[Path] = ()) -> Costs:
    """Return the medians of as many cold starts.

    Args:
        sandbox: where.
        runs: how many.
        events: folder of the events.
        dropped: folders whose files leave the page cache before each; none for a warm one.
    """
    if not dropped:
        _invoke(sandbox, [_COLD_START], events, 0)
    every = []
    for _ in range(runs):
        drop_from_page_cache(dropped)
        every.append(_invoke(sandbox, [_COLD_START], events, WARM_REPEATS)[1])
    return Costs(*map(median, zip(*every, strict=True)))


def breakdown(sandbox: Sandbox, runs: int, events: Path, dropped: Sequence[Path] = ()) -> list[Stage]:
    """Return the stages of a cold start, each the median of as many runs."""
    every: list[list[dict[str, Any]]] = []
    for _ in range(runs):
        drop_from_page_cache(dropped)
        environ = {"STARTED_AT": str(time.monotonic()), "EVENT": f"/events/{_COLD_START.split()[1]}.json"}
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
