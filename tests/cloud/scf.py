"""Serverless Cloud Function: functions with their versions, aliases and URLs, and their states.

Each public method with the name of an action is that action: it gets the request, already checked, and returns the
answer, which is checked afterwards.
"""

import io
import json
import random
import re
import time
import uuid
import zipfile
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from tests.cloud.containers import Containers, Outcome
from tests.cloud.cos import APPID, Cos
from tests.cloud.errors import ApiError

Fields = dict[str, Any]
LATEST, DEFAULT = "$LATEST", "$DEFAULT"
CHANGING = {"Creating": "CreateFailed", "Updating": "UpdateFailed", "Publishing": "PublishFailed"}
OF_GET_FUNCTION = (
    *("Handler", "Runtime", "MemorySize", "Timeout", "InitTimeout", "Environment", "Description", "Type"),
    *("Status", "StatusReasons", "AddTime", "ModTime", "ImageConfig"),
)
# What the tests have no use for, but GetFunction always answers.
CONSTANT: Fields = {
    **dict.fromkeys(("UseGpu", "InstallDependency", "L5Enable", "AsyncRunEnable", "TraceEnable", "DnsCache"), "FALSE"),
    **dict.fromkeys(("CodeInfo", "CodeError", "StatusDesc", "Role"), ""),
    **{name: [] for name in ("Tags", "Layers", "Triggers")},
    "VpcConfig": {"VpcId": "", "SubnetId": ""},
    "EipConfig": {"EipFixed": "FALSE", "Eips": []},
    "AccessInfo": {"Host": "", "Vip": ""},
    "DeadLetterConfig": {"Type": "", "Name": "", "FilterType": ""},
    "CfsConfig": {"CfsInsList": []},
    "CodeResult": "success",
    "ErrNo": 0,
    "ClsLogsetId": "logset",
    "FunctionId": "lam-standin",
}


class Scf:
    """One account's functions.

    Attributes:
        functions: by name.
        delay_s: that every change takes.
        log_lines: what the log service has: the time in ms, and the fields.
        failures: by the name of an action, an error code that the change which it starts ends with.
        available: the AvailableStatus of every function.
        topic: of the log, empty where the log service is not activated.
    """

    def __init__(self, cos: Cos, containers: Containers, delay_s: float) -> None:
        self._cos, self._containers = cos, containers
        self.delay_s = delay_s
        self.functions: dict[str, Fields] = {}
        self.log_lines: list[tuple[int, dict[str, str]]] = []
        self.failures: dict[str, str] = {}
        self.available, self.topic = "Available", "topic"

    # Functions

    def CreateFunction(self, request: Fields) -> Fields:
        name = request["FunctionName"]
        if not re.fullmatch(r"[A-Za-z][\w-]{0,58}[A-Za-z0-9]", name):
            raise ApiError("InvalidParameterValue.FunctionName")
        if name in self.functions:
            raise ApiError("ResourceInUse.Function", "the function already exists")
        is_image = "ImageConfig" in request["Code"]
        latest = {
            "Handler": "" if is_image else request.get("Handler", ""),
            "Runtime": "CustomImage" if is_image else request.get("Runtime", "Python2.7"),
            "Type": request.get("Type", "Event"),
            "MemorySize": 128,
            "Timeout": 3,
            "InitTimeout": 90 if is_image else 65,
            "Environment": {"Variables": []},
            "Description": "",
            "AddTime": now(),
            **self._code(request["Code"]),
        }
        self._configure(latest, request)
        alias: Fields = {"Name": DEFAULT, "FunctionVersion": LATEST, "Description": ""}
        alias |= {"RoutingConfig": {"AdditionalVersionWeights": [], "AddtionVersionMatchs": []}}
        alias |= {"AddTime": now(), "ModTime": now()}
        self.functions[name] = {"versions": {LATEST: latest}, "alias": alias, "urls": {}, "next": 1}
        self._start(latest, "Creating", "CreateFunction")
        return {}

    def GetFunction(self, request: Fields) -> Fields:
        number = request.get("Qualifier", LATEST)
        version = self._version(request, number)
        return {
            **CONSTANT,
            **{name: version.get(name) for name in OF_GET_FUNCTION},
            "FunctionName": request["FunctionName"],
            "Namespace": "default",
            "FunctionVersion": number,
            "Qualifier": number,
            "CodeSize": len(version["code"]),
            "AvailableStatus": self.available,
            "ClsTopicId": self.topic,
        }

    def UpdateFunctionCode(self, request: Fields) -> Fields:
        latest = self._version(request, LATEST)
        _must_be_settled(latest, "FailedOperation.UpdateFunctionCode")
        latest.update(self._code(request["Code"]))
        latest["Handler"] = request.get("Handler", latest["Handler"])
        self._start(latest, "Updating", "UpdateFunctionCode")
        return {}

    def UpdateFunctionConfiguration(self, request: Fields) -> Fields:
        latest = self._version(request, LATEST)
        _must_be_settled(latest, "FailedOperation.UpdateFunctionConfiguration")
        self._configure(latest, request)
        self._start(latest, "Updating", "UpdateFunctionConfiguration")
        return {}

    def DeleteFunction(self, request: Fields) -> Fields:
        latest = self._version(request, LATEST)
        _must_be_settled(latest, "FailedOperation.DeleteFunction")
        latest.update(Status="Deleting", until=time.monotonic() + self.delay_s)
        return {}

    # Versions and the alias

    def PublishVersion(self, request: Fields) -> Fields:
        function, latest = self._function(request), self._version(request, LATEST)
        if latest["Status"] != "Active":
            raise ApiError("FailedOperation.PublishVersion", f"the function is {latest['Status']}")
        number, function["next"] = str(function["next"]), function["next"] + 1
        version = {**latest, "Description": request.get("Description", ""), "AddTime": now()}
        if not re.fullmatch(r"[\w ,.\n]*", version["Description"]):
            raise ApiError("InvalidParameterValue.Description")
        function["versions"][number] = version
        self._start(version, "Publishing", "PublishVersion")
        shown = {name: version[name] for name in ("MemorySize", "Description", "Handler", "Timeout", "Runtime")}
        return {"FunctionVersion": number, "CodeSize": len(version["code"]), "Namespace": "default", **shown}

    def ListVersionByFunction(self, request: Fields) -> Fields:
        versions = [
            {"Version": number, **{key: version[key] for key in ("Description", "AddTime", "ModTime", "Status")}}
            for number, version in self._function(request)["versions"].items()
        ]
        page = versions[request.get("Offset", 0) :][: request.get("Limit", 20)]
        names = [version["Version"] for version in page]
        return {"FunctionVersion": names, "Versions": page, "TotalCount": len(versions)}

    def GetAlias(self, request: Fields) -> Fields:
        function = self._function(request)
        if request["Name"] != DEFAULT:
            raise ApiError("ResourceNotFound.Alias", "the alias does not exist")
        return dict(function["alias"])

    def UpdateAlias(self, request: Fields) -> Fields:
        alias = self.GetAlias(request)
        routing = request.get("RoutingConfig") or alias["RoutingConfig"]  # left out, it stays as it was
        weights = routing.get("AdditionalVersionWeights") or []
        wrong = [w for w in weights if not 0 <= w["Weight"] <= 1 or w["Version"] == request["FunctionVersion"]]
        if len(weights) > 1 or wrong:
            raise ApiError("InvalidParameterValue.AdditionalVersionWeights")
        for number in (request["FunctionVersion"], *(weight["Version"] for weight in weights)):
            if self._version(request, number, "ResourceNotFound.FunctionVersion")["Status"] != "Active":
                raise ApiError("FailedOperation.FunctionVersionStatusNotActive", number)
        alias.update(
            FunctionVersion=request["FunctionVersion"],
            RoutingConfig={"AdditionalVersionWeights": weights, "AddtionVersionMatchs": []},
            Description=request.get("Description", ""),
        )
        self._function(request)["alias"] = alias
        return {}

    # URLs

    def CreateTrigger(self, request: Fields) -> Fields:
        urls, qualifier = self._function(request)["urls"], request.get("Qualifier", LATEST)
        target = self._function(request)["alias"]["FunctionVersion"] if qualifier == DEFAULT else qualifier
        if self._version(request, target)["Status"] != "Active":
            raise ApiError("FailedOperation.CreateTrigger", "the function's state does not allow it")
        if qualifier in urls or any(url["TriggerName"] == request["TriggerName"] for url in urls.values()):
            raise ApiError("ResourceInUse.Trigger", "the name is taken, or the version or alias has a URL")
        address = f"https://{APPID}-{uuid.uuid4().hex[:10]}.ap-guangzhou.tencentscf.com"
        urls[qualifier] = {
            **dict.fromkeys(("ModTime", "AddTime", "CustomArgument", "Description", "ResourceId"), ""),
            "AvailableStatus": "Available",
            "BindStatus": "on",
            "TriggerAttribute": "single",
            "TriggerName": request["TriggerName"],
            "Type": request["Type"],
            "Qualifier": qualifier,
            "Enable": int(request.get("Enable", "OPEN") == "OPEN"),
            "TriggerDesc": _trigger_text(request, address),
        }
        return {"TriggerInfo": urls[qualifier]}

    def UpdateTrigger(self, request: Fields) -> Fields:
        url = self._url(request)
        address = json.loads(url["TriggerDesc"])["NetConfig"]["ExtranetUrl"]
        url["TriggerDesc"] = _trigger_text(request, address)
        return {}

    def ListTriggers(self, request: Fields) -> Fields:
        urls = [{**url, "BoundResources": ""} for url in self._function(request)["urls"].values()]
        return {"TotalCount": len(urls), "Triggers": urls}

    def DeleteTrigger(self, request: Fields) -> Fields:
        del self._function(request)["urls"][self._url(request)["Qualifier"]]
        return {}

    # Running

    def InvokeFunction(self, request: Fields) -> Fields:
        number, run = self.prepare(request["FunctionName"], request.get("Qualifier", DEFAULT))
        if run["Type"] != "Event":
            raise ApiError("InvalidParameterValue.Type", "a web function takes HTTP requests")
        outcome, request_id = self.run(request["FunctionName"], number, run, json.loads(request.get("Event", "{}")))
        result = {
            "RetMsg": outcome.value,
            "ErrMsg": outcome.error,
            "Log": outcome.log if request.get("LogType") == "Tail" else "",
            "MemUsage": 30_000_000,
            "Duration": outcome.milliseconds,
            "BillDuration": int(outcome.milliseconds) + 1,
            "FunctionRequestId": request_id,
            "InvokeResult": int(bool(outcome.error)),
        }
        return {"Result": result}

    def prepare(self, name: str, qualifier: str) -> tuple[str, Fields]:
        """Return the version that a request goes to, by the alias's weights, with what it runs."""
        request = {"FunctionName": name}
        if qualifier == DEFAULT:
            alias = self._function(request)["alias"]
            weights = alias["RoutingConfig"].get("AdditionalVersionWeights") or []
            is_canary = weights and random.random() < weights[0]["Weight"]
            qualifier = weights[0]["Version"] if is_canary else alias["FunctionVersion"]
        version = self._version(request, qualifier, "ResourceNotFound.Qualifier")
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

    # What the actions have in common

    def _function(self, request: Fields) -> Fields:
        function = self.functions.get(request["FunctionName"])
        latest = function["versions"][LATEST] if function else None
        if latest and latest["Status"] == "Deleting" and time.monotonic() >= latest["until"]:
            del self.functions[request["FunctionName"]]
            function = None
        if function is None:
            raise ApiError("ResourceNotFound.Function", "the function does not exist")
        return function

    def _version(self, request: Fields, number: str, missing: str = "ResourceNotFound.FunctionVersion") -> Fields:
        version: Fields | None = self._function(request)["versions"].get(number)
        if version is None:
            raise ApiError(missing, f"there is no version {number}")
        if version["Status"] in CHANGING and time.monotonic() >= version["until"]:
            error = version.pop("error", None)
            version["Status"] = CHANGING[version["Status"]] if error else "Active"
            version["StatusReasons"] = [{"ErrorCode": error, "ErrorMessage": "it failed"}] if error else []
        return version

    def _start(self, version: Fields, status: str, action: str) -> None:
        error = self.failures.get(action) or version.pop("bad", None)
        version.update(Status=status, until=time.monotonic() + self.delay_s, ModTime=now(), StatusReasons=[])
        if error:
            version["error"] = error

    def _code(self, code: Fields) -> Fields:
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

    def _configure(self, latest: Fields, request: Fields) -> None:
        memory: int = request.get("MemorySize") or latest["MemorySize"]
        if memory != 64 and not (128 <= memory <= 3072 and memory % 128 == 0):
            raise ApiError("InvalidParameterValue.MemorySize")
        names = ("MemorySize", "Timeout", "InitTimeout", "Description")
        latest.update({name: request[name] for name in names if name in request})
        variables = (request.get("Environment") or {}).get("Variables")
        if variables:  # an empty list changes nothing; one empty variable takes them all away
            latest["Environment"] = {"Variables": [item for item in variables if item["Key"]]}

    def _url(self, request: Fields) -> Fields:
        url: Fields | None = self._function(request)["urls"].get(request.get("Qualifier", LATEST))
        if url is None or url["TriggerName"] != request["TriggerName"]:
            raise ApiError("ResourceNotFound.Trigger", "there is no such trigger")
        return url


def _must_be_settled(version: Mapping[str, Any], code: str) -> None:
    if version["Status"] in (*CHANGING, "Deleting"):
        raise ApiError(code, f"the function is {version['Status']}")


def _trigger_text(request: Fields, address: str) -> str:
    content = json.loads(request["TriggerDesc"])
    if request["Type"] != "http" or content.get("AuthType") not in ("NONE", "CAM") or "NetConfig" not in content:
        raise ApiError("InvalidParameterValue.TriggerDesc")
    content["NetConfig"]["ExtranetUrl"] = address
    return json.dumps(content)


def now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def now_ms() -> int:
    return time.time_ns() // 10**6
