"""What goes out: a digit or an error as bare JSON, or the same, or the page, with a status and headers.

The platform accepts two forms of answer. *Pass-through* is any JSON, sent with status 200. *Integrated* is an object
with `statusCode`, `headers` and `body`, which becomes the HTTP response.
"""

import json
import re
from collections.abc import Mapping

from mnist_infer.errors import MethodNotAllowed, MnistInferError, NotHttpEvent
from mnist_infer.events import ALLOWED_METHODS
from mnist_infer.page import load_page
from mnist_infer.pipeline import Prediction

NO_DIGIT = -1
"""The `result` if no digit was read."""

_SAFE_HEADER_VALUE = re.compile(r"[\w.-]{1,128}", re.ASCII)


def success(prediction: Prediction) -> dict[str, object]:
    """Return the pass-through answer to a request that succeeded."""
    answer: dict[str, object] = {"result": prediction.digit}
    if prediction.wants_probabilities:
        answer["probabilities"] = prediction.probabilities.tolist()
    return answer


def failure(error: Exception) -> dict[str, object]:
    """Return the pass-through answer to a request that failed, safe to show to anybody."""
    if isinstance(error, NotHttpEvent):
        return {"errMsg": str(error)}
    if isinstance(error, MnistInferError):
        return {"result": NO_DIGIT, "errMsg": str(error), "errCode": error.code}
    return {"result": NO_DIGIT, "errMsg": "an internal error occurred", "errCode": MnistInferError.code}


def integrated_success(prediction: Prediction, context: object) -> dict[str, object]:
    """Return the integrated answer to a request that succeeded."""
    return _integrated_json(200, {}, success(prediction), context)


def integrated_failure(error: Exception, context: object) -> dict[str, object]:
    """Return the integrated answer to a request that failed, safe to show to anybody."""
    status = error.status if isinstance(error, MnistInferError) else MnistInferError.status
    headers = {"Allow": ", ".join(ALLOWED_METHODS)} if isinstance(error, MethodNotAllowed) else {}
    return _integrated_json(status, headers, failure(error), context)


def integrated_page(method: object, context: object) -> dict[str, object]:
    """Return the page as an integrated answer, without its body if the method is HEAD."""
    page = load_page()
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": page.content_security_policy,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
    return _integrated(200, headers, "" if method == "HEAD" else page.html, context)


def _integrated_json(
    status: int, headers: Mapping[str, str], body: Mapping[str, object], context: object
) -> dict[str, object]:
    json_headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return _integrated(status, {**json_headers, **headers}, json.dumps(body), context)


def _integrated(status: int, headers: Mapping[str, str], body: str, context: object) -> dict[str, object]:
    all_headers = {**headers, "X-Content-Type-Options": "nosniff"}
    request_id = context.get("request_id") if isinstance(context, Mapping) else None
    if isinstance(request_id, str) and _SAFE_HEADER_VALUE.fullmatch(request_id):
        all_headers["X-Request-Id"] = request_id
    return {"isBase64Encoded": False, "statusCode": status, "headers": all_headers, "body": body}
