"""Fixtures that several test modules share: real parts wherever they can run."""

import os
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import requests.adapters
import trustme

from mnist_infer.config import ROOT, Settings
from mnist_infer.hosting.platform import load_handler
from mnist_infer.session import SavedModelSession, session_config
from testbed.image_host import Server, running_server
from testbed.pictures import MODEL_DIR

ONE_CPU_THREAD = session_config(intra_op_threads=1, inter_op_threads=0, hide_gpus=True)
SLOWEST = ("test_relink.py", "test_new_version.py", "test_export.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take minutes, so that in the end no process waits for another one's."""
    items.sort(key=lambda item: SLOWEST.index(item.path.name) if item.path.name in SLOWEST else len(SLOWEST))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line which tests were skipped for want of a system package, and the command that changes it."""
    reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    missing = [found[1] for reason in reasons if (found := re.search(r"apt-get install ([\w+-]+)", reason))]
    if missing:
        packages = " ".join(sorted(set(missing)))
        terminalreporter.write_line(f"{len(missing)} tests were skipped; to run them too: apt-get install {packages}")


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
