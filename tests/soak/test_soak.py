"""The soak finds what it looks for; it runs as a whole with `python -m tests.soak`."""

import os
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from testbed.image_host import behaviours
from testbed.image_host_process import server_process
from tests.soak.__main__ import loaded_function
from tests.soak.cases import Case, bad_cases, good_cases
from tests.soak.drive import Driver, LogLines
from tests.soak.measure import Stage, Usage, stages_table
from tests.soak.urls import PATHS

USAGE = Usage(resident_mb=300.0, descriptors=10, threads=4, cpu_s=1.0)
LINE = '{"request_id": 1, "entry": "demo", "outcome": "ok", "digit": 7}\n'
BAD_LINE = '{"request_id": 1, "entry": "demo", "outcome": "image_missing"}\n'


def test_every_path_of_the_local_server_has_an_outcome() -> None:
    assert set(PATHS) == set(behaviours)


def test_every_request_of_its_mix_that_needs_no_url_is_answered_as_it_expects() -> None:
    with patch.dict(os.environ), server_process() as ports, loaded_function(ports) as (driver, _):
        assert [fault for case in (*good_cases(), *bad_cases()) if (fault := driver.fault(case))] == []


def test_what_stays_as_it_was_is_no_failure() -> None:
    stage = Stage("", 3000, [], USAGE, USAGE._replace(resident_mb=307.0, cpu_s=1.2))
    assert list(stage.failures()) == []
    assert "| 3000 | 0 | 300.0 | 307.0 | +7.0 | 10 → 10 | 4 → 4 | 1.00 | 1.20 | +20.0 % |" in stages_table([stage])


@pytest.mark.parametrize(
    ("growth", "failure"),
    [
        ({"resident_mb": 309.0}, "memory"),
        ({"descriptors": 11}, "descriptors"),
        ({"threads": 5}, "threads"),
        ({"cpu_s": 2.0}, "CPU"),
    ],
)
def test_what_grows_is_a_failure(growth: dict[str, Any], failure: str) -> None:
    (found,) = Stage("", 3000, [], USAGE, USAGE._replace(**growth)).failures()
    assert failure in found


@pytest.mark.parametrize(
    ("outcome", "answer", "output", "is_right"),
    [
        pytest.param(7, 7, LINE, True, id="right"),
        pytest.param(7, 8, LINE, False, id="another digit"),
        pytest.param(7, True, LINE, False, id="no int"),
        pytest.param(7, object(), LINE, False, id="nothing that JSON can hold"),
        pytest.param(8, 8, LINE, False, id="another digit in the log"),
        pytest.param(7, 7, LINE * 2, False, id="two lines at once"),
        pytest.param(7, 7, LINE[:-1], False, id="half a line"),
        pytest.param(7, 7, "", False, id="no line"),
        pytest.param(7, 7, LINE.replace("1", "2"), False, id="the line of another request"),
        pytest.param("image_missing", -1, BAD_LINE, True, id="right error"),
        pytest.param("image_missing", 7, BAD_LINE, False, id="a digit from nowhere"),
        pytest.param("image_damaged", -1, BAD_LINE, False, id="another error in the log"),
        pytest.param("image_missing", -1, BAD_LINE.replace("}", ', "traceback": ""}'), False, id="a bug"),
    ],
)
def test_a_wrong_answer_or_log_line_is_found(outcome: int | str, answer: object, output: str, is_right: bool) -> None:
    log = LogLines()
    handler = SimpleNamespace(demo=lambda *_: (log.write(output), answer)[1])
    assert (Driver(handler, log).fault(Case("demo", {}, outcome)) is None) is is_right


def is_taken(entry: str, outcome: int | str, answer: object) -> bool:
    """Return whether an answer whose log line is right is taken for right."""
    log = LogLines()
    rest = '"outcome": "ok", "digit": 7' if outcome == 7 else f'"outcome": "{outcome}"'
    line = f'{{"request_id": 1, "entry": "{entry}", {rest}}}\n'
    handler = SimpleNamespace(**{entry: lambda *_: (log.write(line), answer)[1]})
    return Driver(handler, log).fault(Case(entry, {}, outcome)) is None


@pytest.mark.parametrize(
    ("outcome", "answer", "is_right"),
    [
        (7, {"result": 7}, True),
        (7, {"result": 7, "errMsg": ""}, False),
        ("image_missing", {"result": -1, "errMsg": "no", "errCode": "image_missing"}, True),
        ("image_missing", {"result": -1, "errMsg": "no", "errCode": "image_damaged"}, False),
        ("image_missing", {"result": -1, "errCode": "image_missing"}, False),
        ("not_http_event", {"errMsg": "request not from api gw"}, True),
        ("not_http_event", {"errMsg": "request not from api gw", "result": -1}, False),
    ],
)
def test_a_wrong_http_answer_is_found(outcome: int | str, answer: object, is_right: bool) -> None:
    assert is_taken("apigw_interface", outcome, answer) is is_right


OK = {"isBase64Encoded": False, "statusCode": 200, "headers": {"Content-Type": "application/json"}}
HTML = {"headers": {"Content-Type": "text/html; charset=utf-8"}}


@pytest.mark.parametrize(
    ("outcome", "answer", "is_right"),
    [
        (7, OK | {"body": '{"result": 7}'}, True),
        (7, OK | {"body": '{"result": 8}'}, False),
        (7, OK | {"statusCode": 500, "body": '{"result": 7}'}, False),
        (7, {"result": 7}, False),
        ("image_missing", OK | {"body": '{"result": -1, "errMsg": "no", "errCode": "image_missing"}'}, False),
        (
            "image_missing",
            OK | {"statusCode": 400, "body": '{"result": -1, "errMsg": "no", "errCode": "image_missing"}'},
            True,
        ),
        ("page", OK | HTML | {"body": "<!doctype html>"}, True),
        ("page", OK | {"body": '{"result": 7}'}, False),
    ],
)
def test_a_wrong_integrated_answer_is_found(outcome: int | str, answer: object, is_right: bool) -> None:
    assert is_taken("http_interface", outcome, answer) is is_right
