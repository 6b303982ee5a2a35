"""Sends requests through the entry points, and looks at every answer and every log line."""

import io
import json
from itertools import count
from types import ModuleType, SimpleNamespace

from mnist_infer.hosting.platform import sample_context, through_json
from tests.fuzz.targets import all_errors
from tests.soak.cases import Case

_STATUSES: dict[object, int] = {known.code: known.status for known in all_errors()}


class LogLines(io.TextIOBase):
    """Standard output: takes whole lines of JSON, by their request.

    Attributes:
        strays: what is no such line.
    """

    def __init__(self) -> None:
        self.strays: list[str] = []
        self._lines: dict[object, list[dict[str, object]]] = {}

    def write(self, text: str) -> int:
        """Take what must be one whole line of JSON."""
        try:
            line = json.loads(text)
            if text.count("\n") != 1 or not text.endswith("}\n"):
                raise ValueError(text)
            self._lines.setdefault(line.get("request_id"), []).append(line)
        except (ValueError, AttributeError):
            self.strays.append(text)
        return len(text)

    def take(self, request_id: object) -> list[dict[str, object]]:
        """Return the lines of a request, and forget them."""
        return self._lines.pop(request_id, [])


class Driver:
    """Calls a handler from any number of threads."""

    def __init__(self, handler: ModuleType | SimpleNamespace, log: LogLines) -> None:
        """Drive a handler.

        Args:
            handler: loaded.
            log: what its standard output is.
        """
        self._handler, self._log = handler, log
        self._numbers = count(1)

    def fault(self, case: Case) -> str | None:
        """Answer a request, and return what is wrong with its answer or its log line, if anything is."""
        number = next(self._numbers)
        context = sample_context() | {"request_id": number, "time_limit_in_ms": case.time_limit_ms}
        try:
            answer = through_json(getattr(self._handler, case.entry)(case.event, context))
        except Exception as error:
            answer = repr(error)
        lines = self._log.take(number)
        if not _is_right_answer(case, answer) or not _is_right_log(case, lines):
            return f"{repr(case.event)[:200]}: {case.outcome} was expected, {answer} came, and in the log {lines}"
        return None

    def probabilities(self, case: Case) -> list[float]:
        """Answer a request for probabilities, and return them."""
        answer = through_json(self._handler.http_interface(case.event, {"request_id": 0}))
        self._log.take(0)
        values: list[float] = json.loads(answer["body"])["probabilities"]
        return values


def _is_right_answer(case: Case, answer: object) -> bool:
    is_digit = isinstance(case.outcome, int)
    if case.entry == "demo":
        return type(answer) is int and answer == (case.outcome if is_digit else -1)
    if case.entry == "http_interface":
        status, answer = _unwrapped(answer)
        if status != _STATUSES.get(case.outcome, 200):
            return False
        if case.outcome == "page":
            return isinstance(answer, str)
    if case.outcome == "not_http_event":
        return answer == {"errMsg": "request not from api gw"}
    if is_digit:
        more = {"probabilities": case.probabilities} if case.probabilities else {}
        return answer == {"result": case.outcome} | more
    if not isinstance(answer, dict) or not isinstance(answer.get("errMsg"), str):
        return False
    return {**answer, "errMsg": ""} == {"result": -1, "errMsg": "", "errCode": case.outcome}


def _unwrapped(answer: object) -> tuple[int, object]:
    """Return the status of an integrated answer, and the pass-through answer or the page in its body."""
    if not isinstance(answer, dict) or set(answer) != {"isBase64Encoded", "statusCode", "headers", "body"}:
        return 0, answer
    is_json = answer["headers"]["Content-Type"] == "application/json"
    return answer["statusCode"], json.loads(answer["body"]) if is_json else answer["body"]


def _is_right_log(case: Case, lines: list[dict[str, object]]) -> bool:
    if len(lines) != 1 or lines[0]["entry"] != case.entry or "traceback" in lines[0]:
        return False
    if isinstance(case.outcome, int):
        return (lines[0]["outcome"], lines[0]["digit"]) == ("ok", case.outcome)
    return lines[0]["outcome"] == case.outcome
