"""What the cloud has: versions, traffic, the URL, the last errors."""

from collections.abc import Mapping
from typing import Any

from deploy.errors import DeployError
from deploy.function import ALIAS, Function, Url
from deploy.logs import read_logs
from deploy.terminal import print_table
from deploy.traffic import Traffic, read_traffic

ERRORS_SINCE_S = 3600
MAX_ERRORS = 5


def print_status(function: Function) -> None:
    """Print it.

    Raises:
        DeployError: there is no function.
    """
    found = function.get()
    if not found:
        raise DeployError(f"There is no function {function.name}: make it with `python -m deploy up`.")
    traffic = read_traffic(function)
    print(f"{function.name}: {found['Status']}, {found['MemorySize']} MB, {found['Timeout']} s, {_kind(found)}")
    for reason in found.get("StatusReasons") or []:
        print(f"{reason['ErrorCode']}: {reason['ErrorMessage']}")
    for trigger in function.triggers():
        of = "the traffic" if trigger.qualifier == ALIAS else trigger.qualifier
        if isinstance(trigger, Url):
            print(f"URL of {of}: {trigger.address} ({trigger.auth})")
        else:
            print(f"trigger of {of}: {trigger.name} ({trigger.kind})")
    rows = [
        (
            version["Version"],
            version["Status"],
            version["Description"],
            _share(traffic, version["Version"]),
            version["AddTime"],
        )
        for version in function.versions()
    ]
    print_table(("version", "status", "what it runs", "traffic", "published"), rows)
    errors = [line for line in read_logs(function, ERRORS_SINCE_S) if line.is_error] if found.get("ClsTopicId") else []
    print(f"errors in the last hour: {len(errors)}")
    for line in errors[-MAX_ERRORS:]:
        print(line)


def _kind(found: Mapping[str, Any]) -> str:
    image = (found.get("ImageConfig") or {}).get("ImageUri")
    return f"image {image}" if image else f"{found['Handler']} on {found['Runtime']}"


def _share(traffic: Traffic, version: str) -> str:
    if version == traffic.main:
        return f"{100 - traffic.percent:g} %"
    return f"{traffic.percent:g} %" if version == traffic.canary else ""
