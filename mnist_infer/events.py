"""From events to payloads, from predictions and errors to answers and log lines."""

import json
import sys
import time
import traceback
from collections.abc import Mapping
from types import TracebackType

import numpy as np

from mnist_infer import __version__
from mnist_infer.config import Settings
from mnist_infer.errors import (
    BodyMissing,
    BodyNotJson,
    BodyNotText,
    BodyTooDeep,
    BodyTooLarge,
    MnistInferError,
    NotHttpEvent,
    ServiceError,
)
from mnist_infer.model import Model
from mnist_infer.payload import decode_base64, wants_probabilities
from mnist_infer.pipeline import Prediction

NO_DIGIT = -1
"""The `result` where there is no answer."""

_LINE = json.JSONEncoder(ensure_ascii=False, default=str)

MOST_TIME_LIMIT_MS = 900_000
"""What a function's time limit can be set to."""

ANSWER_RESERVE_S = 1.0
"""What is kept of the platform's time limit for all but fetching an image URL: decoding the largest picture that
is accepted takes 0.2 s of CPU, which is 0.5 s at 512 MB."""


def http_event(event: object) -> Mapping[str, object]:
    """Return an HTTP event, of an API gateway or of a function URL.

    Raises:
        NotHttpEvent: it is none.
    """
    if not isinstance(event, Mapping) or not _is_http_event(event):
        raise NotHttpEvent("request not from api gw")
    return event


def http_payload(event: object, max_body_bytes: int) -> object:
    """Return the parsed JSON body of an HTTP event, of an API gateway or of a function URL.

    Raises:
        RequestError: the event is no such event, or its body is missing, too large or not JSON.
    """
    request = http_event(event)
    body = request.get("body")
    if body is None or body == "":
        raise BodyMissing("the request has no body")
    if not isinstance(body, str):
        raise BodyNotText("the body must be text")
    if len(body) > max_body_bytes:
        raise BodyTooLarge(f"the body has more than {max_body_bytes} bytes")
    try:
        # Some senders write this flag as a string.
        if request.get("isBase64Encoded") in (True, "true"):
            body = decode_base64(body).decode()
    except ValueError as error:
        raise BodyNotText("the body must be base64 of UTF-8 text") from error
    try:
        return json.loads(body.removeprefix("\ufeff"))  # a byte order mark, as some editors write it
    except RecursionError as error:
        raise BodyTooDeep("the body is nested too deeply") from error
    except ValueError as error:
        raise BodyNotJson("the body must be JSON") from error


def within_time_limit(settings: Settings, context: object) -> Settings:
    """Return the settings with no more time for an image URL than the platform's time limit leaves.

    Past that limit the platform would end the function, and answer in its place.

    Args:
        settings: as they are.
        context: what the platform passes, a dict with `time_limit_in_ms`; without it nothing changes.
    """
    limit_ms = context.get("time_limit_in_ms") if isinstance(context, Mapping) else None
    if not isinstance(limit_ms, int) or limit_ms <= 0:
        return settings
    limit_s = min(limit_ms, MOST_TIME_LIMIT_MS) / 1000
    fetch_s = max(limit_s - ANSWER_RESERVE_S, limit_s / 2)
    return settings._replace(fetch_total_timeout_s=min(settings.fetch_total_timeout_s, fetch_s))


def success(prediction: Prediction, payload: object) -> dict[str, object]:
    """Return the pass-through answer to an HTTP request that succeeded."""
    answer: dict[str, object] = {"result": prediction.digit}
    if wants_probabilities(payload):
        answer["probabilities"] = prediction.probabilities.tolist()
    return answer


def failure(error: Exception) -> dict[str, object]:
    """Return the pass-through answer to an HTTP request that failed, safe to show to anybody."""
    if isinstance(error, NotHttpEvent):
        return {"errMsg": str(error)}
    if isinstance(error, MnistInferError):
        return {"result": NO_DIGIT, "errMsg": str(error), "errCode": error.code}
    return {"result": NO_DIGIT, "errMsg": "an internal error occurred", "errCode": MnistInferError.code}


def log_cold_start(model: Model) -> None:
    """Write the one log line of a new container."""
    _write_line(
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
        outcome: the prediction, the error, or a word for what else was answered; set inside the block.
    """

    def __init__(self, entry: str, context: object) -> None:
        """Start the clock of a request.

        Args:
            entry: name of the entry point.
            context: what the platform passes, a dict with `request_id`.
        """
        self.outcome: Prediction | BaseException | str | None = None
        self._entry = entry
        self._request_id = context.get("request_id") if isinstance(context, Mapping) else None
        self._started = time.perf_counter()

    def __enter__(self) -> "RequestLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        elapsed = round((time.perf_counter() - self._started) * 1000, 3)
        line = {"event": "request", "request_id": self._request_id, "entry": self._entry}
        _write_line(**line, **_outcome_fields(error or self.outcome), total_milliseconds=elapsed)
        # An error leads to its frames, and they lead here: without this, what a failed request held, a whole
        # picture perhaps, would stay in memory until the garbage collector finds the circle.
        self.outcome = None


def _outcome_fields(outcome: Prediction | BaseException | str | None) -> dict[str, object]:
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
    code = outcome.code if isinstance(outcome, MnistInferError) else MnistInferError.code
    if isinstance(outcome, MnistInferError) and not isinstance(outcome, ServiceError):
        return {"outcome": code}
    return {"outcome": code, "traceback": "".join(traceback.format_exception(outcome))}


def _is_http_event(event: Mapping[str, object]) -> bool:
    return "requestContext" in event or ("httpMethod" in event and ("headers" in event or "path" in event))


def _write_line(**fields: object) -> None:
    # Not through `logging`: the platform's handler puts a prefix before the text, and the log
    # service only splits a line into fields that is JSON from its first character.
    sys.stdout.write(_LINE.encode(fields) + "\n")
    sys.stdout.flush()
