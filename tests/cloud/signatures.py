"""The two signatures of Tencent Cloud, recomputed as they are documented.

TC3-HMAC-SHA256: cloud.tencent.com/document/api/583/33846. COS: cloud.tencent.com/document/product/436/7778.
"""

import hashlib
import hmac
import re
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote

from tests.cloud.errors import ApiError, CosError

MAX_SKEW_S = 300


class Account(NamedTuple):
    """Whose requests are taken."""

    secret_id: str
    secret_key: str
    token: str | None = None


class Request(NamedTuple):
    """An HTTP request; the names of its headers in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


def check_tc3(request: Request, account: Account) -> str:
    """Return the service that a request is signed for.

    Raises:
        ApiError: the signature is missing, wrong or of another time.
    """
    pattern = (
        r"TC3-HMAC-SHA256 Credential=([^/]+)/(\d{4}-\d\d-\d\d)/(\w+)/tc3_request, ?"
        r"SignedHeaders=([\w;-]+), ?Signature=([0-9a-f]{64})"
    )
    match = re.fullmatch(pattern, request.headers.get("authorization", ""))
    if not match:
        raise ApiError("AuthFailure.InvalidAuthorization")
    secret_id, date, service, signed, signature = match.groups()
    stamp = request.headers.get("x-tc-timestamp", "")
    if not stamp.isdigit() or abs(time.time() - int(stamp)) > MAX_SKEW_S:
        raise ApiError("AuthFailure.SignatureExpire")
    if datetime.fromtimestamp(int(stamp), timezone.utc).strftime("%Y-%m-%d") != date:
        raise ApiError("AuthFailure.SignatureFailure", "the date is not the timestamp's in UTC")
    if secret_id != account.secret_id:
        raise ApiError("AuthFailure.SecretIdNotFound")
    if request.headers.get("x-tc-token") != account.token:
        raise ApiError("AuthFailure.TokenFailure")
    names = signed.split(";")
    if names != sorted(names) or not {"content-type", "host"} <= set(names):
        raise ApiError("AuthFailure.SignatureFailure", "content-type and host are to be signed, in order")
    canonical_headers = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in names)
    hashed = hashlib.sha256(request.body).hexdigest()
    canonical = "\n".join([request.method, request.path, request.query, canonical_headers, signed, hashed])
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"TC3-HMAC-SHA256\n{stamp}\n{date}/{service}/tc3_request\n{hashed}"
    key = ("TC3" + account.secret_key).encode()
    for part in (date, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    if not hmac.compare_digest(hmac.digest(key, text.encode(), "sha256").hex(), signature):
        raise ApiError("AuthFailure.SignatureFailure")
    return service


def check_cos(request: Request, account: Account) -> None:
    """Accept a request to COS.

    Raises:
        CosError: the signature is missing, wrong or of another time.
    """
    fields = dict(parse_qsl(request.headers.get("authorization", ""), keep_blank_values=True))
    if fields.get("q-sign-algorithm") != "sha1" or fields.get("q-ak") != account.secret_id:
        raise CosError(403, "InvalidAccessKeyId" if fields else "AccessDenied")
    if request.headers.get("x-cos-security-token") != account.token:
        raise CosError(403, "AccessDenied", "the token is wrong")
    start, end = map(int, fields["q-key-time"].split(";"))
    if fields["q-sign-time"] != fields["q-key-time"] or not start <= time.time() <= end:
        raise CosError(403, "RequestTimeTooSkewed")
    query = parse_qsl(request.query, keep_blank_values=True)
    parameters = {quote(name, safe="-_.~").lower(): value for name, value in query}
    signed_headers = fields["q-header-list"].split(";")
    if "host" not in signed_headers:
        raise CosError(403, "SignatureDoesNotMatch", "the host is to be signed")
    of_query = _pairs(fields["q-url-param-list"].split(";"), parameters)
    text = "\n".join(
        [request.method.lower(), unquote(request.path), of_query, _pairs(signed_headers, request.headers), ""]
    )
    to_sign = f"sha1\n{fields['q-sign-time']}\n{hashlib.sha1(text.encode()).hexdigest()}\n"
    key = hmac.digest(account.secret_key.encode(), fields["q-key-time"].encode(), "sha1").hex()
    if not hmac.compare_digest(hmac.digest(key.encode(), to_sign.encode(), "sha1").hex(), fields["q-signature"]):
        raise CosError(403, "SignatureDoesNotMatch")


def _pairs(names: Sequence[str], values: Mapping[str, str]) -> str:
    wanted = [name for name in names if name]
    if wanted != sorted(wanted) or not set(wanted) <= set(values):
        raise CosError(403, "SignatureDoesNotMatch", f"signed, but not sent: {set(wanted) - set(values)}")
    return "&".join(f"{name}={quote(values[name], safe='-_.~')}" for name in wanted)
