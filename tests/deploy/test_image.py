"""`up --image`: a container image as a web function."""

import pytest

from deploy import trial
from tests.cloud.server import Cloud
from tests.deploy.conftest import ENTERPRISE, FUNCTION, PERSONAL, WRONG, Run, Zips

pytestmark = pytest.mark.usefixtures("images")


def test_up_makes_a_web_function_of_an_image_and_tries_it_through_a_url_of_its_own(cloud: Cloud, deploy: Run) -> None:
    done = deploy("up", "--yes", "--image", PERSONAL)
    assert done.status == 0, done.errors
    function = cloud.scf.functions[FUNCTION]
    version = function["versions"]["1"]
    assert (version["Type"], version["Runtime"]) == ("HTTP", "CustomImage")
    assert version["ImageConfig"] == {"ImageType": "personal", "ImageUri": PERSONAL, "ImagePort": 9000}
    assert cloud.served == [("1", 200)], "the trial"
    assert (function["alias"]["FunctionVersion"], list(function["urls"])) == ("1", ["$DEFAULT"])
    assert cloud.cos.buckets == {}
    assert "nothing was changed" in deploy("up", "--yes", "--image", PERSONAL).output


def test_up_updates_an_image_and_asks_for_the_registry_of_an_enterprise(cloud: Cloud, deploy: Run) -> None:
    deploy("up", "--yes", "--image", PERSONAL)
    done = deploy("up", "--yes", "--image", ENTERPRISE, "--image-registry", "tcr-mine", "--canary", 20)
    assert done.status == 0, done.errors
    assert cloud.scf.functions[FUNCTION]["versions"]["2"]["ImageConfig"]["RegistryId"] == "tcr-mine"
    weights = cloud.scf.functions[FUNCTION]["alias"]["RoutingConfig"]["AdditionalVersionWeights"]
    assert weights == [{"Version": "2", "Weight": 0.2}]
    assert "image ccr.ccs" not in deploy("status").output
    assert f"image {ENTERPRISE}" in deploy("status").output


def test_an_image_that_answers_wrongly_gets_no_traffic_and_can_be_tried_again(cloud: Cloud, deploy: Run) -> None:
    deploy("up", "--yes", "--image", PERSONAL)
    for _ in range(2):
        done = deploy("up", "--yes", "--image", WRONG)
        assert done.status == 1
        assert "Version 2 failed its trial with function_url_event.json" in done.errors
        assert list(cloud.scf.functions[FUNCTION]["urls"]) == ["$DEFAULT"]
        assert cloud.scf.functions[FUNCTION]["alias"]["FunctionVersion"] == "1"


def test_an_image_that_does_not_answer_gets_no_traffic_and_leaves_no_url(
    cloud: Cloud, deploy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "TIMEOUT_S", (30, 1e-6))  # to connect, and to answer
    done = deploy("up", "--yes", "--image", PERSONAL)
    assert (done.status, cloud.scf.functions[FUNCTION]["urls"]) == (1, {})
    assert "The trial failed: version 1 did not answer within" in done.errors


def test_an_image_that_cannot_be_pulled_is_an_error(deploy: Run) -> None:
    done = deploy("up", "--yes", "--image", "ccr.ccs.tencentyun.com/me/nowhere:1")
    assert (done.status, "is CreateFailed: InvalidParameterValue.ImageUri" in done.errors) == (1, True)


def test_a_function_of_a_zip_does_not_become_one_of_an_image(deploy: Run, up: Run, zips: Zips) -> None:
    up(zips[0])
    done = deploy("up", "--yes", "--image", PERSONAL)
    assert (done.status, "Choose another name with --function" in done.errors) == (1, True)


def test_a_dry_run_of_an_image_prints_the_url_of_the_trial(cloud: Cloud, deploy: Run) -> None:
    done = deploy("up", "--dry-run", "--image", PERSONAL)
    assert '"TriggerName": "trial"' in done.output
    assert cloud.scf.functions == {}
