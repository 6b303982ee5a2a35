"""Trying a version before it gets traffic: the example events, and what this machine answers to them."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import requests

from deploy.errors import DeployError, NetworkError
from deploy.function import Function, Url
from deploy.settings import ROOT

EVENTS = ROOT / "examples"
TRIAL_SCRIPT = ROOT / "mnist_infer" / "local" / "trial.py"
TRIAL_URL = "trial"
TOLERANCE = 0.01
"""Of a probability: another processor or TensorFlow gives others in the sixth digit, another model in the first."""
WEB_HANDLER = "handler.http_interface"
TIMEOUT_S = 60
LOG_LINES = 3
MAX_SHOWN = 300
_OF_THE_CLOUDS_MACHINE = ("MNIST_DEVICE", "MNIST_MODEL_DIR", "MNIST_TENSORFLOW_DIR")

_ANSWER = """
import contextlib, importlib, json, sys
module, function = sys.argv[1].rsplit(".", 1)
with contextlib.redirect_stdout(sys.stderr):
    entry = getattr(importlib.import_module(module), function)
    answers = [entry(event, {}) for event in json.load(sys.stdin)]
json.dump(answers, sys.stdout)
"""


def example_events() -> dict[str, Any]:
    """Return the example events by their files' names, without those that need other people's servers."""
    events = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(EVENTS.glob("*.json"))}
    return {name: event for name, event in events.items() if "image_url" not in event}


def expect(handler: str | None, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return what this machine answers to the events that a version is to be tried with.

    Args:
        handler: of a zip; None for an image.
        environment: the function's variables.

    Raises:
        DeployError: it has no answers to compare a version's with.
    """
    events = example_events()
    if handler is None:  # other events are not what an HTTP request can say
        events = {name: event for name, event in events.items() if _is_web(event)}
    expected = expected_answers(handler or WEB_HANDLER, events, environment)
    if not any(_has_digit(_essence(answer)) for answer in expected.values()):
        raise DeployError("There is nothing to compare with: on this machine, no example event gives a digit.")
    return expected


def check_model(environment: Mapping[str, str]) -> None:
    """Try this checkout's model with the example pictures, as the build does, and under the function's variables.

    Raises:
        DeployError: it cannot be run, or reads too few of them.
    """
    done = _run_here([str(TRIAL_SCRIPT), str(EVENTS / "digits")], environment)
    if done.returncode:
        said = (done.stdout or done.stderr).strip().splitlines() or ["The model cannot be tried on this machine"]
        raise DeployError(f"{said[-1]}. If that is as it should be: --accept-model")


def _run_here(
    arguments: Sequence[str], environment: Mapping[str, str], text: str = ""
) -> subprocess.CompletedProcess[str]:
    here = {name: value for name, value in environment.items() if name not in _OF_THE_CLOUDS_MACHINE}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **here},
        input=text,
        capture_output=True,
        text=True,
    )


def expected_answers(handler: str, events: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """Return what this checkout answers, in a process of its own: the function logs as it likes, and this does not.

    Raises:
        DeployError: the function cannot be run here.
    """
    done = _run_here(["-c", _ANSWER, handler], environment, json.dumps(list(events.values())))
    if done.returncode:
        why = done.stderr.strip().splitlines()[-1:]
        raise DeployError(f"There is nothing to compare with: {handler} fails on this machine.\n  {''.join(why)}")
    return dict(zip(events, json.loads(done.stdout), strict=True))


def try_version(function: Function, version: str, handler: str | None, expected: Mapping[str, object]) -> None:
    """Send a version every example event, past the alias.

    Args:
        function: the function.
        version: to try.
        handler: of a zip; None for an image, which is sent HTTP requests through a URL that lives as long as the trial.
        expected: this machine's answers to the events to try, see `expect`.

    Raises:
        DeployError: an answer differs from this machine's, or does not come.
    """
    events = {name: event for name, event in example_events().items() if name in expected}
    answers = _invoke_all(function, version, events) if handler else _request_all(function, version, events)
    for name, answer, log in answers:
        if not agree(_essence(expected[name]), _essence(answer)):
            raise DeployError(
                f"Version {version} failed its trial with {name}, and got no traffic.\n"
                f"  expected: {_short(_essence(expected[name]))}\n  it gave:  {_short(_essence(answer))}\n"
                + "\n".join(f"  its log:  {line}" for line in log.strip().splitlines()[-LOG_LINES:])
            )


def agree(expected: object, actual: object) -> bool:
    """Return whether two answers are the same but for the last digits of their floats."""
    if isinstance(expected, float) and isinstance(actual, (int, float)):
        return math.isclose(expected, actual, rel_tol=0, abs_tol=TOLERANCE)
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(agree(expected[key], actual[key]) for key in expected)
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(agree, expected, actual))
    return type(expected) is type(actual) and expected == actual


def _is_web(event: Mapping[str, object]) -> bool:
    return "httpMethod" in event and "requestContext" not in event


def _essence(answer: object) -> object:
    """Return an HTTP answer's status and content, without the headers, which name the request; others as they are."""
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return answer
    return {"status": answer["statusCode"], "content": _parsed(answer["body"])}


def _has_digit(essence: object) -> bool:
    if isinstance(essence, dict):
        return _has_digit(essence.get("content", essence.get("result")))
    return isinstance(essence, int) and essence >= 0


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _short(answer: object) -> str:
    text = json.dumps(answer, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def _invoke_all(function: Function, version: str, events: Mapping[str, object]) -> Iterator[tuple[str, object, str]]:
    """Yield what a version returns, with its log; in a dry run nothing."""
    for name, event in events.items():
        if result := function.invoke(version, json.dumps(event)):
            error = {"errorMessage": result["ErrMsg"]}
            yield name, error if result["ErrMsg"] else _parsed(result["RetMsg"]), result["Log"]


def _request_all(function: Function, version: str, events: Mapping[str, Any]) -> Iterator[tuple[str, object, str]]:
    """Yield what a version answers at a URL of its own, which is gone by then; in a dry run nothing."""
    if url := _trial_url(function, version):
        try:
            answers = {name: _request(function, url, event) for name, event in events.items()}
        finally:
            function.delete_url(url)
        yield from ((name, answer, "") for name, answer in answers.items())


def _trial_url(function: Function, version: str) -> Url | None:
    """Make a URL that leads to a version alone, or take the one that a broken-off trial has left."""
    left = [] if function.api.dry_run else [url for url in function.urls() if url.name == TRIAL_URL]
    for url in left:
        if url.qualifier == version:
            return url
        function.delete_url(url)
    function.put_url("CreateTrigger", TRIAL_URL, version, "open", [])
    return None if function.api.dry_run else _trial_url(function, version)


def _request(function: Function, url: Url, event: Mapping[str, Any]) -> object:
    """Send the HTTP request that a function URL would make an event of."""
    proxies = {"http": function.api.endpoint} if function.api.endpoint else None
    address = url.address.replace("https:", "http:") if proxies else url.address
    headers = {name: value for name, value in event["headers"].items() if name in ("accept", "content-type")}
    try:
        response = requests.request(
            event["httpMethod"],
            address + event["path"],
            data=event["body"].encode(),
            headers=headers,
            proxies=proxies,
            timeout=TIMEOUT_S,
        )
    except requests.ReadTimeout as error:
        cause = f"version {url.qualifier} did not answer within {TIMEOUT_S} s, and got no traffic."
        raise DeployError(f"The trial failed: {cause} `python -m deploy logs` may say why.") from error
    except requests.RequestException as error:
        raise NetworkError(f"{url.address} had no answer: {type(error).__name__}") from error
    return {"statusCode": response.status_code, "body": response.text}
