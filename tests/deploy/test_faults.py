"""The network breaks at every single request of every command, and the next run finishes what that one began."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from testbed.pictures import EXAMPLES
from tests.cloud.server import Cloud, Fault
from tests.deploy.conftest import PERSONAL, Run, Zips

EVENT = EXAMPLES / "function_url_event.json"
READS = ("Get", "List", "Search", "GET", "HEAD")
Prepare = Callable[[Run, Zips], object]


def nothing(_up: Run, _zips: Zips) -> None:
    """Leave the account empty."""


def one_version(up: Run, zips: Zips) -> None:
    up(zips[0])


def two_versions(up: Run, zips: Zips) -> None:
    up(zips[0])
    up(zips[1])


def a_canary(up: Run, zips: Zips) -> None:
    up(zips[0])
    up(zips[1], "--canary", 10)


def state(cloud: Cloud) -> dict[str, Any]:
    """Return what a user sees of the cloud, without times and the URLs' random addresses."""
    functions = {}
    for name, function in cloud.scf.functions.items():
        kept = ("code", "Description", "MemorySize", "Environment", "Status")
        versions = {
            number: {key: version[key] for key in kept}
            for number, version in function["versions"].items()
            if number != "$LATEST"
        }
        alias = {key: value for key, value in function["alias"].items() if not key.endswith("Time")}
        functions[name] = (versions, alias, sorted(function["urls"]))
    buckets = {name: (bucket.objects, bucket.uploads) for name, bucket in cloud.cos.buckets.items()}
    return {"functions": functions, "buckets": buckets}


def arguments(command: str, zips: Zips) -> list[object]:
    """Return a command's arguments, with the files in the place of their names."""
    files: dict[str, object] = {"IMAGE": PERSONAL, "FIRST": zips[0], "SECOND": zips[1], "EVENT": EVENT}
    return [files.get(word, word) for word in command.split()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("is_after", "is_half"),
    [
        pytest.param(False, False, id="the request is lost"),
        pytest.param(True, False, id="the answer is lost"),
        pytest.param(True, True, id="half of the answer is lost"),
    ],
)
@pytest.mark.parametrize(
    ("prepare", "command", "requests"),
    [
        pytest.param(nothing, "up --yes --zip FIRST", 23, id="first up"),
        pytest.param(
            one_version, "up --yes --zip SECOND --canary 10 --memory-mb 512 --url-auth cam", 28, id="up with all new"
        ),
        pytest.param(two_versions, "up --yes --zip SECOND", 7, id="up with nothing to do"),
        pytest.param(a_canary, "promote --yes", 3, id="promote"),
        pytest.param(a_canary, "rollback --yes", 3, id="rollback of a canary"),
        pytest.param(two_versions, "rollback --yes", 3, id="rollback"),
        pytest.param(two_versions, "rollback 1 --yes", 3, id="rollback to a version"),
        pytest.param(two_versions, "destroy --yes", 14, id="destroy"),
        pytest.param(one_version, "status", 6, id="status"),
        pytest.param(one_version, "logs", 2, id="logs"),
        pytest.param(one_version, "invoke EVENT", 1, id="invoke"),
        pytest.param(nothing, "up --yes --image IMAGE", 15, id="first up of an image"),
    ],
)
def test_a_run_that_broke_off_at_any_request_is_finished_by_the_next(
    prepare: Prepare,
    command: str,
    requests: int,
    is_after: bool,
    is_half: bool,
    cloud: Cloud,
    deploy: Run,
    up: Run,
    zips: Zips,
    request: pytest.FixtureRequest,
) -> None:
    if "IMAGE" in command:
        request.getfixturevalue("images")
    cloud.scf.delay_s = 0
    prepare(up, zips)
    before = cloud.save()
    words = arguments(command, zips)
    cloud.requests.clear()
    assert deploy(*words).status == 0
    expected = state(cloud)
    sent = [name.partition(" ")[0] for name, _ in cloud.requests]
    assert len(sent) == requests
    for number, name in enumerate(sent, 1):
        if is_after and name.startswith(READS):  # it changes nothing: as if the request had been lost
            continue
        cloud.restore(before)
        cloud.break_at(Fault(number, is_after, is_half))
        broken = deploy(*words)
        assert cloud.faults
        cloud.break_at(None)
        assert broken.status == 1, f"request {number} was lost, and the command did not say so"
        assert "The network broke. " in broken.errors
        advice = re.search(r"`python -m deploy (rollback \d+)` makes it so", broken.errors)
        assert advice or "Run the command again" in broken.errors
        finished = deploy(*(f"{advice[1]} --yes".split() if advice else words))
        assert finished.status == 0, f"after request {number} was lost: {finished.errors}"
        assert state(cloud) == expected, f"after request {number} was lost"


def test_a_request_that_reads_is_sent_again_where_half_of_its_answer_comes(
    cloud: Cloud, deploy: Run, up: Run, zips: Zips, monkeypatch: pytest.MonkeyPatch
) -> None:
    up(zips[0])
    remaining = iter([True])
    cloud.break_at(Fault(0, is_after=True, is_half=True))
    monkeypatch.setattr(cloud, "is_lost", lambda is_answer: is_answer and next(remaining, False))
    assert deploy("status").status == 0
    assert next(remaining, None) is None


@pytest.mark.parametrize("lost", [1, 2], ids=["once", "twice in a row"])
def test_a_request_that_reads_is_sent_again_where_the_network_hiccups(
    lost: int, cloud: Cloud, deploy: Run, up: Run, zips: Zips, monkeypatch: pytest.MonkeyPatch
) -> None:
    up(zips[0])
    remaining = iter([True] * lost)
    monkeypatch.setattr(cloud, "is_lost", lambda is_answer: not is_answer and next(remaining, False))
    assert deploy("status").status == 0
    assert next(remaining, None) is None


@pytest.mark.parametrize("action", ["CreateFunction", "PublishVersion", "UpdateAlias"])
def test_a_change_whose_answer_got_lost_is_not_sent_again_by_the_same_run(
    action: str, cloud: Cloud, deploy: Run, up: Run, zips: Zips, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[str] = []

    def is_lost(is_answer: bool) -> bool:
        if is_answer and not lost and cloud.requests[-1][0] == action:
            lost.append(action)
            return True
        return False

    monkeypatch.setattr(cloud, "is_lost", is_lost)
    assert deploy("up", "--yes", "--zip", zips[0]).status == 1
    assert lost == [action]
    assert [name for name, _ in cloud.requests].count(action) == 1
    up(zips[0])
    assert list(cloud.scf.functions["mnist-infer"]["versions"]) == ["$LATEST", "1"]
