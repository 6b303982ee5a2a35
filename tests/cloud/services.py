"""The log service and the account, as far as a deployment asks them."""

import json
import re
from typing import Any

from tests.cloud.cos import APPID
from tests.cloud.functions import Functions


class Cls:
    """SearchLog, for queries that are `name:"value"` joined by AND."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def SearchLog(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = dict(re.findall(r'(SCF_\w+):"([^"]+)"', request["QueryString"]))
        found = [
            (at, line)
            for at, line in self._functions.log_lines
            if request["From"] <= at < request["To"] and all(line.get(key) == value for key, value in wanted.items())
        ]
        first, size = int(request.get("Context") or 0), request["Limit"]
        texts = ("TopicName", "Source", "FileName", "PkgId", "PkgLogId", "HostName", "RawLog", "IndexStatus")
        results = [
            {
                **dict.fromkeys(texts, ""),
                "HighLights": [],
                "TopicId": request["TopicId"],
                "Time": at,
                "LogJson": json.dumps(line),
            }
            for at, line in found[first : first + size]
        ]
        empty: dict[str, Any] = {name: [] for name in ("ColNames", "AnalysisResults", "AnalysisRecords", "Columns")}
        is_over = first + size >= len(found)
        end = {"Context": "" if is_over else str(first + size), "ListOver": is_over}
        return {**empty, **end, "Analysis": False, "Results": results, "SamplingRate": 1.0}


class Cam:
    """GetUserAppId."""

    def GetUserAppId(self, _request: dict[str, Any]) -> dict[str, Any]:
        return {"AppId": int(APPID), "Uin": "100000000001", "OwnerUin": "100000000001"}
