"""Fixtures that several test modules share: real parts wherever they can run."""

import os
import re
import socket
import ssl
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import requests.adapters
import trustme

from mnist_infer.config import ROOT, Settings
from mnist_infer.hosting.platform import load_handler
from mnist_infer.session import SavedModelSession
from mnist_infer.session_config import session_config
from testbed.image_host import Server, running_server
from testbed.pictures import MODEL_DIR

ONE_CPU_THREAD = session_config(intra_op_threads=1, inter_op_threads=0, hide_gpus=True)
NEEDS = {
    "browser": "a Chromium",
    "cloud": "the stand-in for the cloud, where the function runs in processes of its own",
    "relink": "TensorFlow's libraries linked again, which takes minutes",
    "sandbox": "bubblewrap",
    "slow": "more than three seconds of CPU by its nature",
    "tensorflow": "TensorFlow's Python package, which takes seconds to import, or what trains with it",
    "train": "the packages that training, its pictures and the benchmarks take",
    "versions": "the libraries of other TensorFlows",
}
"""What keeps a test out of `make test`: it has the mark, or a fixture below, or its module has."""

NEED_OF_FIXTURE = {
    "chromium": "browser",
    "cloud": "cloud",
    "exports": "tensorflow",
    "layout": "sandbox",
    "model_kinds": "tensorflow",
    "oracle": "tensorflow",
    "relinked": "relink",
}

LEFT_OUT = pytest.StashKey[set[tuple[str, str]]]()
"""What a run left out: names of tests, or of modules that it did not import, and what they need."""


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks, and `quick` for a test that has none of them."""
    for need, what in NEEDS.items():
        config.addinivalue_line("markers", f"{need}: needs {what}")
    config.addinivalue_line("markers", "quick: needs nothing of the kind; nobody writes this mark")
    config.stash[LEFT_OUT] = set()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import a module that as a whole needs something, where the quick tests are asked for."""
    if config.option.markexpr != "quick" or collection_path.suffix != ".py":
        return None
    mark_of_module = rf"^pytestmark = [^=]*?pytest\.mark\.({'|'.join(NEEDS)})\b"
    found = re.findall(mark_of_module, collection_path.read_text(encoding="utf-8"), re.MULTILINE)
    config.stash[LEFT_OUT].update((str(collection_path), need) for need in found)
    return bool(found) or None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what a test needs and what is quick, and begin with the modules that take longest."""
    for item in items:
        for fixture in NEED_OF_FIXTURE.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(NEED_OF_FIXTURE[fixture])
        if not needs(item):
            item.add_marker("quick")
    longest = {item.path: needs(item) & {"relink", "tensorflow"} for item in items}
    items.sort(key=lambda item: not longest[item.path])


def needs(item: pytest.Item) -> set[str]:
    """Return what keeps a test out of `make test`."""
    return {mark.name for mark in item.iter_markers()} & NEEDS.keys()


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Count what is left out."""
    for item in items:
        item.config.stash[LEFT_OUT].update((item.nodeid, need) for need in needs(item))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let a worker tell what it left out: all of them collect the same."""
    if hasattr(session.config, "workeroutput"):
        left_out = session.config.stash[LEFT_OUT]
        session.config.workeroutput["left_out"] = list(left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker left out."""
    told = getattr(node, "workeroutput", {}).get("left_out", ())
    node.config.stash[LEFT_OUT] |= {(name, need) for name, need in told}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was left out or skipped, and which command runs it too."""
    reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    missing = [found[1] for reason in reasons if (found := re.search(r"apt-get install ([\w+-]+)", reason))]
    if missing:
        packages = " ".join(sorted(set(missing)))
        terminalreporter.write_line(f"{len(missing)} tests were skipped; to run them too: apt-get install {packages}")
    if config.option.markexpr == "quick":
        counts = Counter(need for _, need in config.stash[LEFT_OUT])
        left_out = ", ".join(f"{need} ({count})" for need, count in sorted(counts.items()))
        terminalreporter.write_line(f"left out: what needs {left_out}; `make test-all` runs everything")


@pytest.fixture(scope="session")
def session() -> Iterator[SavedModelSession]:
    """The exported model, in the development library."""
    loaded = SavedModelSession(MODEL_DIR, ONE_CPU_THREAD)
    yield loaded
    loaded.close()


@pytest.fixture(scope="session")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what TensorFlow's own Python package says, see `tests.oracle`; ORACLE names one made before."""
    if made_before := os.environ.get("ORACLE"):
        return Path(made_before)
    folder = tmp_path_factory.mktemp("oracle")
    command = [sys.executable, "-W", "ignore", "-m", "tests.oracle", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"})
    return folder


@pytest.fixture(scope="session")
def model_kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of models of every kind, see `tests.model_kinds`."""
    folder = tmp_path_factory.mktemp("kinds")
    command = [sys.executable, "-W", "ignore", "-m", "tests.model_kinds", "make", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"})
    return folder


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A local HTTP server."""
    with running_server() as running:
        yield running


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    """What a TLS server needs for the names of the tests, and a file of the authority behind it."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("pictures.example", "raw.githubusercontent.com").configure_cert(context)
    file = tmp_path_factory.mktemp("tls") / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    return context, str(file)


@pytest.fixture
def tls_server(certificates: tuple[ssl.SSLContext, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A TLS server that every name leads to, and whose certificate's authority the function trusts."""
    context, authority = certificates
    with running_server(context) as server:
        monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", authority)
        resolve_to(monkeypatch, "127.0.0.1")
        yield server


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Let every host name have these addresses; returns the list of the names that are asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_: object, **__: object) -> list[object]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.fixture
def local_settings(server: Server) -> Settings:
    """Settings that let image URLs lead to the local server, and are quick to lose patience."""
    return Settings(
        url_allowed_hosts=frozenset({f"127.0.0.1:{server.port}"}),
        fetch_connect_timeout_s=1.0,
        fetch_read_timeout_s=0.5,
        fetch_total_timeout_s=1.0,
        max_image_bytes=200_000,
    )


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModuleType]:
    """Load handler.py as the platform does, under the `MNIST_*` variables that are given."""
    for variable in [name for name in os.environ if name.startswith("MNIST_") and name != "MNIST_TENSORFLOW_DIR"]:
        monkeypatch.delenv(variable)
    monkeypatch.chdir(ROOT)  # loading goes there too; this brings the tests back

    def load(**variables: str) -> ModuleType:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return load_handler()

    return load
