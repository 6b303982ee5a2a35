"""`up` against the stand-in: what it makes of the cloud, and what it leaves alone."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from deploy import trial
from testbed.pictures import EXAMPLES
from tests.cloud.server import Cloud
from tests.deploy.conftest import BUCKET, FUNCTION, Run, Zips, model_file

CHANGES = {
    *("CreateFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration", "PublishVersion"),
    *("UpdateAlias", "CreateTrigger", "UpdateTrigger", "InvokeFunction", "DeleteFunction", "DeleteTrigger"),
}


def changes(cloud: Cloud) -> list[str]:
    """Return the requests that change or run something, and that were taken, in their order."""
    return [
        name
        for name, answer in cloud.requests
        if answer == "ok" and name.partition(" ")[0] in {*CHANGES, "PUT", "POST"}
    ]


def ask(cloud: Cloud, event: str = "function_url_event.json") -> requests.Response:
    """Send the function URL the body of an example event."""
    url = json.loads(cloud.scf.functions[FUNCTION]["urls"]["$DEFAULT"]["TriggerDesc"])["NetConfig"]["ExtranetUrl"]
    body = json.loads((EXAMPLES / event).read_text())["body"]
    proxies = {"http": cloud.endpoint}
    return requests.post(url.replace("https", "http") + "/", data=body, proxies=proxies, timeout=30)


def test_up_makes_everything_that_an_empty_account_lacks(cloud: Cloud, up: Run, zips: Zips) -> None:
    done = up(zips[0])
    function = cloud.scf.functions[FUNCTION]
    version = function["versions"]["1"]
    assert version["code"] == zips[0].read_bytes()
    assert (version["Runtime"], version["Handler"], version["Type"]) == (
        "Python3.10",
        "handler.http_interface",
        "Event",
    )
    assert (version["MemorySize"], version["Timeout"], version["InitTimeout"]) == (1024, 10, 60)
    assert function["alias"]["FunctionVersion"] == "1"
    assert version["Description"].endswith(f", model {model_file().parent.name}")
    assert json.loads(function["urls"]["$DEFAULT"]["TriggerDesc"])["NetConfig"]["ExtranetUrl"] in done.output
    assert ask(cloud).json()["result"] == 9


def test_up_does_nothing_the_second_time_and_says_so(cloud: Cloud, up: Run, zips: Zips) -> None:
    up(zips[0])
    before = cloud.save()
    cloud.requests.clear()
    assert "nothing was changed" in up(zips[0]).output
    assert changes(cloud) == []
    assert cloud.save() == before


def test_up_tries_the_new_version_before_it_gets_traffic_and_makes_the_url_last(
    cloud: Cloud, up: Run, zips: Zips
) -> None:
    up(zips[0])
    order = ["CreateFunction", "PublishVersion", *["InvokeFunction"] * 3, "UpdateAlias", "CreateTrigger"]
    assert [name for name in changes(cloud) if name in CHANGES] == order


def test_up_sends_a_new_zip_and_only_that(cloud: Cloud, up: Run, zips: Zips) -> None:
    up(zips[0])
    cloud.requests.clear()
    up(zips[1])
    order = ["UpdateFunctionCode", "PublishVersion", *["InvokeFunction"] * 3, "UpdateAlias"]
    assert [name for name in changes(cloud) if name in CHANGES] == order
    assert cloud.scf.functions[FUNCTION]["alias"]["FunctionVersion"] == "2"
    assert cloud.scf.functions[FUNCTION]["versions"]["1"]["code"] == zips[0].read_bytes()
    assert len(cloud.cos.buckets[BUCKET].objects) == 2


def test_up_publishes_a_version_for_new_settings_and_sends_those_that_differ(cloud: Cloud, up: Run, zips: Zips) -> None:
    up(zips[0], "--environment", "MNIST_URL_FETCH=off")
    done = up(zips[0], "--memory-mb", 512)
    versions = cloud.scf.functions[FUNCTION]["versions"]
    assert (versions["2"]["MemorySize"], versions["2"]["Environment"]) == (512, {"Variables": []})
    assert versions["1"]["MemorySize"] == 1024
    assert "MemorySize 1024, Environment MNIST_URL_FETCH=off  MemorySize 512, Environment -" in done.output
    assert "nothing was changed" in up(zips[0], "--memory-mb", 512).output


def test_up_takes_a_version_that_is_there_instead_of_publishing_it_again(cloud: Cloud, up: Run, zips: Zips) -> None:
    up(zips[0])
    up(zips[1])
    cloud.requests.clear()
    up(zips[0])
    assert changes(cloud) == [*["InvokeFunction"] * 3, "UpdateAlias"]
    assert cloud.scf.functions[FUNCTION]["alias"]["FunctionVersion"] == "1"


def test_up_finds_its_version_among_more_than_one_page_of_them(cloud: Cloud, up: Run, zips: Zips) -> None:
    up(zips[0])
    versions = cloud.scf.functions[FUNCTION]["versions"]
    for number in range(2, 60):
        versions[str(number)] = {**versions["1"], "Description": "of somebody else"}
    versions["60"] = versions.pop("1")
    cloud.scf.functions[FUNCTION]["alias"]["FunctionVersion"] = "60"
    assert "nothing was changed" in up(zips[0]).output


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(("--url-auth", "cam"), {"AuthType": "CAM"}, id="signed requests only"),
        pytest.param(("--cors-origin", "https://a.example"), {"AuthType": "NONE"}, id="pages of another origin"),
    ],
)
def test_up_changes_the_url_and_keeps_its_address(
    options: tuple[str, ...], expected: dict[str, str], cloud: Cloud, up: Run, zips: Zips
) -> None:
    up(zips[0])
    address = cloud.scf.functions[FUNCTION]["urls"]["$DEFAULT"]["TriggerDesc"].partition("https:")[2]
    cloud.requests.clear()
    up(zips[0], *options)
    assert changes(cloud) == ["UpdateTrigger"]
    text = cloud.scf.functions[FUNCTION]["urls"]["$DEFAULT"]["TriggerDesc"]
    assert json.loads(text)["AuthType"] == expected["AuthType"]
    assert address[:40] in text
    assert "nothing was changed" in up(zips[0], *options).output


def test_up_leaves_a_bucket_that_is_there_as_it_is_and_resumes_an_upload(cloud: Cloud, up: Run, zips: Zips) -> None:
    up(zips[0])
    bucket = cloud.cos.buckets[BUCKET]
    (key,) = bucket.objects
    content = bucket.objects.pop(key)
    bucket.uploads["broken-off"] = (key, {1: content[: 2**20], 2: content[2**20 : 2**21]})  # two of three parts
    cloud.scf.functions.clear()
    cloud.requests.clear()
    up(zips[0])
    assert sum(name.startswith("PUT") for name, _ in cloud.requests) == 1
    assert bucket.objects == {key: content}
    assert not bucket.uploads


def test_up_does_not_use_a_zip_that_arrived_damaged(cloud: Cloud, deploy: Run, zips: Zips) -> None:
    cloud.cos.damage = lambda content: content[:-1] + b"!"
    done = deploy("up", "--yes", "--zip", zips[0])
    assert (done.status, cloud.scf.functions, cloud.cos.buckets[BUCKET].objects) == (1, {}, {})
    assert "CRC-64" in done.errors


def test_up_uploads_again_where_another_object_has_the_zips_name(cloud: Cloud, up: Run, zips: Zips) -> None:
    up(zips[0])
    objects = cloud.cos.buckets[BUCKET].objects
    (key,) = objects
    objects[key] = b"something else"
    cloud.scf.functions.clear()
    up(zips[0])
    assert objects[key] == zips[0].read_bytes()


def test_up_deletes_a_function_whose_creation_failed_and_makes_it_anew(
    cloud: Cloud, deploy: Run, up: Run, zips: Zips
) -> None:
    cloud.scf.failures["CreateFunction"] = "FailedOperation.ClsServiceUnregistered"
    done = deploy("up", "--yes", "--zip", zips[0])
    assert done.status == 1
    assert "The log service is not activated" in done.errors
    assert cloud.scf.functions[FUNCTION]["versions"]["$LATEST"]["Status"] == "CreateFailed"
    cloud.scf.failures.clear()
    up(zips[0])
    assert cloud.scf.functions[FUNCTION]["alias"]["FunctionVersion"] == "1"


def test_up_waits_for_a_change_that_is_under_way(cloud: Cloud, up: Run, zips: Zips) -> None:
    up(zips[0])
    cloud.scf.delay_s = 0.2
    cloud.scf.UpdateFunctionConfiguration({"FunctionName": FUNCTION, "MemorySize": 256})
    cloud.scf.delay_s = 0.02
    up(zips[1])
    assert cloud.scf.functions[FUNCTION]["versions"]["2"]["MemorySize"] == 1024


def made_in_the_console(cloud: Cloud) -> dict[str, Any]:
    """Return the function of a first `up` as one that nobody has published yet."""
    function = cloud.scf.functions[FUNCTION]
    function["alias"].update(FunctionVersion="$LATEST", Description="")
    del function["versions"]["1"]
    return function


def test_up_publishes_what_a_function_made_in_the_console_runs_before_it_changes_that(
    cloud: Cloud, up: Run, deploy: Run, zips: Zips, broken_zips: dict[str, Path]
) -> None:
    up(zips[0])
    function = made_in_the_console(cloud)
    assert deploy("up", "--yes", "--zip", broken_zips["a handler that raises"]).status == 1
    assert function["versions"][function["alias"]["FunctionVersion"]]["code"] == zips[0].read_bytes()
    assert ask(cloud).json()["result"] == 9


def test_up_refuses_to_change_code_that_a_url_leads_to_directly(cloud: Cloud, up: Run, deploy: Run, zips: Zips) -> None:
    up(zips[0])
    urls = cloud.scf.functions[FUNCTION]["urls"]
    urls["$LATEST"] = {**urls["$DEFAULT"], "Qualifier": "$LATEST", "TriggerName": "other"}
    before = cloud.save()
    done = deploy("up", "--yes", "--zip", zips[1])
    assert (done.status, cloud.save() == before) == (1, True)
    assert "leads to $LATEST, and would meet the new code untried" in done.errors
    assert "nothing was changed" in up(zips[0]).output


@pytest.mark.parametrize("qualifier", ["$LATEST", "$DEFAULT"])
def test_what_an_api_gateway_leads_to_is_not_changed_before_it_is_published(
    qualifier: str, cloud: Cloud, up: Run, deploy: Run, zips: Zips, broken_zips: dict[str, Path]
) -> None:
    up(zips[0])
    function = made_in_the_console(cloud)
    gateway = {"TriggerName": "SCF_API_SERVICE", "Type": "apigw", "Qualifier": qualifier, "TriggerDesc": "{}"}
    function["urls"] = {qualifier: {**function["urls"]["$DEFAULT"], **gateway}}
    done = deploy("up", "--yes", "--zip", broken_zips["a handler that raises"])
    assert done.status == 1
    if qualifier == "$LATEST":
        assert "The trigger SCF_API_SERVICE (apigw) leads to $LATEST, and would meet the new code" in done.errors
    assert cloud.scf.pick_version(FUNCTION, qualifier)[1]["code"] == zips[0].read_bytes()
    assert "SCF_API_SERVICE (apigw)" in deploy("status").output
    assert "other triggers: 1" in deploy("destroy", "--dry-run").output


@pytest.mark.parametrize(("kind", "is_on"), [("timer", 1), ("apigw", 0)])
def test_a_timer_or_a_trigger_that_is_off_may_lead_to_the_newest_code(
    kind: str, is_on: int, cloud: Cloud, up: Run, zips: Zips
) -> None:
    up(zips[0])
    urls = cloud.scf.functions[FUNCTION]["urls"]
    other = {"TriggerName": "other", "Type": kind, "Qualifier": "$LATEST", "Enable": is_on}
    urls["$LATEST"] = {**urls["$DEFAULT"], **other}
    up(zips[1])
    assert cloud.scf.functions[FUNCTION]["alias"]["FunctionVersion"] == "2"


def test_a_canary_may_be_asked_for_where_an_api_gateway_leads_to_code_of_the_console(
    cloud: Cloud, up: Run, zips: Zips
) -> None:
    up(zips[0])
    function = made_in_the_console(cloud)
    function["urls"]["$DEFAULT"] |= {"TriggerName": "SCF_API_SERVICE", "Type": "apigw"}
    function["urls"] = {"gateway": function["urls"]["$DEFAULT"]}
    up(zips[1], "--canary", 10)
    assert [weight["Weight"] for weight in function["alias"]["RoutingConfig"]["AdditionalVersionWeights"]] == [0.1]


def test_variables_that_are_not_ours_are_named_without_their_values(up: Run, deploy: Run, zips: Zips) -> None:
    up(zips[0], "--environment", "DB_PASSWORD=hunter2", "--environment", "MNIST_URL_FETCH=off")
    done = deploy("up", "--dry-run", "--zip", zips[1], "--environment", "DB_PASSWORD=hunter3")
    assert "Environment DB_PASSWORD=... MNIST_URL_FETCH=off  Environment DB_PASSWORD=..." in done.output
    assert '{"Key": "DB_PASSWORD", "Value": "..."}' in done.output
    assert "hunter" not in done.output


def test_nothing_is_made_where_this_machine_cannot_say_what_to_expect(cloud: Cloud, deploy: Run, zips: Zips) -> None:
    done = deploy("up", "--yes", "--zip", zips[0], "--environment", "MNIST_URL_FETHC=off")
    assert (done.status, cloud.scf.functions, cloud.cos.buckets) == (1, {}, {})
    assert "MNIST_URL_FETHC is not a setting" in done.errors
    assert "Traceback" not in done.errors


def test_settings_of_the_clouds_machine_are_not_this_machines() -> None:
    assert trial.expect("handler.demo", {"MNIST_MODEL_DIR": "/var/user/export", "MNIST_DEVICE": "gpu"})


def test_up_does_not_touch_a_function_of_another_kind(cloud: Cloud, up: Run, deploy: Run, zips: Zips) -> None:
    up(zips[0])
    before = cloud.save()
    done = deploy("up", "--yes", "--zip", zips[0], "--runtime", "Python3.9")
    assert done.status == 1
    assert "for Python3.10, which cannot be changed" in done.errors
    assert cloud.save() == before


def test_a_dry_run_prints_every_change_in_order_and_makes_none(cloud: Cloud, deploy: Run, zips: Zips) -> None:
    done = deploy("up", "--dry-run", "--zip", zips[0])
    printed = [line.split()[:2] for line in done.output.splitlines() if line.startswith(("scf ", "cos "))]
    assert [action for service, action in printed if service == "scf"] == [
        *("CreateFunction", "PublishVersion", "InvokeFunction", "InvokeFunction", "InvokeFunction"),
        *("UpdateAlias", "CreateTrigger"),
    ]
    assert [method for service, method in printed if service == "cos"] == ["PUT", "PUT"]
    assert changes(cloud) == []
    assert (cloud.scf.functions, cloud.cos.buckets) == ({}, {})


def test_nothing_is_done_before_the_user_agrees(cloud: Cloud, deploy: Run, zips: Zips) -> None:
    done = deploy("up", "--zip", zips[0])
    assert (done.status, changes(cloud)) == (1, [])
    assert "Nothing was changed: say --yes" in done.errors


def test_the_zip_of_a_bucket_that_has_it_is_not_sent_again(cloud: Cloud, up: Run, zips: Zips) -> None:
    up(zips[0])
    cloud.scf.functions.clear()
    cloud.requests.clear()
    up(zips[0])
    assert not [name for name in changes(cloud) if name.startswith(("PUT", "POST"))]
