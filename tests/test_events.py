import base64
import gzip
import json

import pytest

from mnist_infer.config import Settings
from mnist_infer.errors import (
    BodyMissing,
    BodyNotJson,
    BodyNotText,
    BodyTooDeep,
    BodyTooLarge,
    MediaTypeUnsupported,
    MnistInferError,
    NotHttpEvent,
)
from mnist_infer.events import check_route, parse_body, parse_event, within_time_limit

PAYLOAD = {"image_url": "图"}
BODY = json.dumps(PAYLOAD, ensure_ascii=False)
LIMIT = 1_000_000


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({"requestContext": {}, "body": BODY}, id="gateway"),
        pytest.param({"httpMethod": "POST", "headers": {}, "body": BODY}, id="function URL by its headers"),
        pytest.param({"httpMethod": "POST", "path": "/", "body": BODY}, id="function URL by its path"),
        pytest.param({"requestContext": None, "body": BODY, "isBase64Encoded": "false"}, id="the string false"),
        pytest.param({"requestContext": {}, "body": BODY, "isBase64Encoded": False}, id="not base64"),
        *(
            pytest.param(
                {"requestContext": {}, "body": base64.b64encode(BODY.encode()).decode(), "isBase64Encoded": flag},
                id=f"base64, {flag!r}",
            )
            for flag in (True, "true")
        ),
    ],
)
def test_both_http_events_carry_the_payload_in_their_body(event: object) -> None:
    assert parse_body(parse_event(event), LIMIT) == PAYLOAD


@pytest.mark.parametrize(
    "content_type",
    [
        *("application/json, application/json", "Application/JSON; charset=utf-8,text/plain", "application/json,"),
        *("text/json", "application/vnd.api+json", "application/x-www-form-urlencoded"),
    ],
)
def test_json_is_taken_by_each_of_its_types_and_by_two_that_a_proxy_joined(content_type: str) -> None:
    check_route(parse_event({"requestContext": {}, "body": BODY, "headers": {"Content-Type": content_type}}))


@pytest.mark.parametrize(
    "content_type", ["application/json, image/png", "multipart/form-data, application/json", "image/png", "notjson"]
)
def test_a_body_that_is_said_to_be_something_else_as_well_is_refused(content_type: str) -> None:
    with pytest.raises(MediaTypeUnsupported):
        check_route(parse_event({"requestContext": {}, "body": BODY, "headers": {"Content-Type": content_type}}))


@pytest.mark.parametrize("encoding", ["gzip", "identity, GZIP"])
@pytest.mark.parametrize("is_encoded", [False, True])
def test_a_compressed_body_is_refused_by_the_name_of_its_compression(encoding: str, is_encoded: bool) -> None:
    content = gzip.compress(BODY.encode())
    body = base64.b64encode(content).decode() if is_encoded else content.decode(errors="replace")
    event = {
        "requestContext": {},
        "body": body,
        "isBase64Encoded": is_encoded,
        "headers": {"Content-Encoding": encoding},
    }
    with pytest.raises(MediaTypeUnsupported, match=r"^the body is compressed \(gzip\): send the JSON as it is$"):
        parse_body(parse_event(event), LIMIT)


def test_a_header_that_a_gateway_left_when_it_undid_the_compression_does_not_matter() -> None:
    event = {"requestContext": {}, "body": BODY, "headers": {"content-encoding": "gzip"}}
    assert parse_body(parse_event(event), LIMIT) == PAYLOAD


@pytest.mark.parametrize("is_encoded", [False, True])
def test_a_byte_order_mark_before_the_json_does_not_matter(is_encoded: bool) -> None:
    marked = f"\ufeff{BODY}"
    body = base64.b64encode(marked.encode()).decode() if is_encoded else marked
    event = {"requestContext": {}, "body": body, "isBase64Encoded": is_encoded}
    assert parse_body(parse_event(event), LIMIT) == PAYLOAD


@pytest.mark.parametrize(
    "event",
    [None, [], 7, "requestContext", {}, PAYLOAD, {"body": BODY}, {"httpMethod": "POST"}, {"headers": {}, "path": "/"}],
    ids=repr,
)
def test_what_is_no_http_event_is_refused_in_the_articles_words(event: object) -> None:
    with pytest.raises(NotHttpEvent, match="request not from api gw"):
        parse_event(event)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        pytest.param({}, BodyMissing, id="missing"),
        pytest.param({"body": None}, BodyMissing, id="null"),
        pytest.param({"body": ""}, BodyMissing, id="empty"),
        pytest.param({"body": PAYLOAD}, BodyNotText, id="an object"),
        pytest.param({"body": 7}, BodyNotText, id="a number"),
        pytest.param({"body": "[" + " " * LIMIT + "]"}, BodyTooLarge, id="too large"),
        pytest.param({"body": '"' + "图" * (LIMIT // 3) + '"'}, BodyTooLarge, id="too large, counted in bytes"),
        pytest.param({"body": "hello"}, BodyNotJson, id="text"),
        pytest.param({"body": "image_url=http%3A%2F%2Fx"}, BodyNotJson, id="a form"),
        pytest.param({"body": '{"image_url": "x"} more'}, BodyNotJson, id="more behind the JSON"),
        pytest.param({"body": "\ufeff\ufeff{}"}, BodyNotJson, id="two byte order marks"),
        pytest.param({"body": "9" * 10_000}, BodyNotJson, id="an integer that Python refuses"),
        pytest.param({"body": "[" * 100_000}, BodyTooDeep, id="100 000 lists deep"),
        pytest.param({"body": '{"a":' * 100_000}, BodyTooDeep, id="100 000 objects deep"),
        pytest.param({"body": "e30", "isBase64Encoded": True}, BodyNotText, id="base64 without padding"),
        pytest.param({"body": "{}", "isBase64Encoded": "true"}, BodyNotText, id="JSON said to be base64"),
        pytest.param({"body": "图", "isBase64Encoded": True}, BodyNotText, id="Chinese said to be base64"),
        pytest.param({"body": "//4=", "isBase64Encoded": True}, BodyNotText, id="base64 of no UTF-8"),
    ],
)
def test_a_body_that_is_no_json_text_is_refused(fields: dict[str, object], error: type[MnistInferError]) -> None:
    with pytest.raises(error):
        parse_body(parse_event({"httpMethod": "POST", "path": "/"} | fields), LIMIT)


@pytest.mark.parametrize(
    ("context", "seconds"),
    [
        pytest.param({"time_limit_in_ms": 3000}, 2.0, id="the platform's default"),
        pytest.param({"time_limit_in_ms": 1000}, 0.5, id="a second in all"),
        pytest.param({"time_limit_in_ms": 10_000}, 5.0, id="enough"),
        pytest.param({"time_limit_in_ms": 900_000}, 5.0, id="the most that there is"),
        pytest.param({"time_limit_in_ms": 10**400}, 5.0, id="more than a float holds"),
        pytest.param({"time_limit_in_ms": 0}, 5.0, id="zero"),
        pytest.param({"time_limit_in_ms": "3000"}, 5.0, id="text"),
        pytest.param({}, 5.0, id="not said"),
        pytest.param(None, 5.0, id="no context"),
    ],
)
def test_an_image_url_gets_no_more_time_than_the_platform_leaves(context: object, seconds: float) -> None:
    assert within_time_limit(Settings(), context) == Settings(fetch_total_timeout_s=seconds)


def test_a_body_of_just_the_limit_is_read() -> None:
    body = '"' + "图" * 10 + '"'
    assert parse_body(parse_event({"requestContext": {}, "body": body}), 32) == "图" * 10
