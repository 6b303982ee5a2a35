"""The actions of Serverless Cloud Function.

Each public method with the name of an action is that action: it gets the request, already checked, and returns the
answer, which is checked afterwards.
"""

import json
import re
import time
import uuid
from collections.abc import Mapping
from typing import Any

from tests.cloud.cos import APPID
from tests.cloud.errors import ApiError
from tests.cloud.functions import CHANGING, DEFAULT, LATEST, Fields, Functions, now

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


class Scf(Functions):
    """The actions."""

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
            **self.code_of(request["Code"]),
        }
        self.configure(latest, request)
        alias: Fields = {"Name": DEFAULT, "FunctionVersion": LATEST, "Description": ""}
        alias |= {"RoutingConfig": {"AdditionalVersionWeights": [], "AddtionVersionMatchs": []}}
        alias |= {"AddTime": now(), "ModTime": now()}
        self.functions[name] = {"versions": {LATEST: latest}, "alias": alias, "urls": {}, "next": 1}
        self.start(latest, "Creating", "CreateFunction")
        return {}

    def GetFunction(self, request: Fields) -> Fields:
        number = request.get("Qualifier", LATEST)
        version = self.version_of(request, number)
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
        latest = self.version_of(request, LATEST)
        _must_be_settled(latest, "FailedOperation.UpdateFunctionCode")
        latest.update(self.code_of(request["Code"]))
        latest["Handler"] = request.get("Handler", latest["Handler"])
        self.start(latest, "Updating", "UpdateFunctionCode")
        return {}

    def UpdateFunctionConfiguration(self, request: Fields) -> Fields:
        latest = self.version_of(request, LATEST)
        _must_be_settled(latest, "FailedOperation.UpdateFunctionConfiguration")
        self.configure(latest, request)
        self.start(latest, "Updating", "UpdateFunctionConfiguration")
        return {}

    def DeleteFunction(self, request: Fields) -> Fields:
        latest = self.version_of(request, LATEST)
        _must_be_settled(latest, "FailedOperation.DeleteFunction")
        latest.update(Status="Deleting", until=time.monotonic() + self.delay_s)
        return {}

    # Versions and the alias

    def PublishVersion(self, request: Fields) -> Fields:
        function, latest = self.function_of(request), self.version_of(request, LATEST)
        if latest["Status"] != "Active":
            raise ApiError("FailedOperation.PublishVersion", f"the function is {latest['Status']}")
        number, function["next"] = str(function["next"]), function["next"] + 1
        version = {**latest, "Description": request.get("Description", ""), "AddTime": now()}
        if not re.fullmatch(r"[\w ,.\n]*", version["Description"]):
            raise ApiError("InvalidParameterValue.Description")
        function["versions"][number] = version
        self.start(version, "Publishing", "PublishVersion")
        shown = {name: version[name] for name in ("MemorySize", "Description", "Handler", "Timeout", "Runtime")}
        return {"FunctionVersion": number, "CodeSize": len(version["code"]), "Namespace": "default", **shown}

    def ListVersionByFunction(self, request: Fields) -> Fields:
        versions = [
            {"Version": number, **{key: version[key] for key in ("Description", "AddTime", "ModTime", "Status")}}
            for number, version in self.function_of(request)["versions"].items()
        ]
        page = versions[request.get("Offset", 0) :][: request.get("Limit", 20)]
        names = [version["Version"] for version in page]
        return {"FunctionVersion": names, "Versions": page, "TotalCount": len(versions)}

    def GetAlias(self, request: Fields) -> Fields:
        function = self.function_of(request)
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
            if self.version_of(request, number, "ResourceNotFound.FunctionVersion")["Status"] != "Active":
                raise ApiError("FailedOperation.FunctionVersionStatusNotActive", number)
        alias.update(
            FunctionVersion=request["FunctionVersion"],
            RoutingConfig={"AdditionalVersionWeights": weights, "AddtionVersionMatchs": []},
            Description=request.get("Description", ""),
        )
        self.function_of(request)["alias"] = alias
        return {}

    # URLs

    def CreateTrigger(self, request: Fields) -> Fields:
        urls, qualifier = self.function_of(request)["urls"], request.get("Qualifier", LATEST)
        target = self.function_of(request)["alias"]["FunctionVersion"] if qualifier == DEFAULT else qualifier
        if self.version_of(request, target)["Status"] != "Active":
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
        urls = [{**url, "BoundResources": ""} for url in self.function_of(request)["urls"].values()]
        return {"TotalCount": len(urls), "Triggers": urls}

    def DeleteTrigger(self, request: Fields) -> Fields:
        del self.function_of(request)["urls"][self._url(request)["Qualifier"]]
        return {}

    # Running

    def InvokeFunction(self, request: Fields) -> Fields:
        number, run = self.pick_version(request["FunctionName"], request.get("Qualifier", DEFAULT))
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


def _must_be_settled(version: Mapping[str, Any], code: str) -> None:
    if version["Status"] in (*CHANGING, "Deleting"):
        raise ApiError(code, f"the function is {version['Status']}")


def _trigger_text(request: Fields, address: str) -> str:
    content = json.loads(request["TriggerDesc"])
    if request["Type"] != "http" or content.get("AuthType") not in ("NONE", "CAM") or "NetConfig" not in content:
        raise ApiError("InvalidParameterValue.TriggerDesc")
    content["NetConfig"]["ExtranetUrl"] = address
    return json.dumps(content)
