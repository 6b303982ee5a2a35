"""The log: one JSON line per cold start and per request, and nothing else."""

import json
import sys
import time
import traceback
from collections.abc import Mapping
from types import TracebackType

import numpy as np

from mnist_infer import __version__
from mnist_infer.errors import MnistInferError, ServiceError
from mnist_infer.model import Model
from mnist_infer.pipeline import Prediction

Outcome = Prediction | BaseException | str | None

_LINE = json.JSONEncoder(ensure_ascii=False, default=str)


def log_cold_start(model: Model) -> None:
    """Write the one log line of a new container."""
    write_line(
        event="cold_start",
        versions={
            "mnist_infer": __version__,
            "python": ".".join(map(str, sys.version_info[:3])),
            "tensorflow": model.session.tensorflow_version,
            "numpy": np.__version__,
        },
        model=model.version,
        device=model.device,
        device_reason=model.device_reason,
        load_milliseconds=model.load_milliseconds,
        process_cpu_milliseconds=round(time.process_time() * 1000, 1),
    )


class RequestLog:
    """Writes the one log line of a request as its `with` block ends, however it ends.

    Attributes:
        outcome: the prediction, the error, or a word for anything else that was returned; set inside the block.
    """

    def __init__(self, entry: str, context: object) -> None:
        """Start the clock of a request.

        Args:
            entry: name of the entry point.
            context: what the platform passes, a dict with `request_id`.
        """
        self.outcome: Outcome = None
        self._entry = entry
        self._request_id = context.get("request_id") if isinstance(context, Mapping) else None
        self._started = time.perf_counter()

    def __enter__(self) -> "RequestLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        elapsed = round((time.perf_counter() - self._started) * 1000, 3)
        # JSON has no NaN and no infinity. No platform's id is a float, but a test event's may be anything.
        request_id = str(self._request_id) if isinstance(self._request_id, float) else self._request_id
        line = {"event": "request", "request_id": request_id, "entry": self._entry}
        write_line(**line, **_outcome_fields(error or self.outcome), total_milliseconds=elapsed)
        # An exception refers to its frames, and these refer to this object, or to the exception. Unless these cycles
        # are broken, what a failed request held, its whole event, stays in memory until the garbage collector runs.
        _clear_frames(error or self.outcome)
        self.outcome = None


def _clear_frames(outcome: Outcome) -> None:
    seen = set[int]()  # a cause may be its own
    while isinstance(outcome, BaseException) and id(outcome) not in seen:
        seen.add(id(outcome))
        traceback.clear_frames(outcome.__traceback__)
        outcome = outcome.__cause__ or outcome.__context__


def _outcome_fields(outcome: Outcome) -> dict[str, object]:
    if isinstance(outcome, str):
        return {"outcome": outcome}
    if isinstance(outcome, Prediction):
        return {
            "outcome": "ok",
            "digit": outcome.digit,
            "source": outcome.source,
            "bytes": outcome.image_bytes,
            "milliseconds": outcome.milliseconds,
        }
    if isinstance(outcome, MnistInferError) and not isinstance(outcome, ServiceError):
        cause = {"cause": type(outcome.__cause__).__name__} if outcome.__cause__ else {}
        return {"outcome": outcome.code, **cause}
    code = outcome.code if isinstance(outcome, MnistInferError) else MnistInferError.code
    return {"outcome": code, "traceback": "".join(traceback.format_exception(outcome))}


def write_line(**fields: object) -> None:
    """Write a line of JSON to the log, at once: threads and processes share it."""
    # Not through `logging`: the platform's handler puts a prefix before the text, and the log
    # service only splits a line into fields that is JSON from its first character.
    # A lone surrogate cannot be written as UTF-8; JSON's escape for it, six ASCII characters, can.
    line = _LINE.encode(fields).encode(errors="backslashreplace").decode()
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
