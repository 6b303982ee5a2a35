import base64
import hashlib
import json
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from mnist_infer.config import ROOT
from mnist_infer.hosting.platform import sample_context, through_json
from testbed.pictures import digit_png, encode, to_base64

WHITE = to_base64(encode(np.full((90, 90), 255, np.uint8)))
PAYLOAD = json.dumps({"image_base64": to_base64(digit_png(7))})
POST = {"httpMethod": "POST", "path": "/", "headers": {}, "body": PAYLOAD}
GET = {"httpMethod": "GET", "path": "/", "headers": {}, "body": ""}
GATEWAY = {"serviceId": "service-f94sy04v", "path": "/digits/{path}", "httpMethod": "POST", "stage": "release"}


@pytest.fixture
def handler(load: Callable[..., ModuleType]) -> ModuleType:
    return load()


def answer(handler: ModuleType, event: object, context: object = None) -> dict[str, Any]:
    """Return the answer after its trip through JSON; its shape is that of every integrated answer."""
    context = sample_context() if context is None else context
    returned: dict[str, Any] = through_json(handler.http_interface(event, context))
    assert set(returned) == {"isBase64Encoded", "statusCode", "headers", "body"}
    assert returned["isBase64Encoded"] is False
    assert isinstance(returned["body"], str)
    assert returned["headers"]["X-Content-Type-Options"] == "nosniff"
    assert not any(name.lower().startswith("access-control-") for name in returned["headers"])
    return returned


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(POST, id="function URL"),
        pytest.param(POST | {"requestContext": {"sourceIp": "10.0.0.1"}}, id="function URL with a context"),
        pytest.param(POST | {"path": ""}, id="no path"),
        pytest.param(
            POST | {"path": "/digits/7", "requestContext": GATEWAY}, id="gateway, at the path it was set up for"
        ),
        pytest.param(POST | {"headers": None}, id="headers are null"),
        pytest.param(
            POST | {"body": base64.b64encode(PAYLOAD.encode()).decode(), "isBase64Encoded": True}, id="body in base64"
        ),
        *(
            pytest.param(POST | {"headers": {name: value}}, id=f"{name}: {value}")
            for name, value in (
                ("content-type", "application/json"),
                ("Content-Type", "application/json; charset=utf-8"),
                ("CONTENT-TYPE", "Text/Plain"),
                ("content-type", "application/x-www-form-urlencoded"),
            )
        ),
    ],
)
def test_a_posted_picture_is_answered_with_its_digit(handler: ModuleType, event: object) -> None:
    returned = answer(handler, event)
    assert returned["statusCode"] == 200
    assert returned["headers"]["Content-Type"] == "application/json"
    assert returned["headers"]["Cache-Control"] == "no-store"
    assert json.loads(returned["body"]) == {"result": 7}


def test_ten_probabilities_come_where_they_are_asked_for(handler: ModuleType) -> None:
    body = json.dumps(json.loads(PAYLOAD) | {"probabilities": True})
    told = json.loads(answer(handler, POST | {"body": body})["body"])
    assert told["result"] == 7
    assert len(told["probabilities"]) == 10
    assert sum(told["probabilities"]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("event", "status", "code"),
    [
        pytest.param(POST | {"body": "{"}, 400, "body_not_json", id="no JSON"),
        pytest.param(POST | {"body": None}, 400, "body_missing", id="no body"),
        pytest.param(POST | {"body": "[]"}, 400, "payload_not_object", id="no object"),
        pytest.param(POST | {"body": "{}"}, 400, "image_missing", id="no image"),
        pytest.param(POST | {"body": '{"image_base64": "*"}'}, 400, "base64_invalid", id="no base64"),
        pytest.param(POST | {"body": '{"image_url": "http://10.0.0.1/"}'}, 400, "url_forbidden", id="private address"),
        pytest.param(POST | {"path": "/favicon.ico"}, 404, "path_unknown", id="another path"),
        pytest.param(GET | {"path": "/favicon.ico"}, 404, "path_unknown", id="another path, GET"),
        pytest.param(POST | {"path": 7}, 404, "path_unknown", id="a path that is no text"),
        pytest.param(POST | {"httpMethod": "DELETE"}, 405, "method_not_allowed", id="DELETE"),
        pytest.param(POST | {"httpMethod": "OPTIONS"}, 405, "method_not_allowed", id="OPTIONS"),
        pytest.param(POST | {"httpMethod": ["GET"]}, 405, "method_not_allowed", id="a method that is no text"),
        pytest.param(POST | {"body": " " * 16_000_000}, 413, "body_too_large", id="large body"),
        pytest.param(
            POST | {"headers": {"content-type": "multipart/form-data; boundary=x"}},
            415,
            "media_type_unsupported",
            id="a form with files",
        ),
        pytest.param(POST | {"headers": {"Content-Type": "image/png"}}, 415, "media_type_unsupported", id="an image"),
        pytest.param(POST | {"body": '{"image_base64": "AAAA"}'}, 422, "image_format_unknown", id="no image file"),
        pytest.param(
            POST | {"body": json.dumps({"image_base64": to_base64(digit_png(7)[:60])})}, 422, "image_damaged", id="cut"
        ),
        pytest.param(POST | {"body": json.dumps({"image_base64": WHITE})}, 422, "no_digit_found", id="no ink"),
        pytest.param(POST | {"body": '{"image_url": "http://nowhere.invalid/"}'}, 502, "host_not_found", id="no host"),
    ],
)
def test_what_cannot_be_answered_has_its_status_and_the_contracts_body(
    handler: ModuleType, event: object, status: int, code: str
) -> None:
    returned = answer(handler, event)
    told = json.loads(returned["body"])
    assert (returned["statusCode"], told["errCode"], told["result"]) == (status, code, -1)
    assert told["errMsg"]
    assert (returned["headers"].get("Allow") == "GET, HEAD, POST") == (status == 405)


@pytest.mark.parametrize("event", [None, 7, [], {}, {"image_base64": "AAAA"}, "text"], ids=repr)
def test_an_event_that_is_no_http_event_is_400_in_the_articles_words(handler: ModuleType, event: object) -> None:
    returned = answer(handler, event)
    assert returned["statusCode"] == 400
    assert json.loads(returned["body"]) == {"errMsg": "request not from api gw"}


def test_a_bug_is_500_and_says_nothing(handler: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(handler, "run", fail)
    returned = answer(handler, POST)
    assert returned["statusCode"] == 500
    assert json.loads(returned["body"])["errCode"] == "internal_error"
    assert "secret" not in json.dumps(returned)


def test_a_browser_gets_the_page_and_a_policy_for_nothing_but_its_own_style_and_script(handler: ModuleType) -> None:
    returned = answer(handler, GET)
    html = (ROOT / "mnist_infer" / "page.html").read_text(encoding="utf-8")
    assert returned["statusCode"] == 200
    assert returned["headers"]["Content-Type"] == "text/html; charset=utf-8"
    assert returned["body"] == html
    policy = returned["headers"]["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    for element in ("script", "style"):
        (content,) = re.findall(f"<{element}[^>]*>(.*?)</{element}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy
    assert not re.search(r"\son\w+=|\sstyle=", html)  # the policy forbids both


def test_head_gets_the_pages_headers_alone(handler: ModuleType) -> None:
    page, head = answer(handler, GET), answer(handler, GET | {"httpMethod": "HEAD"})
    assert head["body"] == ""
    assert set(head["headers"]) == set(page["headers"])


def test_the_log_names_the_page(handler: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    answer(handler, GET)
    line = json.loads(capsys.readouterr().out)
    assert (line["entry"], line["outcome"]) == ("http_interface", "page")


@pytest.mark.parametrize("event", [POST, GET, POST | {"path": "/x"}, None], ids=["digit", "page", "404", "no event"])
def test_every_answer_has_the_requests_id(handler: ModuleType, event: object) -> None:
    context = sample_context()
    assert answer(handler, event, context)["headers"]["X-Request-Id"] == context["request_id"]


@pytest.mark.parametrize("request_id", ["a\r\nSet-Cookie: b", "", "é", 7, None, "x" * 129], ids=repr)
def test_an_id_that_is_no_safe_header_stays_out(handler: ModuleType, request_id: object) -> None:
    assert "X-Request-Id" not in answer(handler, POST, {"request_id": request_id})["headers"]
