"""The function's log, from the Cloud Log Service."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from deploy.api import Api
from deploy.errors import DeployError
from deploy.function import Function

PAGE = 1000
UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Line(NamedTuple):
    """One line.

    Attributes:
        time_ms: since 1970.
        version: that wrote it.
        request_id: of the request that it belongs to.
        text: for a person.
        is_error: it says that the function failed, not that somebody sent it something else than a digit.
    """

    time_ms: int
    version: str
    request_id: str
    text: str
    is_error: bool

    def __str__(self) -> str:
        when = datetime.fromtimestamp(self.time_ms / 1000).strftime("%m-%d %H:%M:%S")
        return f"{when}  {self.version:>7}  {self.request_id:36}  {self.text}"


def parse_since(text: str) -> int:
    """Return a time like 15m in seconds.

    Raises:
        DeployError: it is not like that.
    """
    match = re.fullmatch(r"(\d+)([smhd])", text)
    if not match:
        raise DeployError(f"--since takes a time like 90s, 15m, 2h or 3d, not {text}")
    return int(match[1]) * UNITS_S[match[2]]


def read_logs(function: Function, since_s: int, request_id: str | None = None) -> Iterator[Line]:
    """Yield the lines of the last seconds, the oldest first.

    Raises:
        DeployError: there is no function, or it has no log.
    """
    found = function.get()
    if not found:
        raise DeployError(f"There is no function {function.name}.")
    if not found.get("ClsTopicId"):
        raise DeployError("The function has no log topic: activate https://console.cloud.tencent.com/cls first.")
    if request_id and not re.fullmatch(r"[\w-]+", request_id):
        raise DeployError(f"{request_id} is not the id of a request")
    terms = [f'SCF_FunctionName:"{function.name}"'] + ([f'SCF_RequestId:"{request_id}"'] if request_id else [])
    for result in _search(function.api, found["ClsTopicId"], " AND ".join(terms), since_s):
        yield parse_line(result["Time"], json.loads(result["LogJson"]))


def _search(api: Api, topic: str, query: str, since_s: int) -> Iterator[Mapping[str, Any]]:
    now_ms = int(time.time() * 1000)
    fields = {"TopicId": topic, "From": now_ms - since_s * 1000, "To": now_ms + 1, "QueryString": query}
    context = ""
    while True:
        options = {"QuerySyntax": 1, "Sort": "asc", "Limit": PAGE, "UseNewAnalysis": True, "Context": context}
        page = api.read("SearchLog", "cls", **fields, **options)
        yield from page["Results"] or []
        context = page["Context"]
        if page["ListOver"] or not context:
            return


def parse_line(time_ms: int, fields: Mapping[str, Any]) -> Line:
    """Return a line of the log service.

    A line that the function writes as JSON comes as the text in `SCF_Message`, or split into fields of its own.
    """
    message = fields.get("SCF_Message", "")
    try:
        ours = json.loads(message)
    except ValueError:
        ours = None
    if not isinstance(ours, dict):
        ours = fields
    failed = str(fields.get("SCF_StatusCode") or "200") != "200"
    text = _readable(ours) if "event" in ours else message.strip()
    return Line(
        time_ms,
        fields.get("SCF_Qualifier", ""),
        fields.get("SCF_RequestId", ""),
        text,
        failed or "traceback" in ours,
    )


def _readable(ours: Mapping[str, Any]) -> str:
    if ours["event"] == "cold_start":
        loaded = f"loaded in {ours.get('load_milliseconds')} ms"
        return f"cold start: model {ours.get('model')} on {ours.get('device')}, {loaded}"
    parts = [f"{ours.get('entry')}: {ours.get('outcome')}"]
    parts += [f"digit {ours['digit']}"] if "digit" in ours else []
    parts += [f"{ours['bytes']} bytes of {ours['source']}"] if "source" in ours and "bytes" in ours else []
    parts += [f"{float(ours['total_milliseconds']):.1f} ms"] if "total_milliseconds" in ours else []
    return ", ".join(parts) + (f"\n{ours['traceback']}" if "traceback" in ours else "")
