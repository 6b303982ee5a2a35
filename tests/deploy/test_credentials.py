"""Where the key comes from, and that it goes nowhere but into signatures."""

import json
import logging
from pathlib import Path

import pytest

from deploy.credentials import Credential, load_credential
from deploy.errors import DeployError
from tests.cloud.server import Cloud
from tests.cloud.signatures import Account
from tests.deploy.conftest import Run, Zips

SDK_FILE = "[default]\nsecret_id = from-file\nsecret_key = its%key\n"
TCCLI_FILE = json.dumps({"secretId": "from-tccli", "secretKey": "its key", "token": "its token"})
IN_ENVIRONMENT = {"TENCENTCLOUD_SECRET_ID": "from-environment", "TENCENTCLOUD_SECRET_KEY": "its key"}


def write(home: Path, name: str, text: str) -> None:
    (home / name).parent.mkdir()
    (home / name).write_bytes(text.encode(errors="surrogateescape"))


def test_the_key_comes_from_the_environment_then_from_the_sdks_file_then_from_tcclis(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    write(tmp_path, ".tccli/default.credential", TCCLI_FILE)
    assert load_credential(environ) == Credential("from-tccli", "its key", "its token")
    write(tmp_path, ".tencentcloud/credentials", SDK_FILE)
    assert load_credential(environ) == Credential("from-file", "its%key")
    environ |= IN_ENVIRONMENT
    assert load_credential(environ) == Credential("from-environment", "its key")
    assert load_credential(environ | {"TENCENTCLOUD_TOKEN": "t"}).token == "t"


def test_no_key_is_an_error_that_says_where_to_put_one(deploy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TENCENTCLOUD_SECRET_KEY")
    done = deploy("status")
    assert done.status == 1
    assert "export TENCENTCLOUD_SECRET_ID=" in done.errors


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".tencentcloud/credentials", "secret_key = AKIDsecret"),
        (".tencentcloud/credentials", "\udcffAKIDsecret"),
        (".tccli/default.credential", '{"secretKey": AKIDsecret'),
        (".tccli/default.credential", '["AKIDsecret"]'),
    ],
)
def test_a_damaged_file_is_refused_without_showing_what_is_in_it(tmp_path: Path, name: str, text: str) -> None:
    write(tmp_path, name, text)
    with pytest.raises(DeployError) as caught:
        load_credential({"HOME": str(tmp_path)})
    assert caught.value.__suppress_context__
    assert "AKIDsecret" not in str(caught.value)


def test_a_key_that_tccli_has_as_a_number_is_taken_as_text(tmp_path: Path) -> None:
    write(tmp_path, ".tccli/default.credential", '{"secretId": 17, "secretKey": 18}')
    assert load_credential({"HOME": str(tmp_path)})[:] == ("17", "18", None)


def test_a_session_token_signs_every_request(
    cloud: Cloud, deploy: Run, zips: Zips, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.account = Account(cloud.account.secret_id, cloud.account.secret_key, "a-session-token")
    assert "The session token has expired" in deploy("up", "--yes", "--zip", zips[0]).errors
    monkeypatch.setenv("TENCENTCLOUD_TOKEN", "a-session-token")
    assert deploy("up", "--yes", "--zip", zips[0]).status == 0


def test_no_key_is_in_any_output_log_or_object(
    cloud: Cloud,
    deploy: Run,
    zips: Zips,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    token = "token-token-token"
    cloud.account = Account(cloud.account.secret_id, cloud.account.secret_key, token)
    monkeypatch.setenv("TENCENTCLOUD_TOKEN", token)
    caplog.set_level(logging.DEBUG)
    done = [
        deploy("up", "--dry-run", "--zip", zips[0]),
        deploy("up", "--yes", "--zip", zips[0]),
        deploy("status"),
        deploy("logs"),
        deploy("up", "--yes", "--zip", zips[1], "--runtime", "Python3.9"),
    ]
    cloud.refusals["HEAD"] = cloud.refusals["GetFunction"] = "AuthFailure.SignatureFailure"
    done += [deploy("status"), deploy("up", "--yes", "--zip", zips[1])]
    written = caplog.text + "".join(run.output + run.errors for run in done) + repr(load_credential())
    for secret in (*cloud.account, "q-sign", "TC3-HMAC"):
        assert secret is not None
        assert secret not in written
    assert "DEBUG" not in caplog.text
