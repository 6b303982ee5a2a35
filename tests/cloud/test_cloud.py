"""The stand-in itself: that it takes what Tencent Cloud documents, and refuses everything else."""

import time
from collections.abc import Mapping

import pytest

from tests.cloud.cos import crc64
from tests.cloud.errors import ApiError, CosError
from tests.cloud.schema import Schema
from tests.cloud.signatures import Account, Request, check_cos, check_tc3

# The worked examples that Tencent's documents print, keys and all.
TC3_ACCOUNT = Account("AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE")
TC3_TIME = 1551113065
TC3 = Request(
    method="POST",
    path="/",
    query="",
    headers={
        "authorization": f"TC3-HMAC-SHA256 Credential={TC3_ACCOUNT.secret_id}/2019-02-25/cvm/tc3_request,"
        " SignedHeaders=content-type;host,"
        " Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168",
        "content-type": "application/json; charset=utf-8",
        "host": "cvm.tencentcloudapi.com",
        "x-tc-timestamp": str(TC3_TIME),
    },
    body=b'{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}',
)
COS_ACCOUNT = Account("AKIDQjz3ltompVjBni5LitkWHFlFpwkn9U5q", "BQYIM75p8x0iWVFSIgqEKwFprpRSVHlz")
COS_TIME = 1557990000
COS_PATH = "/exampleobject(%E8%85%BE%E8%AE%AF%E4%BA%91)"
COS_HOST = "examplebucket-1250000000.cos.ap-beijing.myqcloud.com"
COS_PUT = Request(
    method="PUT",
    path=COS_PATH,
    query="",
    headers={
        "date": "Thu, 16 May 2019 06:45:51 GMT",
        "host": COS_HOST,
        "content-type": "text/plain",
        "content-length": "13",
        "content-md5": "mQ/fVh815F3k6TAUm8m0eg==",
        "x-cos-acl": "private",
        "x-cos-grant-read": 'uin="100000000011"',
        "authorization": f"q-sign-algorithm=sha1&q-ak={COS_ACCOUNT.secret_id}"
        "&q-sign-time=1557989151;1557996351&q-key-time=1557989151;1557996351"
        "&q-header-list=content-length;content-md5;content-type;date;host;x-cos-acl;x-cos-grant-read"
        "&q-url-param-list=&q-signature=3b8851a11a569213c17ba8fa7dcf2abec6935172",
    },
    body=b"",
)
COS_GET = Request(
    method="GET",
    path=COS_PATH,
    query="response-content-type=application%2Foctet-stream&response-cache-control=max-age%3D600",
    headers={
        "date": "Thu, 16 May 2019 06:55:53 GMT",
        "host": COS_HOST,
        "authorization": f"q-sign-algorithm=sha1&q-ak={COS_ACCOUNT.secret_id}"
        "&q-sign-time=1557989753;1557996953&q-key-time=1557989753;1557996953&q-header-list=date;host"
        "&q-url-param-list=response-cache-control;response-content-type"
        "&q-signature=01681b8c9d798a678e43b685a9f1bba0f6c0e012",
    },
    body=b"",
)


def at(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Let it be a time, in seconds since 1970."""
    monkeypatch.setattr(time, "time", lambda: seconds)


def with_headers(request: Request, **changes: str) -> Request:
    changed = {name.replace("_", "-"): value for name, value in changes.items()}
    return request._replace(headers={**request.headers, **changed})


def test_the_documented_examples_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, TC3_TIME)
    assert check_tc3(TC3, TC3_ACCOUNT) == "cvm"
    at(monkeypatch, COS_TIME)
    check_cos(COS_PUT, COS_ACCOUNT)
    check_cos(COS_GET, COS_ACCOUNT)


@pytest.mark.parametrize(
    ("request_", "account", "delay_s"),
    [
        pytest.param(TC3._replace(body=TC3.body + b" "), TC3_ACCOUNT, 0, id="body"),
        pytest.param(TC3._replace(method="GET"), TC3_ACCOUNT, 0, id="method"),
        pytest.param(with_headers(TC3, host="scf.tencentcloudapi.com"), TC3_ACCOUNT, 0, id="host"),
        pytest.param(with_headers(TC3, content_type="application/json"), TC3_ACCOUNT, 0, id="content type"),
        pytest.param(with_headers(TC3, x_tc_timestamp=str(TC3_TIME + 1)), TC3_ACCOUNT, 0, id="timestamp"),
        pytest.param(with_headers(TC3, authorization=""), TC3_ACCOUNT, 0, id="no signature"),
        pytest.param(TC3, TC3_ACCOUNT._replace(secret_key="x"), 0, id="secret"),
        pytest.param(TC3, TC3_ACCOUNT._replace(secret_id="x"), 0, id="id"),
        pytest.param(TC3, TC3_ACCOUNT._replace(token="x"), 0, id="token"),
        pytest.param(TC3, TC3_ACCOUNT, 301, id="expired"),
        pytest.param(TC3, TC3_ACCOUNT, -301, id="of the future"),
    ],
)
def test_an_action_with_anything_altered_is_refused(
    request_: Request, account: Account, delay_s: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, TC3_TIME + delay_s)
    with pytest.raises(ApiError, match="AuthFailure"):
        check_tc3(request_, account)


@pytest.mark.parametrize(
    ("request_", "account", "delay_s"),
    [
        pytest.param(COS_PUT._replace(method="POST"), COS_ACCOUNT, 0, id="method"),
        pytest.param(COS_PUT._replace(path=COS_PATH + "x"), COS_ACCOUNT, 0, id="path"),
        pytest.param(COS_GET._replace(query="response-cache-control=no"), COS_ACCOUNT, 0, id="query"),
        pytest.param(with_headers(COS_PUT, host=f"x{COS_HOST}"), COS_ACCOUNT, 0, id="host"),
        pytest.param(with_headers(COS_PUT, content_md5="AAAA"), COS_ACCOUNT, 0, id="digest"),
        pytest.param(with_headers(COS_PUT, authorization=""), COS_ACCOUNT, 0, id="no signature"),
        pytest.param(COS_PUT, COS_ACCOUNT._replace(secret_key="x"), 0, id="secret"),
        pytest.param(COS_PUT, COS_ACCOUNT._replace(token="x"), 0, id="token"),
        pytest.param(COS_PUT, COS_ACCOUNT, 10000, id="expired"),
    ],
)
def test_a_request_to_cos_with_anything_altered_is_refused(
    request_: Request, account: Account, delay_s: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, COS_TIME + delay_s)
    with pytest.raises(CosError):
        check_cos(request_, account)


def test_the_crc_is_the_one_with_the_published_check_value() -> None:
    assert crc64(b"123456789") == 0x995DC9BBDF1939FA


@pytest.mark.parametrize(
    ("action", "request_", "code"),
    [
        pytest.param("Frobnicate", {}, "InvalidAction", id="unknown action"),
        pytest.param("GetFunction", {"FunctionName": "f", "Bogus": 1}, "UnknownParameter", id="unknown parameter"),
        pytest.param("PublishVersion", {}, "MissingParameter", id="missing parameter"),
        pytest.param(
            "CreateFunction", {"FunctionName": "f", "Code": {}, "MemorySize": "512"}, "InvalidParameter", id="type"
        ),
        pytest.param("ListVersionByFunction", {"FunctionName": "f", "Limit": True}, "InvalidParameter", id="bool"),
        pytest.param(
            "UpdateAlias",
            {
                "FunctionName": "f",
                "Name": "a",
                "FunctionVersion": "1",
                "RoutingConfig": {"AdditionalVersionWeights": [{"Version": "2"}]},
            },
            "MissingParameter",
            id="missing within a list",
        ),
    ],
)
def test_a_request_that_the_description_does_not_have_is_refused(
    action: str, request_: Mapping[str, object], code: str
) -> None:
    with pytest.raises(ApiError, match=code):
        Schema("scf").check_request(action, request_)


def test_an_answer_that_the_description_does_not_have_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="UnknownParameter"):
        Schema("scf").check_answer("PublishVersion", {"Bogus": 1})
