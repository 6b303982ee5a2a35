import json

import numpy as np
import pytest

from mnist_infer.errors import ImageTooLarge
from mnist_infer.log import RequestLog
from mnist_infer.pipeline import Prediction

PREDICTION = Prediction(7, np.full(10, 0.1, np.float32), "base64", 254, {"decode": 0.3}, wants_probabilities=False)


def log_line(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    (line,) = capsys.readouterr().out.splitlines()
    fields: dict[str, object] = json.loads(line)
    return fields


def test_a_request_that_succeeds_leaves_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with RequestLog("demo", {"request_id": "abc"}) as log:
        log.outcome = PREDICTION
    line = log_line(capsys)
    assert line.pop("total_milliseconds") >= 0  # type: ignore[operator]
    assert line == {
        "event": "request",
        "request_id": "abc",
        "entry": "demo",
        "outcome": "ok",
        "digit": 7,
        "source": "base64",
        "bytes": 254,
        "milliseconds": {"decode": 0.3},
    }


def test_a_request_that_fails_leaves_its_code_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with RequestLog("demo", None) as log:
        log.outcome = ImageTooLarge("the image has more than 10 bytes")
    line = log_line(capsys)
    assert line["outcome"] == "image_too_large"
    assert line["request_id"] is None
    assert "traceback" not in line


def test_a_bug_leaves_its_traceback_and_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), RequestLog("demo", {}):
        _ = 1 / 0
    line = log_line(capsys)
    assert line["outcome"] == "internal_error"
    assert "ZeroDivisionError" in str(line["traceback"])


def test_an_exception_that_is_its_own_cause_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    error = ValueError("odd")
    with RequestLog("demo", {}) as log:
        error.__cause__ = error
        log.outcome = error
    assert "ValueError: odd" in str(log_line(capsys)["traceback"])


def test_a_request_id_that_json_cannot_hold_is_logged_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    with RequestLog("demo", {"request_id": {1}}) as log:
        log.outcome = PREDICTION
    assert log_line(capsys)["request_id"] == "{1}"


@pytest.mark.parametrize(
    ("request_id", "logged"),
    [("\ud800", "\ud800"), ("a\udfff图", "a\udfff图"), (float("nan"), "nan"), (float("inf"), "inf"), (7, 7)],
    ids=ascii,
)
def test_any_request_id_leaves_one_line_of_json_that_utf_8_can_hold(
    request_id: object, logged: object, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    with RequestLog("demo", {"request_id": request_id}) as log:
        log.outcome = PREDICTION

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    (line,) = capfdbinary.readouterr().out.splitlines()
    assert json.loads(line.decode("utf-8"), parse_constant=refuse)["request_id"] == logged


def test_an_error_that_has_a_cause_leaves_its_class_and_not_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    error = ImageTooLarge("the image has more than 10 bytes")
    error.__cause__ = OSError("secret")
    with RequestLog("demo", None) as log:
        log.outcome = error
    line = log_line(capsys)
    assert line["cause"] == "OSError"
    assert "secret" not in json.dumps(line)
