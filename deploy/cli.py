"""The command line of `python -m deploy`."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from deploy.api import Api
from deploy.credentials import load_credential
from deploy.destroy import destroy_steps
from deploy.errors import DeployError, NetworkError
from deploy.function import ALIAS, Function
from deploy.logs import parse_since, read_logs
from deploy.package import build_zip_if_stale, image_package, zip_package
from deploy.rollout import Rollout
from deploy.settings import FILE, Settings, add_options, load_settings
from deploy.status import print_status
from deploy.storage import Storage
from deploy.terminal import Step, carry_out
from deploy.traffic import Traffic, move_traffic, read_traffic
from deploy.trial import check_model, expect, try_version

ENDPOINT_VARIABLE = "TENCENTCLOUD_ENDPOINT"


class Session(NamedTuple):
    """What a command works with."""

    options: argparse.Namespace
    settings: Settings
    function: Function
    storage: Callable[[], Storage]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the command line names, and return the exit status."""
    quiet_libraries()
    options = _parser().parse_args(arguments)
    try:
        _COMMANDS[options.command](_session(options))
    except DeployError as error:
        print(f"deploy: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("deploy: interrupted. Run the command again: it goes on where it stopped.", file=sys.stderr)
        return 130
    return 0


def quiet_libraries() -> None:
    """Silence the official libraries' logs, whatever the root's level: they have signing keys and whole requests."""
    for name in ("qcloud_cos", "tencentcloud_sdk_common", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _session(options: argparse.Namespace) -> Session:
    settings = load_settings(options, options.settings)
    credential = load_credential()
    endpoint = options.endpoint or os.environ.get(ENDPOINT_VARIABLE)
    if endpoint and "://" not in endpoint:
        raise DeployError(f"The endpoint has to be http://HOST:PORT, not {endpoint}.")
    dry_run = getattr(options, "dry_run", False)
    api = Api(credential, settings.region, endpoint, dry_run)

    def storage() -> Storage:
        account = api.read("GetUserAppId", "cam")["AppId"]
        return Storage(credential, settings.region, f"{settings.bucket}-{account}", endpoint, dry_run)

    return Session(options, settings, Function(api, settings.function), storage)


def _up(session: Session) -> None:
    options, settings, function = session.options, session.settings, session.function
    if settings.image:
        package = image_package(settings)
    else:
        package = zip_package(settings, options.zip or _built_zip(options, settings))
    print(f"{package.summary} -> {settings.function} in {settings.region}")
    rollout = Rollout(function, session.storage, settings, package)
    steps = rollout.steps()
    if not steps:
        print("Everything is as it should be: nothing was changed.")
    else:
        carry_out(steps, options.yes, options.dry_run)
    if not options.dry_run:
        _print_end(function)


def _built_zip(options: argparse.Namespace, settings: Settings) -> Path:
    if not options.accept_model:
        check_model(settings.environment)
    return build_zip_if_stale(options.interpreter, settings.environment, options.accept_model)


def _print_end(function: Function) -> None:
    traffic = read_traffic(function)
    print(f"traffic: {traffic}")
    for url in function.urls():
        print(f"URL: {url.address}" if url.qualifier == ALIAS else f"URL of {url.qualifier}: {url.address}")
    if traffic.canary:
        print("`python -m deploy promote` gives it all of the traffic, `python -m deploy rollback` none.")


def _promote(session: Session) -> None:
    traffic = read_traffic(session.function)
    if traffic.canary is None:
        print(f"There is no canary; the traffic goes to {traffic}: nothing was changed.")
        return
    _shift(session, traffic, traffic.with_main(traffic.canary))


def _rollback(session: Session) -> None:
    function, target = session.function, session.options.version
    traffic = read_traffic(function)
    if target is None:
        earlier = traffic.history if traffic.canary else traffic.history[:-1]
        if not earlier:
            raise DeployError("No earlier version has had the traffic: name one, `python -m deploy rollback VERSION`.")
        target = earlier[-1]
    if traffic == Traffic(target, history=traffic.history):
        print(f"The traffic goes to {traffic} already: nothing was changed.")
        return
    if target not in traffic.history:
        found = function.get(target) if target.isdecimal() else None
        if not found:
            raise DeployError(f"There is no published version {target}: `python -m deploy status` lists them.")
        function.wait_until_active(target)
        handler = None if found.get("Type") == "HTTP" else found.get("Handler")
        try_version(function, target, handler, expect(handler, session.settings.environment))
    try:
        _shift(session, traffic, traffic.with_main(target))
    except NetworkError as error:  # the same command could go back one version more
        cure = f"Whether it arrived or not, `python -m deploy rollback {target}` makes it so."
        raise NetworkError(error.reason, cure) from error


def _shift(session: Session, now: Traffic, after: Traffic) -> None:
    step = Step("traffic", str(now), str(after), lambda: move_traffic(session.function, now, after))
    carry_out([step], session.options.yes, session.options.dry_run)


def _status(session: Session) -> None:
    print_status(session.function)


def _logs(session: Session) -> None:
    for line in read_logs(session.function, parse_since(session.options.since), session.options.request):
        print(line)


def _invoke(session: Session) -> None:
    try:
        event = json.loads(session.options.file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DeployError(f"{session.options.file} is not a JSON file: {error}") from error
    result = session.function.invoke(session.options.version, json.dumps(event))
    print(result["Log"].strip(), file=sys.stderr)
    if result["ErrMsg"]:
        raise DeployError(f"The function failed: {result['ErrMsg']}")
    print(result["RetMsg"])


def _destroy(session: Session) -> None:
    steps = list(destroy_steps(session.function, session.storage()))
    if not steps:
        print("There is nothing to delete.")
        return
    carry_out(steps, session.options.yes, session.options.dry_run)


_COMMANDS = {
    "up": _up,
    "promote": _promote,
    "rollback": _rollback,
    "status": _status,
    "logs": _logs,
    "invoke": _invoke,
    "destroy": _destroy,
}


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--endpoint", help=f"a stand-in for the cloud (default: ${ENDPOINT_VARIABLE})")
    common.add_argument("--settings", type=Path, default=FILE, metavar="FILE", help="(default: deploy.toml)")
    add_options(common)
    parser = argparse.ArgumentParser(prog="python -m deploy", description="The function in Tencent Cloud.")
    commands = parser.add_subparsers(dest="command", required=True)
    texts = {
        "up": "make the cloud as deploy.toml says: build, upload, publish, try, and give it traffic",
        "promote": "give the canary all of the traffic",
        "rollback": "take the canary's traffic away, or go back to the version before, or to any other",
        "status": "show the versions, the traffic, the URL and the last errors",
        "logs": "show the function's log",
        "invoke": "run the function with the event in a file",
        "destroy": "delete all of it",
    }
    by_name = {
        name: commands.add_parser(name, parents=[common], help=text, description=text) for name, text in texts.items()
    }
    up = by_name["up"]
    up.add_argument("--zip", type=Path, metavar="FILE", help="this one, as it is (default: dist/, built where stale)")
    up.add_argument("--interpreter", metavar="PYTHON", help="the Python 3.10 to build with (default: from the PATH)")
    up.add_argument("--accept-model", action="store_true", help="also one that cannot read the example pictures")
    by_name["rollback"].add_argument("version", nargs="?", help="default: the one before")
    by_name["logs"].add_argument("--since", default="15m", help="90s, 15m, 2h, 3d (default: %(default)s)")
    by_name["logs"].add_argument("--request", metavar="ID", help="only the lines of one request")
    by_name["invoke"].add_argument("file", type=Path, help="a JSON file")
    by_name["invoke"].add_argument("--version", default=ALIAS, help="or alias (default: %(default)s, the traffic's)")
    for name in ("up", "promote", "rollback", "destroy"):
        by_name[name].add_argument("--yes", action="store_true", help="do not ask")
        by_name[name].add_argument("--dry-run", action="store_true", help="read, and print what would be sent")
    return parser
