"""What an account's functions are: their versions, states and code, and how they run."""

import io
import random
import time
import uuid
import zipfile
from datetime import datetime, timezone
from typing import Any

from tests.cloud.containers import Containers, Outcome
from tests.cloud.cos import APPID, Cos
from tests.cloud.errors import ApiError

Fields = dict[str, Any]
LATEST, DEFAULT = "$LATEST", "$DEFAULT"
CHANGING = {"Creating": "CreateFailed", "Updating": "UpdateFailed", "Publishing": "PublishFailed"}


class Functions:
    """One account's functions.

    Attributes:
        functions: by name.
        delay_s: that every change takes.
        log_lines: what the log service has: the time in ms, and the fields.
        failures: by the name of an action, an error code that the change which it starts ends with.
        available: the AvailableStatus of every function.
        topic: of the log, empty where the log service is not activated.
    """

    def __init__(self, cos: Cos, containers: Containers) -> None:
        self._cos, self._containers = cos, containers
        self.delay_s = 0.02
        self.functions: dict[str, Fields] = {}
        self.log_lines: list[tuple[int, dict[str, str]]] = []
        self.failures: dict[str, str] = {}
        self.available, self.topic = "Available", "topic"

    def pick_version(self, name: str, qualifier: str) -> tuple[str, Fields]:
        """Return the version that a request goes to, by the alias's weights, with what it runs."""
        request = {"FunctionName": name}
        if qualifier == DEFAULT:
            alias = self.function_of(request)["alias"]
            weights = alias["RoutingConfig"].get("AdditionalVersionWeights") or []
            is_canary = weights and random.random() < weights[0]["Weight"]
            qualifier = weights[0]["Version"] if is_canary else alias["FunctionVersion"]
        version = self.version_of(request, qualifier, "ResourceNotFound.Qualifier")
        if version["Status"] not in ("Active", "Updating"):
            raise ApiError("FailedOperation.FunctionStatusError", version["Status"])
        return qualifier, version

    def run(self, name: str, number: str, version: Fields, event: object) -> tuple[Outcome, str]:
        """Run an event in a version's container, and return what became of it, with the id of the request."""
        request_id = str(uuid.uuid4())
        variables = {item["Key"]: item["Value"] for item in version["Environment"]["Variables"]}
        context = {"request_id": request_id, "time_limit_in_ms": version["Timeout"] * 1000}
        outcome = self._containers.run(version["code"], version["Handler"], variables, event, context)
        self.log(name, number, request_id, outcome)
        return outcome, request_id

    def log(self, name: str, number: str, request_id: str, outcome: Outcome) -> None:
        """Write what the log service has of a request: its own lines, and the platform's report."""
        common = {"SCF_FunctionName": name, "SCF_Qualifier": number, "SCF_RequestId": request_id}
        for line in outcome.log.splitlines():
            self.log_lines.append((now_ms(), {**common, "SCF_Type": "Custom", "SCF_Message": line}))
        status = "430" if outcome.error else "200"
        report = f"Report RequestId: {request_id} Duration:{outcome.milliseconds:.0f}ms {outcome.error}".strip()
        platform = {**common, "SCF_Type": "Platform", "SCF_StatusCode": status, "SCF_Message": report}
        self.log_lines.append((now_ms(), platform))

    def url_owner(self, host: str) -> tuple[str, Fields] | None:
        """Return the function's name and the trigger that a URL's host belongs to."""
        for name, function in self.functions.items():
            for url in function["urls"].values():
                if f"//{host}" in url["TriggerDesc"]:
                    return name, url
        return None

    def function_of(self, request: Fields) -> Fields:
        function = self.functions.get(request["FunctionName"])
        latest = function["versions"][LATEST] if function else None
        if latest and latest["Status"] == "Deleting" and time.monotonic() >= latest["until"]:
            del self.functions[request["FunctionName"]]
            function = None
        if function is None:
            raise ApiError("ResourceNotFound.Function", "the function does not exist")
        return function

    def version_of(self, request: Fields, number: str, missing: str = "ResourceNotFound.FunctionVersion") -> Fields:
        version: Fields | None = self.function_of(request)["versions"].get(number)
        if version is None:
            raise ApiError(missing, f"there is no version {number}")
        if version["Status"] in CHANGING and time.monotonic() >= version["until"]:
            error = version.pop("error", None)
            version["Status"] = CHANGING[version["Status"]] if error else "Active"
            version["StatusReasons"] = [{"ErrorCode": error, "ErrorMessage": "it failed"}] if error else []
        return version

    def start(self, version: Fields, status: str, action: str) -> None:
        error = self.failures.get(action) or version.pop("bad", None)
        version.update(Status=status, until=time.monotonic() + self.delay_s, ModTime=now(), StatusReasons=[])
        if error:
            version["error"] = error

    def code_of(self, code: Fields) -> Fields:
        if "ImageConfig" in code:
            image = code["ImageConfig"]
            if image["ImageType"] == "enterprise" and not image.get("RegistryId"):
                raise ApiError("MissingParameter", "RegistryId")
            known = image["ImageUri"] in self._containers.images
            return {"code": b"", "ImageConfig": image, "bad": None if known else "InvalidParameterValue.ImageUri"}
        bucket, key = code.get("CosBucketName", ""), code.get("CosObjectName", "")
        if not key.startswith("/"):
            raise ApiError("InvalidParameterValue.CosObjectName", "it begins with /")
        if bucket.endswith(f"-{APPID}"):
            raise ApiError("InvalidParameterValue.CosBucketName", "it is without the account's number")
        found = self._cos.buckets.get(f"{bucket}-{APPID}")
        if not found or key[1:] not in found.objects:
            raise ApiError("InvalidParameterValue.Cos", "there is no such object")
        if code.get("CosBucketRegion", found.region) != found.region:
            raise ApiError("InvalidParameterValue.CosBucketRegion")
        content = found.objects[key[1:]]
        is_zip = zipfile.is_zipfile(io.BytesIO(content))
        return {"code": content, "bad": None if is_zip else "InvalidParameterValue.ZipFile"}

    def configure(self, latest: Fields, request: Fields) -> None:
        memory: int = request.get("MemorySize") or latest["MemorySize"]
        if memory != 64 and not (128 <= memory <= 3072 and memory % 128 == 0):
            raise ApiError("InvalidParameterValue.MemorySize")
        names = ("MemorySize", "Timeout", "InitTimeout", "Description")
        latest.update({name: request[name] for name in names if name in request})
        variables = (request.get("Environment") or {}).get("Variables")
        if variables:  # an empty list changes nothing; one empty variable takes them all away
            latest["Environment"] = {"Variables": [item for item in variables if item["Key"]]}

    def _url(self, request: Fields) -> Fields:
        url: Fields | None = self.function_of(request)["urls"].get(request.get("Qualifier", LATEST))
        if url is None or url["TriggerName"] != request["TriggerName"]:
            raise ApiError("ResourceNotFound.Trigger", "there is no such trigger")
        return url


def now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def now_ms() -> int:
    return time.time_ns() // 10**6
