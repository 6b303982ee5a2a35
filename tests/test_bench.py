"""What the benchmark stands on: who is ahead, and servers and environments that cannot be had."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench import environments, peers
from bench.environments import Unavailable, environment, shipped_versions
from bench.process import BenchError, Interpreter
from bench.report import figures_table
from bench.server_process import processes, running
from mnist_infer.config import ROOT

pytestmark = pytest.mark.train

ANSWERS = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        content = b'{"result": 7}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.mark.parametrize(
    ("figures", "text"),
    [
        pytest.param({"p50_ms": 0.9}, "**0.90**", id="ahead"),
        pytest.param({"p50_ms": 0.96}, "0.96", id="as good as equal"),
        pytest.param({"p50_ms": 2.0}, "2.00", id="behind"),
        pytest.param({"rate": 1.1}, "**1.10**", id="more, where more is better"),
        pytest.param({"rate": 1.04}, "1.04", id="hardly more"),
    ],
)
def test_what_is_ahead_of_this_function_is_bold(figures: dict[str, float], text: str) -> None:
    (name,) = figures
    rows = {"ours": {name: 1.0}, "theirs": figures, "another": {}}
    page = figures_table("", rows, [f"{name}:.2f"], against=dict.fromkeys(rows, rows["ours"]))
    assert page.splitlines()[2:] == ["| ours | 1.00 |", f"| theirs | {text} |", "| another | – |"]


def test_nothing_is_bold_in_a_table_that_compares_nothing() -> None:
    assert "**" not in figures_table("", {"one": {"change_ms": -1.0}}, ["change_ms"])


def test_a_server_that_answers_is_there_for_the_block_and_gone_after_it() -> None:
    with running([sys.executable, "-c", ANSWERS, "{port}"], {}, "/", {}, {"result": 7}) as server:
        assert processes(server.pid) == [server.pid]
        assert server.cpu_s() > 0
        assert 1 < server.memory_mb() < 200
    assert not Path(f"/proc/{server.pid}").exists()


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        pytest.param(["-c", "raise SystemExit('no such model')"], "it does not start: no such model", id="ends"),
        pytest.param(["-c", ANSWERS, "{port}"], "it answers {'result': 7}, and should", id="answers wrongly"),
    ],
)
def test_a_server_that_cannot_be_measured_is_refused_with_its_reason(command: list[str], reason: str) -> None:
    server = running([sys.executable, *command], {}, "/", {}, {"result": 3})
    with pytest.raises(Unavailable, match=reason), server:
        pass


def test_the_family_of_a_process_has_its_children_and_theirs() -> None:
    script = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin
        assert child.stdout
        child.stdout.readline()
        assert len(processes(child.pid)) == 2
        assert set(processes(child.pid)) < set(processes(os.getpid()))
        child.stdin.close()


def test_an_environment_that_cannot_be_made_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "CACHE", ROOT / ".cache" / "bench" / tmp_path.name)
    with pytest.raises(Unavailable, match="cannot be run"):
        environment("peer", [], Path("/nowhere/python3"))


def test_the_zips_versions_are_read_from_its_lock() -> None:
    assert {"tensorflow-cpu", "numpy", "pillow"} <= set(shipped_versions())


@pytest.mark.parametrize(("probability", "is_refused"), [(0.5 + 1e-7, False), (0.51, True)])
def test_a_way_that_answers_otherwise_than_this_function_is_not_timed(
    probability: float, is_refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"ours": [[0.5]], "litert": [[probability]]}

    @contextmanager
    def answering(way: str, _: Interpreter) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(ask_digits=lambda: answers[way])

    monkeypatch.setattr(peers, "WayProcess", answering)
    ways = dict.fromkeys(("ours", "article", "litert"), Interpreter(Path(sys.executable), {}))
    if is_refused:
        with pytest.raises(BenchError, match=r"LiteRT: .* differ .* by 1.0e-02"):
            peers.measure_differences(ways)
    else:
        assert peers.measure_differences(ways) == {"litert": pytest.approx(1e-7)}
