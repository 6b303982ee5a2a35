"""`status`, `logs`, `invoke` and `destroy`, and the command line itself."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from deploy import cli, logs
from mnist_infer.config import ROOT
from testbed.pictures import EXAMPLES
from tests.cloud.server import Cloud
from tests.deploy.conftest import BUCKET, FUNCTION, Run, Zips, model_file

EVENT = EXAMPLES / "function_url_event.json"


def test_status_shows_versions_with_their_zips_and_shares_the_url_and_the_errors(
    up: Run, deploy: Run, zips: Zips, broken_zips: dict[str, Path]
) -> None:
    up(zips[0])
    deploy("up", "--yes", "--zip", broken_zips["a handler that raises"])
    up(zips[1], "--canary", 10)
    output = deploy("status").output
    rows = [line.split("  ") for line in output.splitlines()]
    shares = {row[0]: row[-2].strip() or row[-3].strip() for row in rows if row[0].isdigit()}
    assert "Active, 1024 MB, 10 s, handler.http_interface on Python3.10" in output
    assert "https://1250000000-" in output
    assert f"model {model_file().parent.name}" in output
    assert (shares["1"], shares["3"]) == ("90 %", "10 %")
    assert "errors in the last hour: 1\n" in output
    assert "OSError: broken" in output


def test_logs_are_readable_and_can_be_had_of_one_request(up: Run, deploy: Run, zips: Zips) -> None:
    up(zips[0])
    lines = deploy("logs").output.splitlines()
    assert len(lines) >= 6, "two of each event, and where the container was cold one more"
    answered = [line for line in lines if "http_interface: ok, digit 9, " in line]
    assert len(answered) == 1
    (request_id,) = [part for part in answered[0].split() if part.count("-") == 4]
    of_one = deploy("logs", "--request", request_id).output.splitlines()
    assert of_one == [line for line in lines if request_id in line]
    assert len(of_one) == 2, "the function's line, and the platform's"
    assert deploy("logs", "--since", "soon").status == 1


def test_logs_of_more_than_a_page_all_come(up: Run, deploy: Run, zips: Zips, monkeypatch: pytest.MonkeyPatch) -> None:
    up(zips[0])
    whole = deploy("logs").output
    monkeypatch.setattr(logs, "PAGE", 2)
    assert deploy("logs").output == whole
    assert len(whole.splitlines()) > 4


def test_a_line_that_the_log_service_split_into_fields_reads_like_one_that_it_did_not() -> None:
    ours = {"event": "request", "entry": "demo", "outcome": "no_digit_found", "total_milliseconds": 1.25}
    common = {"SCF_RequestId": "id", "SCF_Qualifier": "3"}
    whole = logs.parse_line(0, {**common, "SCF_Message": json.dumps(ours)})
    split = logs.parse_line(0, {**common, **{key: str(value) for key, value in ours.items()}})
    assert whole == split
    assert whole.text == "demo: no_digit_found, 1.2 ms"
    assert not whole.is_error


def test_invoke_prints_the_answer_of_any_version_and_its_log(up: Run, deploy: Run, zips: Zips) -> None:
    up(zips[0])
    done = deploy("invoke", EVENT)
    assert json.loads(json.loads(done.output)["body"])["result"] == 9
    assert '"outcome": "ok"' in done.errors
    assert deploy("invoke", EVENT, "--version", "1").output
    assert "There is no such version" in deploy("invoke", EVENT, "--version", "7").errors
    assert "is not a JSON file" in deploy("invoke", __file__).errors


def test_destroy_leaves_nothing(cloud: Cloud, up: Run, deploy: Run, zips: Zips) -> None:
    up(zips[0])
    up(zips[1])
    cloud.cos.buckets[BUCKET].uploads["broken-off"] = (f"{FUNCTION}/0123.zip", {1: b""})
    done = deploy("destroy", "--yes")
    assert (done.status, cloud.scf.functions, cloud.cos.buckets) == (0, {}, {})
    assert "There is nothing to delete" in deploy("destroy", "--yes").output


@pytest.mark.parametrize("is_own", [True, False], ids=["with something else in it", "not made here"])
def test_destroy_leaves_a_bucket_that_is_anothers_too(
    is_own: bool, cloud: Cloud, up: Run, deploy: Run, zips: Zips
) -> None:
    up(zips[0])
    bucket = cloud.cos.buckets[BUCKET]
    if is_own:
        bucket.objects["holiday.jpg"] = b""
    else:
        bucket.tags.clear()
    assert deploy("destroy", "--yes").status == 0
    assert list(bucket.objects) == (["holiday.jpg"] if is_own else [])
    assert (list(cloud.cos.buckets), cloud.scf.functions) == ([BUCKET], {})


def test_destroy_lists_and_asks_first(cloud: Cloud, up: Run, deploy: Run, zips: Zips) -> None:
    up(zips[0])
    before = cloud.save()
    done = deploy("destroy")
    assert (done.status, cloud.save() == before) == (1, True)
    assert f"{BUCKET}/{FUNCTION}/" in done.output
    assert deploy("destroy", "--dry-run").status == 0
    assert cloud.save() == before


def test_the_user_is_asked_in_a_terminal(
    cloud: Cloud, deploy: Run, zips: Zips, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _prompt: "n")
    assert (deploy("up", "--zip", zips[0]).status, cloud.scf.functions) == (1, {})
    monkeypatch.setattr("builtins.input", lambda _prompt: "y")
    assert (deploy("up", "--zip", zips[0]).status, list(cloud.scf.functions)) == (0, [FUNCTION])


def test_commands_without_a_function_say_how_to_make_one(deploy: Run) -> None:
    assert "make it with `python -m deploy up`" in deploy("status").errors
    assert deploy("promote", "--yes").status == 1


@pytest.mark.usefixtures("deploy")
def test_the_module_runs_as_a_process_of_its_own_and_answers_are_this_machines(cloud: Cloud, zips: Zips) -> None:
    command = [sys.executable, "-m", "deploy", "up", "--yes", "--zip", str(zips[2]), "--endpoint", cloud.endpoint]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (address,) = [line.split()[-1] for line in done.stdout.splitlines() if line.startswith("URL: ")]
    body = json.loads(EVENT.read_text())["body"]
    proxies = {"http": cloud.endpoint}
    answer = requests.post(address.replace("https", "http") + "/", data=body, proxies=proxies, timeout=30)
    assert answer.json()["result"] == 9


def test_the_documented_policy_has_every_permission_that_the_commands_need(
    cloud: Cloud, up: Run, deploy: Run, zips: Zips
) -> None:
    up(zips[0])
    up(zips[1], "--memory-mb", 512, "--url-auth", "cam", "--canary", 10)
    for command in ("promote", "rollback", "destroy"):
        deploy(command, "--yes")
    (policy,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "deploy.md").read_text(), re.DOTALL)
    allowed = {action for statement in json.loads(policy)["statement"] for action in statement["action"]}
    services = {action: name for name, schema in cloud.schemas.items() for action in schema.actions}
    needed = {f"{services[name]}:{name}" for name, _ in cloud.requests if name in services}
    storage_text = (ROOT / "deploy" / "storage.py").read_text()
    needed |= {f"name/{name}" for name in re.findall(r'_requesting\("(cos:\w+)"\)', storage_text)}
    assert len(needed) > 20
    assert needed <= allowed


def test_every_setting_has_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["up", "--help"])
    text = capsys.readouterr().out
    settings = [line.split(" =")[0] for line in (ROOT / "deploy.toml").read_text().splitlines() if " = " in line]
    assert len(settings) == 13
    for name in settings:
        assert f"--{name.replace('_', '-').removesuffix('s')}" in text
    assert "--environment" in text
