"""Everything in examples/ does what its name says, and the tools of a developer's machine show it."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import pytest

from mnist_infer.config import ROOT
from mnist_infer.hosting.platform import has_failed, sample_context, through_json
from mnist_infer.local import cli
from mnist_infer.local.demo import entry_of
from testbed.image_host import Server, behaviours
from testbed.pictures import EXAMPLES

EVENTS = sorted(EXAMPLES.glob("*.json"))
DIGITS = sorted((EXAMPLES / "digits").iterdir())
EXPECTED = {"apigw_event": 0, "demo_base64": 7, "demo_url": 3, "function_url_event": 9}
CONSOLE_LIMIT_BYTES = 64 * 1024


@pytest.fixture
def url_example_comes_from_the_local_server(tls_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the local server answer for the host that the example names."""
    url = json.loads((EXAMPLES / "demo_url.json").read_text())["image_url"]
    monkeypatch.setitem(behaviours, urlsplit(url).path, behaviours["/3.png"])
    connect = socket.create_connection
    monkeypatch.setattr(
        socket, "create_connection", lambda _, timeout: connect(("127.0.0.1", tls_server.port), timeout)
    )


@pytest.mark.usefixtures("url_example_comes_from_the_local_server")
@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_every_example_event_is_answered_with_its_digit(path: Path, load: Callable[..., ModuleType]) -> None:
    entry = getattr(load(MNIST_URL_ALLOWED_HOSTS="raw.githubusercontent.com"), entry_of(path))
    answer = through_json(entry(json.loads(path.read_text()), sample_context()))
    if path.stem == "function_url_event":
        assert answer["statusCode"] == 200
        answer = json.loads(answer["body"])
    assert (answer["result"] if isinstance(answer, dict) else answer) == EXPECTED[path.stem]


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_every_example_event_fits_the_console(path: Path) -> None:
    assert path.stat().st_size < CONSOLE_LIMIT_BYTES


def test_the_example_pictures_are_the_ten_digits_in_many_formats() -> None:
    assert [path.name[0] for path in DIGITS] == list("0123456789")
    assert {path.suffix for path in DIGITS} == {".png", ".jpg", ".bmp", ".gif", ".webp"}


def run_cli(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mnist_infer", *arguments]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environ, capture_output=True, text=True)


def test_predict_prints_a_digit_a_line_with_its_probability() -> None:
    child = run_cli("predict", *map(str, DIGITS))
    assert child.returncode == 0
    for line, path in zip(child.stdout.splitlines(), DIGITS, strict=True):
        digit, probability, name = line.split()
        assert (digit, name) == (path.name[0], str(path))
        assert 50 < float(probability.rstrip("%")) <= 100


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_predict_reads_pictures_whose_names_are_in_another_encoding_and_those_after_them(
    encoding: str, tmp_path: Path
) -> None:
    pictures = [tmp_path / os.fsdecode(name) for name in (b"caf\xe9.png", "三.png".encode(), b"seven.png")]
    for picture, digit in zip(pictures, (DIGITS[1], DIGITS[3], DIGITS[7]), strict=True):
        shutil.copy(digit, picture)
    child = run_cli("predict", *map(str, pictures), PYTHONIOENCODING=encoding)
    assert child.returncode == 0, child.stderr
    assert [line[0] for line in child.stdout.splitlines()] == ["1", "3", "7"]


def test_predict_says_what_it_cannot_read_goes_on_and_fails(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no image")
    child = run_cli("predict", str(tmp_path / "text.png"), str(tmp_path / "nowhere.png"), str(DIGITS[4]))
    assert child.returncode == 1
    assert child.stdout.startswith("4 ")
    assert [line.split(":")[0].split("/")[-1] for line in child.stderr.splitlines() if line.startswith("- ")] == [
        "text.png",
        "nowhere.png",
    ]


def test_invoke_prints_what_the_platforms_log_prints() -> None:
    child = run_cli("invoke", "--entry", "apigw_interface", "examples/apigw_event.json")
    assert child.returncode == 0
    cold_start, start, request, answer, end, report = child.stdout.splitlines()
    assert json.loads(cold_start)["event"] == "cold_start"
    assert start.startswith("START RequestId: ")
    assert json.loads(request)["request_id"] == start.split()[-1] == end.split()[-1]
    assert json.loads(answer) == {"result": 0}
    assert "Duration:" in report
    assert "MemUsage:" in report


@pytest.mark.parametrize(
    ("entry", "event"),
    [
        ("demo", {"image_base64": ""}),
        ("apigw_interface", {"image_base64": ""}),
        ("apigw_interface", {"requestContext": 1}),
    ],
)
def test_invoke_fails_where_the_function_has_no_digit(entry: str, event: object, tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(event))
    assert run_cli("invoke", "--entry", entry, str(file)).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("README.md",), "mnist_infer: README.md is not JSON: Expecting value: line 1 column 1 (char 0)"),
        (("--entry", "nothing", str(EVENTS[0])), "mnist_infer: handler.py has no entry point nothing"),
    ],
)
def test_invoke_says_in_one_sentence_what_it_cannot_call(arguments: tuple[str, ...], sentence: str) -> None:
    child = run_cli("invoke", *arguments)
    assert (child.returncode, child.stderr.splitlines()[-1]) == (1, sentence)
    assert "Traceback" not in child.stderr


def test_invoke_answers_an_exception_as_the_platform_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], load: Callable[..., ModuleType]
) -> None:
    handler = load()
    monkeypatch.setattr(handler, "demo", lambda *_: 1 / 0)
    monkeypatch.setattr("mnist_infer.hosting.platform.load_handler", lambda: handler)
    monkeypatch.setattr(sys, "argv", ["mnist_infer", "invoke", str(EVENTS[0])])
    capsys.readouterr()
    assert cli.main() == 1
    answer = json.loads(capsys.readouterr().out.splitlines()[1])
    assert (answer["errorCode"], answer["errorMessage"]) == (-1, "division by zero")


def test_a_model_that_cannot_be_loaded_is_one_line(tmp_path: Path) -> None:
    child = run_cli("predict", str(DIGITS[0]), MNIST_MODEL_DIR=str(tmp_path))
    assert child.returncode == 1
    assert child.stderr.splitlines() == [
        f"mnist_infer: the model folder {tmp_path} has no version, a subfolder named by a number"
    ]


def test_demo_runs_every_example_and_says_where_there_is_no_network() -> None:
    child = run_cli("demo", MNIST_FETCH_CONNECT_TIMEOUT_S="0.5")
    assert child.returncode == 0
    for path in EVENTS + DIGITS:
        assert path.name in child.stdout
    (url_line,) = (line for line in child.stdout.splitlines() if "demo_url" in line)
    assert url_line.split()[2] == "3" or "there is no network here" in url_line


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (7, False),
        (0, False),
        (-1, True),
        ({"result": 0}, False),
        ({"errMsg": ""}, True),
        ({"statusCode": 200, "body": ""}, False),
        ({"statusCode": 422, "body": ""}, True),
    ],
)
def test_an_answer_without_a_digit_counts_as_a_failure(answer: object, failed: bool) -> None:
    assert has_failed(answer) is failed
