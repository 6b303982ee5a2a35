"""From a file that crashes a target to a small one that crashes it at the same place."""

import traceback
from collections.abc import Callable
from pathlib import Path

from tests.fuzz.targets import TARGETS


def minimise(target: str, crash: Path) -> None:
    """Write the smallest file that was found beside the one that crashed, with its traceback.

    What is not an exception, but takes too long or too much memory, is left as it is.
    """
    if not crash.name.startswith("crash-"):
        return
    run = TARGETS[target]()
    content = crash.read_bytes()
    place = crash_place(run, content)
    if place is None:
        return
    while (smaller := cut(run, content, place)) != content:
        content = smaller
    crash.with_name(f"minimised-{crash.name}").write_bytes(content)
    try:
        run(content)
    except BaseException:
        crash.with_name(f"traceback-{crash.name}.txt").write_text(traceback.format_exc(), encoding="utf-8")


def cut(run: Callable[[bytes], None], content: bytes, place: object) -> bytes:
    """Return the content without every piece that the crash does not need, from large pieces to small ones."""
    size = max(len(content) // 2, 1)
    while size:
        start = 0
        while start < len(content):
            without = content[:start] + content[start + size :]
            if crash_place(run, without) == place:
                content = without
            else:
                start += size
        size //= 2
    return content


def crash_place(run: Callable[[bytes], None], content: bytes) -> object:
    """Return which exception a target ends with and where it was raised, or None."""
    try:
        run(content)
    except Exception as error:
        *_, (frame, line) = traceback.walk_tb(error.__traceback__)
        return type(error), frame.f_code.co_filename, line
    return None
