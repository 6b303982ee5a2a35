"""`invoke`: calls an entry point with an event, and prints what the platform's log would show."""

import json
import resource
import sys
import time
import traceback
from pathlib import Path

from mnist_infer.hosting.platform import MEMORY_LIMIT_MB, has_failed, load_entry, sample_context, through_json


def invoke(entry_name: str, event_file: Path) -> int:
    """Call an entry point with the event in a file, print its answer, and return the exit status.

    Returns:
        0, or 1 if the file is not JSON, or the function raised, or its answer is a failure.

    Raises:
        ImportError: handler.py has no such entry point.
    """
    try:
        event = json.loads(event_file.read_text(encoding="utf-8"))
    except ValueError as error:
        print(f"mnist_infer: {event_file} is not JSON: {error}", file=sys.stderr)
        return 1
    entry = load_entry(entry_name)
    context = sample_context()
    print(f"START RequestId: {context['request_id']}")
    started = time.perf_counter()
    try:
        answer = through_json(entry(event, context))
        failed = has_failed(answer)
    except Exception as error:  # as the platform answers it
        answer = {"errorCode": -1, "errorMessage": str(error), "stackTrace": traceback.format_exc()}
        failed = True
    duration_ms = (time.perf_counter() - started) * 1000
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(answer, ensure_ascii=False))
    print(f"END RequestId: {context['request_id']}")
    print(
        f"REPORT RequestId: {context['request_id']} Duration:{duration_ms:.1f}ms "
        f"Memory:{MEMORY_LIMIT_MB}MB MemUsage:{peak_mb:.1f}MB"
    )
    return int(failed)
