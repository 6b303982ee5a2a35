"""What the tests of `python -m deploy` share: a small zip of the real function, and runs of the command."""

import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from deploy import api, cli, function, storage, trial
from mnist_infer.config import ROOT
from testbed.local_server import local_server
from tests.cloud.containers import Containers
from tests.cloud.cos import APPID
from tests.cloud.server import Cloud, running_cloud

BUCKET = f"mnist-infer-{APPID}"
FUNCTION = "mnist-infer"
PERSONAL = "ccr.ccs.tencentyun.com/me/mnist-infer:1"
ENTERPRISE = "mine.tencentcloudcr.com/me/mnist-infer:2"
WRONG = "ccr.ccs.tencentyun.com/me/wrong:1"
PADDING_BYTES = 1_500_000
"""Makes the zip one of several parts, where parts have 1 MB."""


class Done(NamedTuple):
    """What a command left: its exit status and what it printed."""

    status: int
    output: str
    errors: str


Zips = tuple[Path, Path, Path]

Run = Callable[..., Done]
"""Runs a command of `python -m deploy`, given its arguments as strings or paths."""


_WRONG_DIGITS = """
_right = http_interface


def http_interface(event, context):
    answer = _right(event, context)
    return {**answer, "body": answer["body"].replace('"result": 9', '"result": 4')}
"""


def model_file() -> Path:
    """Return the newest model of the checkout."""
    return max((ROOT / "export").glob("[0-9]*/saved_model.pb"), key=lambda file: int(file.parent.name))


def write_zip(path: Path, changes: Mapping[str, bytes] | None = None) -> Path:
    """Write a zip of the real handler, package and model, which finds its libraries in the development environment.

    Args:
        path: of the zip.
        changes: files that replace or join those of the checkout.
    """
    package = [file for file in (ROOT / "mnist_infer").rglob("*") if file.suffix in (".py", ".html")]
    own = (ROOT / "handler.py", model_file(), *package)
    files = {str(file.relative_to(ROOT)): file.read_bytes() for file in own}
    padding = os.urandom(PADDING_BYTES)  # so that no two zips are the same
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, "padding": padding, **(changes or {})}.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return path


@pytest.fixture(scope="session")
def containers() -> Iterator[Containers]:
    """The processes of all functions of all tests."""
    pool = Containers()
    yield pool
    pool.close()


@pytest.fixture
def cloud(containers: Containers) -> Iterator[Cloud]:
    """A cloud with an empty account."""
    with running_cloud(containers) as running:
        yield running


@pytest.fixture(scope="session")
def zips(tmp_path_factory: pytest.TempPathFactory) -> Zips:
    """Three zips that read digits alike."""
    folder = tmp_path_factory.mktemp("zips")
    first, second, third = (write_zip(folder / f"{name}.zip") for name in ("first", "second", "third"))
    return first, second, third


@pytest.fixture(scope="session")
def broken_zips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Zips that do not read digits, by what is wrong with them."""
    handler = (ROOT / "handler.py").read_text()
    changes = {
        "a model that cannot be read": {str(model_file().relative_to(ROOT)): b"not a model"},
        "a handler that raises": {"handler.py": b"raise OSError('broken')\n"},
        "a handler without the entry point": {"handler.py": handler.replace("http_interface", "other").encode()},
        "wrong digits": {"handler.py": (handler + _WRONG_DIGITS).encode()},
    }
    folder = tmp_path_factory.mktemp("broken")
    return {name: write_zip(folder / f"{name}.zip", files) for name, files in changes.items()}


@pytest.fixture(scope="session")
def images(containers: Containers) -> Iterator[None]:
    """A registry: two images of this project, whose containers are one server, and one that answers from elsewhere."""
    with local_server() as server:
        address = server.address.rstrip("/")
        containers.images |= {PERSONAL: address, ENTERPRISE: address, WRONG: f"{address}/elsewhere"}
        yield


@pytest.fixture
def deploy(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run commands against the cloud, without waiting between polls and with small parts."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy") or name.startswith("TENCENTCLOUD_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))  # without credentials, and without a .netrc
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", cloud.account.secret_id)
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", cloud.account.secret_key)
    monkeypatch.setenv("TENCENTCLOUD_ENDPOINT", cloud.endpoint)
    monkeypatch.setattr(api, "RETRY_PAUSE_S", 0.0)
    monkeypatch.setattr(function, "POLL_PAUSE_S", 0.005)
    monkeypatch.setattr(storage, "PART_MB", 1)
    monkeypatch.setattr(storage, "RETRIES", 0)
    monkeypatch.setattr(trial, "expected_answers", _expected_answers)

    def run(*arguments: object) -> Done:
        capsys.readouterr()
        status = cli.main([str(argument) for argument in arguments])
        return Done(status, *capsys.readouterr())

    return run


@pytest.fixture
def up(deploy: Run) -> Run:
    """Run `up` with a zip, and see that it succeeds."""

    def run(*arguments: object) -> Done:
        done = deploy("up", "--yes", "--zip", *arguments)
        assert done.status == 0, done.errors
        return done

    return run


_real_expected_answers = trial.expected_answers


def _expected_answers(handler: str, events: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """Ask this machine once for all tests: the process that answers takes most of a second."""
    return _asked_once(handler, tuple(events), tuple(sorted(environment.items())))


@cache
def _asked_once(handler: str, names: tuple[str, ...], environment: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    events = {name: event for name, event in trial.example_events().items() if name in names}
    return _real_expected_answers(handler, events, dict(environment))
