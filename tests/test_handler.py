"""The contract of the entry points, on a handler that is loaded as the platform loads it."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from mnist_infer import answers
from mnist_infer.config import ROOT
from mnist_infer.decode import _DECODER_BYTES
from mnist_infer.errors import ModelUnavailable, SettingInvalid
from mnist_infer.hosting.platform import sample_context, through_json
from testbed.image_host import Server
from testbed.local_server import without_tensorflow
from testbed.pictures import MODEL_DIR, digit_png, encode, mnist_digits, to_base64

GOOD = {"image_base64": to_base64(digit_png(7))}


def function_url_event(payload: object) -> dict[str, object]:
    return {"httpMethod": "POST", "path": "/", "headers": {}, "queryString": {}, "body": json.dumps(payload)}


@pytest.fixture
def handler(load: Callable[..., ModuleType], server: Server) -> ModuleType:
    return load(
        MNIST_URL_ALLOWED_HOSTS=f"127.0.0.1:{server.port}",
        MNIST_FETCH_READ_TIMEOUT_S="1",
        MNIST_FETCH_TOTAL_TIMEOUT_S="2",
        MNIST_MAX_IMAGE_BYTES="100000",
        MNIST_MAX_DECODE_BYTES=str(_DECODER_BYTES + 95_500),  # for 100x100 pixels, and not for many more
    )


@pytest.mark.parametrize("digit", range(10))
def test_every_digit_is_read_by_both_entry_points(digit: int, handler: ModuleType) -> None:
    payload = {"image_base64": to_base64(digit_png(digit))}
    answer = handler.demo(payload, sample_context())
    assert answer == digit
    assert type(answer) is int
    gateway_event = {"requestContext": {}, "body": json.dumps(payload)}
    assert through_json(handler.apigw_interface(gateway_event, sample_context())) == {"result": digit}
    assert through_json(handler.apigw_interface(function_url_event(payload), sample_context())) == {"result": digit}


def test_an_image_is_read_from_its_url(handler: ModuleType, server: Server) -> None:
    assert handler.demo({"image_url": f"http://127.0.0.1:{server.port}/3.png"}, sample_context()) == 3


def test_probabilities_come_where_they_are_asked_for_and_never_from_demo(handler: ModuleType) -> None:
    payload = GOOD | {"probabilities": True}
    answer = through_json(handler.apigw_interface(function_url_event(payload), None))
    assert isinstance(answer, dict)
    assert answer["result"] == 7
    assert len(answer["probabilities"]) == 10
    assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-6)
    assert int(np.argmax(answer["probabilities"])) == 7
    assert handler.demo(payload, None) == 7


NOISE = np.random.default_rng(1).integers(0, 256, (90, 90), np.uint8)
BAD_PAYLOADS: list[tuple[object, str]] = [
    (None, "payload_not_object"),
    ([], "payload_not_object"),
    (7, "payload_not_object"),
    ("text", "payload_not_object"),
    ({}, "image_missing"),
    ({"image_base64": "", "image_url": None}, "image_missing"),
    ({"image_base64": 7}, "field_wrong_type"),
    ({"image_url": {"a": 1}}, "field_wrong_type"),
    ({"image_base64": "###"}, "base64_invalid"),
    ({"image_base64": "aGk=="}, "base64_invalid"),
    ({"image_base64": to_base64(b"no image")}, "image_format_unknown"),
    ({"image_base64": to_base64(digit_png(3)[:-60])}, "image_damaged"),
    ({"image_base64": to_base64(bytes(100_001))}, "image_too_large"),
    ({"image_base64": to_base64(encode(np.zeros((120, 100), np.uint8)))}, "image_too_large"),
    ({"image_url": "ftp://example.com/3.png"}, "url_invalid"),
    ({"image_url": "http://does-not-exist.invalid/"}, "host_not_found"),
    ({"image_url": "http://127.0.0.1:9/"}, "url_forbidden"),
    ({"image_url": "http://169.254.0.23/latest/meta-data"}, "url_forbidden"),
    ({"image_url": "{server}/nothing-here"}, "fetch_status"),
    ({"image_url": "{server}/silent"}, "fetch_timeout"),
    ({"image_url": "{server}/sends-much"}, "image_too_large"),
]


@pytest.mark.parametrize(
    ("payload", "code"), BAD_PAYLOADS, ids=[f"{code}-{i}" for i, (_, code) in enumerate(BAD_PAYLOADS)]
)
def test_a_bad_payload_gets_its_code_and_one_sentence_and_the_next_request_works(
    payload: object, code: str, handler: ModuleType, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    event = json.loads(json.dumps(payload).replace("{server}", f"http://127.0.0.1:{server.port}"))
    answer = through_json(handler.apigw_interface(function_url_event(event), None))
    assert isinstance(answer, dict)
    assert set(answer) == {"result", "errMsg", "errCode"}
    assert (answer["result"], answer["errCode"]) == (-1, code)
    assert re.fullmatch(r"[^/\n]{10,100}", answer["errMsg"].replace("http://", "").replace("https://", ""))
    capsys.readouterr()
    assert handler.demo(event, None) == -1
    assert json.loads(capsys.readouterr().out)["outcome"] == code
    assert handler.apigw_interface(function_url_event(GOOD), None) == {"result": 7}


@pytest.mark.parametrize("event", [None, [], 7, {}, GOOD], ids=repr)
def test_what_is_no_http_event_is_answered_in_the_articles_words(event: object, handler: ModuleType) -> None:
    assert handler.apigw_interface(event, None) == {"errMsg": "request not from api gw"}


@pytest.mark.parametrize(
    "context",
    [None, {}, [], {"request_id": None, "time_limit_in_ms": "x"}, pytest.param(object(), id="an object")],
    ids=repr,
)
def test_any_context_will_do(context: object, handler: ModuleType) -> None:
    assert handler.demo(GOOD, context) == 7


def test_a_bug_is_an_internal_error_over_http_and_raised_from_demo(
    handler: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def bug(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(handler, "run", bug)
    capsys.readouterr()
    answer = handler.apigw_interface(function_url_event(GOOD), None)
    assert answer == {"result": -1, "errMsg": "an internal error occurred", "errCode": "internal_error"}
    assert "ZeroDivisionError" in json.loads(capsys.readouterr().out)["traceback"]
    with pytest.raises(ZeroDivisionError):
        handler.demo(GOOD, None)
    assert "ZeroDivisionError" in json.loads(capsys.readouterr().out)["traceback"]


def test_a_model_that_cannot_be_loaded_fails_at_import_and_names_its_folder(
    load: Callable[..., ModuleType], tmp_path: Path
) -> None:
    with pytest.raises(ModelUnavailable, match=str(tmp_path)):
        load(MNIST_MODEL_DIR=str(tmp_path))


def test_a_setting_that_makes_no_sense_fails_at_import(load: Callable[..., ModuleType]) -> None:
    with pytest.raises(SettingInvalid, match="MNIST_DEVICE"):
        load(MNIST_DEVICE="tpu")


def test_the_pinned_version_is_the_one_that_answers(load: Callable[..., ModuleType], tmp_path: Path) -> None:
    for version in ("1", "2"):
        shutil.copytree(MODEL_DIR, tmp_path / version)
    assert load(MNIST_MODEL_DIR=str(tmp_path), MNIST_MODEL_VERSION="1").model.version == 1
    assert load(MNIST_MODEL_DIR=str(tmp_path), MNIST_MODEL_VERSION="2").model.version == 2


def test_a_cold_start_leaves_one_line(load: Callable[..., ModuleType], capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    load(MNIST_DEVICE="cpu")
    line = json.loads(capsys.readouterr().out)
    assert line["event"] == "cold_start"
    assert line["model"] == int(MODEL_DIR.name)
    assert (line["device"], line["device_reason"]) == ("cpu", "as MNIST_DEVICE says")
    assert set(line["versions"]) == {"mnist_infer", "python", "tensorflow", "numpy"}
    assert line["load_milliseconds"] > 0


A_URL_WITH_A_SECRET = """
import json, sys
sys.path.insert(0, ".")
from mnist_infer.hosting.platform import load_handler, sample_context
handler = load_handler()
import logging
assert logging.getLogger().level == logging.DEBUG
for url in sys.argv[1:]:
    handler.demo({"image_url": url}, sample_context())
    handler.apigw_interface({"httpMethod": "POST", "path": "/", "body": json.dumps({"image_url": url})}, None)
"""


def test_with_the_root_logger_at_debug_only_json_lines_come_and_no_secret_of_a_url(server: Server) -> None:
    base = f"http://127.0.0.1:{server.port}"
    paths = ("3.png", "nothing-here", "redirect", "silent", "breaks-off", "sends-much")
    urls = [f"{base}/{path}?signature=SECRET" for path in paths]
    urls += ["http://user:SECRET@127.0.0.1/", "http://does-not-exist.invalid/?SECRET", "SECRET", "http://SECRET:x/"]
    settings = {"MNIST_URL_ALLOWED_HOSTS": f"127.0.0.1:{server.port}", "MNIST_FETCH_READ_TIMEOUT_S": "0.1"}
    command = [sys.executable, "-c", A_URL_WITH_A_SECRET, *urls]
    child = subprocess.run(command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=True)
    assert "SECRET" not in child.stdout + child.stderr
    lines: list[dict[str, Any]] = [json.loads(line) for line in child.stdout.splitlines()]
    assert [line["event"] for line in lines] == ["cold_start"] + ["request"] * 2 * len(urls)
    assert lines[1]["outcome"] == "ok"
    assert not any("traceback" in line for line in lines)
    assert without_tensorflow(child.stderr) == ""


def test_mnists_own_digits_are_read(handler: ModuleType) -> None:
    images, labels = mnist_digits()
    read = [handler.demo({"image_base64": to_base64(encode(image))}, None) for image in images[:100]]
    assert (np.array(read) == labels[:100]).mean() > 0.98
    assert answers.NO_DIGIT not in read
