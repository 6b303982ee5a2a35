"""The trial of a new version, its share of the traffic, and the way back."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from deploy import trial
from testbed.pictures import EXAMPLES
from tests.cloud.server import Cloud
from tests.deploy.conftest import FUNCTION, Run, Zips


def alias(cloud: Cloud) -> tuple[str, dict[str, float]]:
    """Return the version that has the traffic, and the shares of others."""
    found = cloud.scf.functions[FUNCTION]["alias"]
    weights = found["RoutingConfig"].get("AdditionalVersionWeights") or []
    return found["FunctionVersion"], {weight["Version"]: weight["Weight"] for weight in weights}


@contextmanager
def load(cloud: Cloud) -> Iterator[Callable[[], None]]:
    """Send requests to the function URL all the time; the value waits until some more have been answered."""
    (url,) = cloud.scf.functions[FUNCTION]["urls"].values()
    address = json.loads(url["TriggerDesc"])["NetConfig"]["ExtranetUrl"].replace("https", "http") + "/"
    body = json.loads((EXAMPLES / "function_url_event.json").read_text())["body"]
    is_over, is_answered = threading.Event(), threading.Semaphore(0)
    digits: set[object] = set()

    def send() -> None:
        while not is_over.is_set():
            response = requests.post(address, data=body, proxies={"http": cloud.endpoint}, timeout=30)
            digits.add(response.json().get("result"))
            is_answered.release()

    def wait() -> None:
        for _ in range(20):
            assert is_answered.acquire(timeout=60)

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield wait
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
    assert digits == {9}
    assert {status for _, status in cloud.served} == {200}


@pytest.mark.parametrize(
    ("fault", "share"),
    [
        ("a model that cannot be read", 0),
        ("a handler that raises", 0),
        ("a handler without the entry point", 0),
        ("wrong digits", 0),
        ("wrong digits", 50),
    ],
)
def test_no_request_ever_reaches_a_version_that_fails_its_trial(
    fault: str, share: int, cloud: Cloud, up: Run, deploy: Run, zips: Zips, broken_zips: dict[str, Path]
) -> None:
    up(zips[0])
    with load(cloud) as wait:
        wait()
        done = deploy("up", "--yes", "--canary", share, "--zip", broken_zips[fault])
        wait()
    assert done.status == 1
    assert "Version 2 failed its trial with apigw_event.json" in done.errors or "function_url" in done.errors
    assert {version for version, _ in cloud.served} == {"1"}
    assert alias(cloud) == ("1", {})


def test_a_failed_trial_shows_what_was_expected_what_came_and_the_log(
    cloud: Cloud, up: Run, deploy: Run, zips: Zips, broken_zips: dict[str, Path]
) -> None:
    up(zips[0])
    done = deploy("up", "--yes", "--zip", broken_zips["wrong digits"])
    assert 'expected: {"status": 200, "content": {"result": 9' in done.errors
    assert 'it gave:  {"status": 200, "content": {"result": 4' in done.errors
    assert 'its log:  {"event": "request"' in done.errors
    assert alias(cloud)[0] == "1"


def test_a_version_as_broken_as_this_machine_gets_no_traffic(
    cloud: Cloud, up: Run, deploy: Run, zips: Zips, broken_zips: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    up(zips[0])
    failure = {"statusCode": 500, "body": '{"result": -1, "errCode": "internal_error"}'}
    monkeypatch.setattr(trial, "expected_answers", lambda _handler, events, _environ: dict.fromkeys(events, failure))
    done = deploy("up", "--yes", "--zip", broken_zips["wrong digits"])
    assert (done.status, alias(cloud)) == (1, ("1", {}))
    assert "no example event gives a digit" in done.errors


def test_a_version_that_failed_is_tried_again_by_the_next_run_and_fails_again(
    cloud: Cloud, up: Run, deploy: Run, zips: Zips, broken_zips: dict[str, Path]
) -> None:
    up(zips[0])
    broken = broken_zips["wrong digits"]
    assert deploy("up", "--yes", "--zip", broken).status == 1
    assert deploy("up", "--yes", "--zip", broken).status == 1
    assert list(cloud.scf.functions[FUNCTION]["versions"]) == ["$LATEST", "1", "2"]
    assert alias(cloud) == ("1", {})


def test_versions_change_under_load_without_an_answer_lost(cloud: Cloud, up: Run, deploy: Run, zips: Zips) -> None:
    up(zips[0])
    with load(cloud) as wait:
        wait()
        up(zips[1], "--canary", 30)
        assert alias(cloud) == ("1", {"2": 0.3})
        wait()
        assert deploy("promote", "--yes").status == 0
        assert alias(cloud) == ("2", {})
        wait()
        up(zips[2], "--canary", 10)
        wait()
        assert deploy("rollback", "--yes").status == 0
        assert alias(cloud) == ("2", {})
        wait()
        assert deploy("rollback", "--yes").status == 0
        assert alias(cloud) == ("1", {})
        wait()
    assert {"1", "2"} <= {version for version, _ in cloud.served} <= {"1", "2", "3"}


def test_up_finds_its_own_version_while_others_publish(cloud: Cloud, up: Run, zips: Zips) -> None:
    up(zips[0])
    is_over = threading.Event()

    def publish() -> None:
        while not is_over.wait(0.001):
            with cloud.lock:
                latest = cloud.scf.functions[FUNCTION]["versions"]["$LATEST"]
                if latest["Status"] == "Active":
                    cloud.scf.PublishVersion({"FunctionName": FUNCTION, "Description": "of somebody else"})

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        up(zips[1])
    finally:
        is_over.set()
        thread.join()
    main, _ = alias(cloud)
    assert cloud.scf.functions[FUNCTION]["versions"][main]["code"] == zips[1].read_bytes()
    assert cloud.scf.functions[FUNCTION]["versions"][main]["Description"].startswith("zip ")


def test_a_canary_of_the_first_version_gets_all_of_the_traffic(cloud: Cloud, up: Run, zips: Zips) -> None:
    up(zips[0], "--canary", 10)
    assert alias(cloud) == ("1", {})


def test_up_with_the_same_share_changes_nothing_with_another_the_share_and_with_none_promotes(
    cloud: Cloud, up: Run, zips: Zips
) -> None:
    up(zips[0])
    up(zips[1], "--canary", 10)
    assert "nothing was changed" in up(zips[1], "--canary", 10).output
    up(zips[1], "--canary", 25)
    assert alias(cloud) == ("1", {"2": 0.25})
    up(zips[1])
    assert alias(cloud) == ("2", {})


def test_promote_takes_three_requests_and_the_second_time_none_that_change(
    cloud: Cloud, up: Run, deploy: Run, zips: Zips
) -> None:
    up(zips[0])
    up(zips[1], "--canary", 10)
    cloud.requests.clear()
    assert deploy("promote", "--yes").status == 0
    assert [name for name, _ in cloud.requests] == ["GetAlias", "GetAlias", "UpdateAlias"]
    cloud.requests.clear()
    assert "nothing was changed" in deploy("promote", "--yes").output
    assert [name for name, _ in cloud.requests] == ["GetAlias"]


def test_rollback_goes_back_the_way_that_the_traffic_came(
    cloud: Cloud, up: Run, deploy: Run, zips: Zips, broken_zips: dict[str, Path]
) -> None:
    up(zips[0])
    deploy("up", "--yes", "--zip", broken_zips["wrong digits"])
    up(zips[1])
    up(zips[2])
    assert alias(cloud) == ("4", {})
    for expected in ("3", "1"):
        assert deploy("rollback", "--yes").status == 0
        assert alias(cloud) == (expected, {}), "version 2 never had the traffic"
    done = deploy("rollback", "--yes")
    assert (done.status, alias(cloud)[0]) == (1, "1")
    assert "No earlier version has had the traffic" in done.errors


def test_rollback_to_a_version_that_never_had_traffic_tries_it_first(
    cloud: Cloud, up: Run, deploy: Run, zips: Zips, broken_zips: dict[str, Path]
) -> None:
    up(zips[0])
    deploy("up", "--yes", "--zip", broken_zips["wrong digits"])
    done = deploy("rollback", "2", "--yes")
    assert (done.status, alias(cloud)) == (1, ("1", {}))
    assert "Version 2 failed its trial" in done.errors


def test_rollback_to_a_named_version_can_be_repeated(cloud: Cloud, up: Run, deploy: Run, zips: Zips) -> None:
    for file in zips:
        up(file)
    for _ in range(2):
        assert deploy("rollback", "1", "--yes").status == 0
        assert alias(cloud) == ("1", {})


@pytest.mark.parametrize("version", ["17", "$LATEST", "one"])
def test_rollback_to_what_is_no_version_moves_nothing(
    version: str, cloud: Cloud, up: Run, deploy: Run, zips: Zips
) -> None:
    up(zips[0])
    done = deploy("rollback", version, "--yes")
    assert (done.status, alias(cloud)) == (1, ("1", {}))
    assert f"There is no published version {version}: `python -m deploy status` lists them" in done.errors


@pytest.mark.parametrize("command", ["promote", "rollback", "up"])
def test_traffic_that_somebody_moves_while_the_user_is_asked_is_not_moved(
    command: str, cloud: Cloud, up: Run, deploy: Run, zips: Zips, monkeypatch: pytest.MonkeyPatch
) -> None:
    up(zips[0])
    up(zips[1], "--canary", 10)

    whole: dict[str, list[object]] = {"AdditionalVersionWeights": [], "AddtionVersionMatchs": []}

    def ask(_prompt: str) -> str:
        if alias(cloud) == ("1", {"2": 0.1}):
            cloud.scf.functions[FUNCTION]["alias"]["RoutingConfig"] = whole
        return "y"

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", ask)
    done = deploy(command, *(["--zip", zips[1]] if command == "up" else []))
    assert (done.status, alias(cloud)) == (1, ("1", {}))
    assert "The traffic was not moved: meanwhile it has changed, to version 1. Run the command again." in done.errors


def test_rollback_goes_by_what_the_alias_points_at_where_somebody_moved_it(
    cloud: Cloud, up: Run, deploy: Run, zips: Zips
) -> None:
    up(zips[0])
    up(zips[1])
    up(zips[2])
    cloud.scf.functions[FUNCTION]["alias"].update(FunctionVersion="1", Description="history 2")
    assert deploy("rollback", "--yes").status == 0
    assert alias(cloud) == ("2", {})
