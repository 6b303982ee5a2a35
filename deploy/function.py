"""The function in the cloud: what it is, its versions, its URL, and changing it."""

import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from deploy.api import Api
from deploy.errors import CONFLICTS, ApiError, DeployError

LATEST, ALIAS, URL_NAME = "$LATEST", "$DEFAULT", "url"
CHANGING = ("Creating", "Updating", "Publishing", "Deleting")
POLL_PAUSE_S = 1.0
MAX_WAIT_S = 600
MAX_CONFLICTS = 10
PAGE = 20


class Trigger(NamedTuple):
    """What calls the function, other than a function URL.

    Attributes:
        name: of the trigger.
        qualifier: the version or alias that it leads to.
        kind: `apigw`, `timer`, ...
        is_live: whether people's requests come through it: it is switched on, and no timer.
    """

    name: str
    qualifier: str
    kind: str
    is_live: bool

    def __str__(self) -> str:
        return f"The trigger {self.name} ({self.kind})"


class Url(NamedTuple):
    """A function URL.

    Attributes:
        name: of its trigger.
        qualifier: the version or alias that it leads to.
        address: `https://...`
        auth: `open` or `cam`.
        cors_origins: of the pages that may call it.
        is_live: whether it is switched on.
    """

    name: str
    qualifier: str
    address: str
    auth: str
    cors_origins: list[str]
    is_live: bool

    def __str__(self) -> str:
        return f"The URL {self.address}"


class Function:
    """One function.

    Attributes:
        name: of the function.
        api: what its requests go through.
    """

    def __init__(self, api: Api, name: str) -> None:
        self.api = api
        self.name = name

    def get(self, qualifier: str = LATEST) -> dict[str, Any] | None:
        """Return what GetFunction says, or None where there is no such function or version."""
        try:
            return self.api.read("GetFunction", FunctionName=self.name, Qualifier=qualifier, ShowCode="FALSE")
        except ApiError as error:
            if error.code.startswith("ResourceNotFound"):
                return None
            raise

    def wait(self, qualifier: str = LATEST) -> dict[str, Any] | None:
        """Return the same once no change of it is under way any more.

        Raises:
            DeployError: the change takes longer than `MAX_WAIT_S`.
        """
        end = time.monotonic() + MAX_WAIT_S
        while (found := self.get(qualifier)) and found["Status"] in CHANGING:
            if time.monotonic() > end:
                raise DeployError(f"{self.name} has been {found['Status']} for {MAX_WAIT_S} s: run the command later.")
            time.sleep(POLL_PAUSE_S)
        return found

    def wait_until_active(self, qualifier: str = LATEST) -> None:
        """Wait until the function or a version can be used.

        Raises:
            DeployError: it will not be.
        """
        if self.api.dry_run:
            return
        found = self.wait(qualifier)
        if found is None:
            raise DeployError(f"{self.name}, version {qualifier}, has gone: did somebody delete it?")
        check_balance(found)
        if found["Status"] != "Active":
            reasons = found.get("StatusReasons") or [
                {"ErrorCode": found["Status"], "ErrorMessage": "no reason is given"}
            ]
            reason = reasons[0]
            raise ApiError(f"{self.name} is {found['Status']}", reason["ErrorCode"], reason["ErrorMessage"])

    def change(self, action: str, **fields: object) -> dict[str, Any]:
        """Send an action that changes the function, once what is under way has ended.

        Raises:
            ApiError: it was refused.
        """
        for _ in range(MAX_CONFLICTS):
            try:
                return self.api.write(action, FunctionName=self.name, **fields)
            except ApiError as error:
                if error.code not in CONFLICTS:
                    raise
            time.sleep(POLL_PAUSE_S)
            self.wait()
        return self.api.write(action, FunctionName=self.name, **fields)

    def versions(self) -> list[dict[str, Any]]:
        """Return the published versions, the newest first, each with Version, Description, Status and AddTime."""
        found: list[dict[str, Any]] = []
        while True:
            answer = self.api.read("ListVersionByFunction", FunctionName=self.name, Offset=len(found), Limit=PAGE)
            found += answer["Versions"]
            if len(found) >= answer["TotalCount"] or not answer["Versions"]:
                break
        published = {version["Version"]: version for version in found if version["Version"].isdigit()}
        return [published[number] for number in sorted(published, key=int, reverse=True)]

    def triggers(self) -> list[Trigger | Url]:
        """Return what calls the function: its URLs, and triggers that were made in the console."""
        triggers = self.api.read("ListTriggers", FunctionName=self.name, Limit=100)["Triggers"]
        return [_url(trigger) if trigger["Type"] == "http" else _trigger(trigger) for trigger in triggers]

    def urls(self) -> list[Url]:
        """Return the function's URLs."""
        return [trigger for trigger in self.triggers() if isinstance(trigger, Url)]

    def put_url(self, action: str, name: str, qualifier: str, auth: str, cors_origins: list[str]) -> None:
        """Make or change a URL; `action` is CreateTrigger or UpdateTrigger."""
        wanted: dict[str, object] = {
            "AuthType": "CAM" if auth == "cam" else "NONE",
            "NetConfig": {"EnableIntranet": False, "EnableExtranet": True},
        }
        if cors_origins:
            wanted["CorsConfig"] = {
                "Enable": True,
                "Origins": cors_origins,
                "Methods": ["POST"],
                "Headers": ["content-type"],
                "ExposeHeaders": ["x-request-id"],
                "MaxAge": 600,
                "Credentials": False,
            }
        at = {"TriggerName": name, "Type": "http", "Qualifier": qualifier, "Enable": "OPEN"}
        self.change(action, **at, TriggerDesc=json.dumps(wanted))

    def delete_url(self, url: Url) -> None:
        """Delete a URL; its address never comes back."""
        self.change("DeleteTrigger", TriggerName=url.name, Type="http", Qualifier=url.qualifier)

    def delete(self) -> None:
        """Delete the function with all its versions, and wait until it is gone.

        Raises:
            DeployError: it does not go.
        """
        self.change("DeleteFunction")
        if not self.api.dry_run and self.wait():
            raise DeployError(f"{self.name} could not be deleted: try it in the console.")

    def invoke(self, qualifier: str, event: str) -> dict[str, Any]:
        """Run the function, and return RetMsg, ErrMsg, Log, Duration and so on; in a dry run nothing."""
        answer = self.change("InvokeFunction", Qualifier=qualifier, Event=event, LogType="Tail")
        result: dict[str, Any] = answer.get("Result", {})
        return result


def check_balance(found: Mapping[str, Any]) -> None:
    """Refuse what GetFunction says of a function that is stopped for want of money."""
    if found.get("AvailableStatus") == "InsufficientBalance":
        raise ApiError("the function", "ResourceUnavailable.InsufficientBalance", "it is stopped")


def _trigger(trigger: Mapping[str, Any]) -> Trigger:
    is_live = bool(trigger["Enable"]) and trigger["Type"] != "timer"
    return Trigger(trigger["TriggerName"], trigger["Qualifier"], trigger["Type"], is_live)


def _url(trigger: Mapping[str, Any]) -> Url:
    content = json.loads(trigger["TriggerDesc"])
    net, cors = content.get("NetConfig", {}), content.get("CorsConfig") or {}
    address = next((net[key] for key in ("ExtranetUrl", "ExtranetHTTPUrl", "IntranetUrl") if net.get(key)), "")
    auth = "cam" if content.get("AuthType") == "CAM" else "open"
    origins = list(cors.get("Origins", [])) if cors.get("Enable") else []
    return Url(trigger["TriggerName"], trigger["Qualifier"], address, auth, origins, bool(trigger["Enable"]))
