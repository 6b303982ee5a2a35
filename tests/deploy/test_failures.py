"""Each documented failure has a sentence that says what to do, and leaves the cloud so that the next run succeeds."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_infer.config import ROOT
from tests.cloud import signatures
from tests.cloud.cos import Bucket
from tests.cloud.server import Cloud
from tests.deploy.conftest import BUCKET, FUNCTION, Run, Zips

Cause = Callable[[Cloud], object]


def refuse(request: str, code: str) -> Cause:
    return lambda cloud: cloud.refusals.update({request: code})


def fail(action: str, code: str) -> Cause:
    return lambda cloud: cloud.scf.failures.update({action: code})


def bucket_in_another_region(cloud: Cloud) -> None:
    cloud.cos.buckets[BUCKET] = Bucket("ap-shanghai", {})


def no_permission_to_upload(cloud: Cloud) -> None:
    cloud.cos.buckets[BUCKET] = Bucket("ap-guangzhou", {})
    cloud.refusals["PUT"] = "AccessDenied"


def cure(cloud: Cloud) -> None:
    cloud.refusals.clear()
    cloud.scf.failures.clear()
    cloud.scf.available = "Available"
    if BUCKET in cloud.cos.buckets and cloud.cos.buckets[BUCKET].region != "ap-guangzhou":
        del cloud.cos.buckets[BUCKET]


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        pytest.param(
            refuse("CreateFunction", "FailedOperation.QcsRoleNotFound"), "SCF_QcsRole is missing", id="no service role"
        ),
        pytest.param(
            refuse("CreateFunction", "FailedOperation.ClsServiceUnregistered"),
            "log service is not",
            id="no log service",
        ),
        pytest.param(
            fail("CreateFunction", "FailedOperation.ClsServiceUnregistered"), "log service is not", id="creation failed"
        ),
        pytest.param(
            refuse("CreateFunction", "UnauthorizedOperation.CAM"),
            "The key has no permission for scf:CreateFunction. docs/deploy.md",
            id="no permission for the function",
        ),
        pytest.param(refuse("HEAD", "AccessDenied"), "no permission for cos:HeadBucket", id="no permission to read"),
        pytest.param(refuse("PUT /", "AccessDenied"), "no permission for cos:PutBucket", id="no permission to write"),
        pytest.param(
            no_permission_to_upload,
            "the key may lack the permission cos:UploadPart",
            id="no permission to upload",
        ),
        pytest.param(bucket_in_another_region, "in another region or account", id="bucket of another region"),
        pytest.param(
            refuse("GetFunction", "AuthFailure.SignatureExpire"), "clock is wrong", id="clock wrong at an action"
        ),
        pytest.param(refuse("PUT /", "RequestTimeTooSkewed"), "clock is wrong", id="clock wrong at the bucket"),
        pytest.param(refuse("GetFunction", "AuthFailure.SecretIdNotFound"), "The key is not known", id="unknown key"),
        pytest.param(
            refuse("InvokeFunction", "ResourceUnavailable.InsufficientBalance"), "in arrears", id="no money to run"
        ),
        pytest.param(
            lambda cloud: setattr(cloud.scf, "available", "InsufficientBalance"), "in arrears", id="function stopped"
        ),
        pytest.param(fail("PublishVersion", "InternalError.System"), f"{FUNCTION} is PublishFailed", id="publishing"),
        pytest.param(refuse("PublishVersion", "FailedOperation.PublishVersion"), "does not end", id="endless change"),
        pytest.param(refuse("CreateTrigger", "LimitExceeded.Trigger"), "quota", id="quota"),
        pytest.param(refuse("UpdateAlias", "RequestLimitExceeded"), "again in a minute", id="too many requests"),
    ],
)
def test_a_failure_says_what_to_do_and_is_finished_by_the_next_run(
    cause: Cause, sentence: str, cloud: Cloud, deploy: Run, up: Run, zips: Zips
) -> None:
    cause(cloud)
    done = deploy("up", "--yes", "--zip", zips[0])
    assert done.status == 1
    assert sentence in done.errors
    cure(cloud)
    up(zips[0])
    alias = cloud.scf.functions[FUNCTION]["alias"]
    assert cloud.scf.functions[FUNCTION]["versions"][alias["FunctionVersion"]]["Status"] == "Active"


def test_a_wrong_clock_is_found_by_the_signature(deploy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signatures, "MAX_SKEW_S", -1)
    assert "clock is wrong" in deploy("status").errors


def test_an_address_where_nobody_answers_is_a_network_error(deploy: Run) -> None:
    done = deploy("status", "--endpoint", "http://127.0.0.1:1")
    assert (done.status, "The network broke" in done.errors) == (1, True)


def test_a_conflict_with_somebody_elses_change_is_waited_for(cloud: Cloud, up: Run, zips: Zips) -> None:
    up(zips[0])
    cloud.refusals["UpdateFunctionCode"] = "FailedOperation.UpdateFunctionCode"
    asked = iter(range(3))
    original = cloud.scf.GetFunction

    def get_function(request: dict[str, object]) -> dict[str, object]:
        if next(asked, None) is None:
            cloud.refusals.clear()
        return original(request)

    cloud.scf.GetFunction = get_function  # type: ignore[method-assign]
    up(zips[1])
    assert ("UpdateFunctionCode", "FailedOperation.UpdateFunctionCode") in cloud.requests
    assert cloud.scf.functions[FUNCTION]["alias"]["FunctionVersion"] == "2"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--memory-mb", "500"), "memory_mb cannot be 500. It can be 64, or 128 to 3072 in steps of 128."),
        (("--canary", "100"), "canary cannot be 100. It can be a whole number from 0 to 99."),
        (("--url-auth", "none"), "url_auth cannot be 'none'"),
        (("--environment", "MNIST_DEVICE"), "--environment takes NAME=VALUE"),
        (("--image", "no image"), "image cannot be 'no image'"),
        (("--image", "mine.tencentcloudcr.com/a/b:1"), "--image-registry"),
        (("--settings", "/nowhere.toml"), "/nowhere.toml cannot be read"),
        (("--zip", __file__), "is not a zip of build_zip.py"),
        (("--zip", "/nowhere.zip"), "/nowhere.zip cannot be read: No such file or directory"),
        (("--zip", "/"), "/ cannot be read: Is a directory"),
        (("--endpoint", "127.0.0.1:1"), "The endpoint has to be http://HOST:PORT"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_setting_that_cannot_be_used_is_refused_before_a_request(
    arguments: tuple[str, ...], sentence: str, cloud: Cloud, deploy: Run, zips: Zips
) -> None:
    done = deploy("up", "--yes", "--zip", zips[0], *arguments)
    assert (done.status, cloud.requests) == (1, [])
    assert sentence in done.errors


def test_a_variable_that_is_no_text_is_refused_without_showing_the_others(deploy: Run, tmp_path: Path) -> None:
    file = tmp_path / "deploy.toml"
    file.write_text((ROOT / "deploy.toml").read_text() + '\nDB_PASSWORD = "hunter2"\nX = 1\n')
    done = deploy("status", "--settings", file)
    assert "environment cannot be that. It can be texts only: put numbers in quotes." in done.errors
    assert "hunter2" not in done.errors
