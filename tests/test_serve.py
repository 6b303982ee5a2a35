import base64
import contextlib
import http.client
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from mnist_infer.config import ROOT
from mnist_infer.hosting import wsgi
from mnist_infer.hosting.admission import MAX_WAITING, AdmissionControl
from mnist_infer.hosting.platform import MAX_EVENT_BYTES, container_context
from mnist_infer.hosting.server import REQUEST_DEADLINE_S, bind, create_server
from mnist_infer.hosting.wsgi import StartResponse
from testbed.image_host import Server
from testbed.local_server import without_tensorflow
from testbed.pictures import digit_png, to_base64

IPV6_ADDRESSES = Path("/proc/net/if_inet6")  # empty, or not there, where a machine or a container has none


class Served(NamedTuple):
    process: subprocess.Popen[bytes]
    port: int
    log: Path
    errors: Path

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, list[dict[str, Any]], str]:
        """Send a signal; returns the exit status, the lines of the log, each JSON, and what stderr has."""
        self.process.send_signal(number)
        status = self.process.wait(timeout=30)
        errors = without_tensorflow(self.errors.read_text())
        return status, [json.loads(line) for line in self.log.read_text().splitlines()], errors


@contextlib.contextmanager
def running(*options: str, ignores_interrupts: bool = False) -> Iterator[Served]:
    """Run the server, its log in a file: a pipe that nobody reads would stop it when it is full."""
    command = [sys.executable, "-m", "mnist_infer", "serve", "--port", "0", *options]
    if ignores_interrupts:
        command = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command]
    with tempfile.TemporaryDirectory() as folder:
        log, errors = Path(folder, "log"), Path(folder, "errors")
        with log.open("w") as out, errors.open("w") as err:
            process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=err)
        try:
            yield Served(process, wait_for_port(process, log), log, errors)
        finally:
            process.kill()
            process.wait()


def wait_for_port(process: subprocess.Popen[bytes], log: Path, processes: int = 1) -> int:
    while process.poll() is None:
        lines = [line for line in log.read_text().splitlines() if '"listening"' in line]
        if len(lines) >= processes:
            return int(json.loads(lines[0])["url"].split("/")[2].rpartition(":")[2])
        time.sleep(0.02)
    raise AssertionError("the server ended")


@pytest.fixture(scope="module")
def web() -> Iterator[Served]:
    with running() as served:
        yield served


def picture(digit: int) -> bytes:
    return json.dumps({"image_base64": to_base64(digit_png(digit))}).encode()


def test_a_posted_picture_is_answered_with_its_digit(web: Served) -> None:
    status, headers, body = web.send("POST", "/", picture(7), Content_Type="application/json")
    assert (status, json.loads(body)) == (200, {"result": 7})
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Request-Id"]


def test_a_browser_gets_the_page(web: Served) -> None:
    status, headers, body = web.send("GET", "/")
    assert status == 200
    assert headers["Content-Type"].startswith("text/html")
    assert body == (ROOT / "mnist_infer" / "page.html").read_bytes()
    assert web.send("HEAD", "/")[2] == b""


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nowhere", b"", 404),
        ("GET", "/%E6%95%B0", b"", 404),
        ("DELETE", "/", b"", 405),
        ("POST", "/", b"", 400),
        ("POST", "/", b"\xff\xfe", 400),
        ("POST", "/?image_url=x", b"{}", 400),
    ],
    ids=str,
)
def test_what_cannot_be_answered_has_its_status(web: Served, method: str, path: str, body: bytes, status: int) -> None:
    assert web.send(method, path, body)[0] == status


def test_head_is_answered_without_a_body_and_the_connection_stays_open(web: Served) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=30) as connection:
        for path, last in (("/nowhere", ""), ("/", ""), ("/nowhere", "Connection: close\r\n")):
            connection.sendall(f"HEAD {path} HTTP/1.1\r\nHost: a\r\n{last}\r\n".encode())
        received = b"".join(iter(lambda: connection.recv(2**16), b""))
    *heads, rest = received.split(b"\r\n\r\n")
    assert [head.split()[1] for head in heads] == [b"404", b"200", b"404"]
    assert rest == b""


def test_a_body_that_no_event_can_hold_is_refused_before_it_is_read(web: Served) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", web.port, timeout=30)) as connection:
        connection.putrequest("POST", "/")
        connection.putheader("Content-Length", str(MAX_EVENT_BYTES + 1))
        connection.endheaders()
        assert connection.getresponse().status == 413


def test_only_a_request_whose_body_is_awaited_is_told_to_go_on(web: Served) -> None:
    requests = (
        ("GET / HTTP/1.1", 0, b"200 OK"),
        ("POST / HTTP/1.1", 0, b"400 Bad Request"),
        (f"POST / HTTP/1.1\r\nContent-Length: {MAX_EVENT_BYTES + 1}", 0, b"413 Request Entity Too Large"),
        ("POST / HTTP/1.1\r\nContent-Length: 2", 2, b"100 Continue"),
    )
    for head, body_bytes, status in requests:
        with socket.create_connection(("127.0.0.1", web.port), timeout=20) as connection:
            connection.sendall(f"{head}\r\nHost: a\r\nExpect: 100-continue\r\n\r\n".encode())
            assert connection.recv(1000).startswith(b"HTTP/1.1 " + status)
            if body_bytes:
                connection.sendall(b"{}")
                assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")


def test_sixteen_at_a_time_get_the_digit_of_their_own_picture(web: Served) -> None:
    def read_digit(digit: int) -> object:
        while True:
            status, _, answer = web.send("POST", "/", picture(digit))
            if status != 503:  # the machine may be busy with other things
                return json.loads(answer)

    digits = [i % 10 for i in range(160)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(read_digit, digits))
    assert answers == [{"result": digit} for digit in digits]


@pytest.mark.parametrize("in_background", [False, True], ids=["", "started with SIGINT ignored"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_sigterm_and_sigint_end_the_server_cleanly(number: signal.Signals, in_background: bool) -> None:
    with running(ignores_interrupts=in_background) as served:
        assert served.send("POST", "/", picture(3))[0] == 200
        status, _, errors = served.end(number)
        assert (status, errors) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_several_processes_share_an_address_and_end_together(number: signal.Signals) -> None:
    with running("--processes", "2") as served:
        assert {served.send("POST", "/", picture(3))[0] for _ in range(10)} == {200}
        wait_for_port(served.process, served.log, processes=2)
        family = worker_processes(served.process.pid)
        for pid in family if number == signal.SIGINT else ():  # a terminal sends it to all of them
            os.kill(pid, number)
        status, log, errors = served.end(number)
    assert (status, errors) == (0, "")
    assert len(family) == [line["event"] for line in log].count("cold_start") == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in family)


def test_a_signal_while_the_processes_start_ends_them_all() -> None:
    command = [sys.executable, "-m", "mnist_infer", "serve", "--port", "0", "--processes", "8"]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=errors)
        try:
            while not (family := worker_processes(process.pid)):
                time.sleep(0.001)  # a poll: the signal has to come while the other processes start
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()
        errors.seek(0)
        assert without_tensorflow(errors.read().decode()) == ""
    assert not any(Path(f"/proc/{pid}").exists() for pid in family)


def test_a_server_of_several_processes_ends_when_it_loses_one() -> None:
    with running("--processes", "2") as served:
        lost, other = worker_processes(served.process.pid)
        os.kill(lost, signal.SIGKILL)
        assert served.process.wait(timeout=30) == 1
        assert not Path(f"/proc/{other}").exists()


def test_each_line_of_the_log_is_one_write_so_that_processes_do_not_mix_theirs() -> None:
    command = [sys.executable, "-m", "mnist_infer", "serve", "--port", "0"]
    written, log = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)  # what is written at once arrives at once
    with written, log:
        written.settimeout(30)
        environ = os.environ | {"PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(
            command, cwd=ROOT, env=environ, stdout=log.fileno(), stderr=subprocess.DEVNULL
        ) as process:
            try:
                lines = [written.recv(10_000) for _ in range(2)]
            finally:
                process.kill()
    assert [json.loads(line)["event"] for line in lines if line.endswith(b"\n")] == ["cold_start", "listening"]


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_server_that_cannot_start_says_why_in_one_sentence(processes: str) -> None:
    command = [sys.executable, "-m", "mnist_infer", "serve", "--port", "0", "--processes", processes]
    environ = os.environ | {"MNIST_MODEL_DIR": "/nowhere"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert set(done.stderr.splitlines()) == {"mnist_infer: the model folder /nowhere cannot be read"}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--port", "65536"), "argument --port: 65536 is not between 0 and 65535"),
        (("--threads", "0"), "argument --threads: 0 is not between 1 and 1024"),
        (("--processes", "many"), "argument --processes: invalid number value: 'many'"),
        (("--port", "0", "--entry", "nothing"), "mnist_infer: handler.py has no entry point nothing"),
    ],
    ids=str,
)
def test_an_option_that_makes_no_sense_is_named_in_one_sentence(options: tuple[str, ...], sentence: str) -> None:
    command = [sys.executable, "-m", "mnist_infer", "serve", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode
    assert done.stderr.splitlines()[-1].endswith(sentence)
    assert "Traceback" not in done.stderr


def test_a_request_in_progress_is_answered_although_two_signals_come(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_URL_ALLOWED_HOSTS", f"127.0.0.1:{server.port}")
    monkeypatch.setenv("MNIST_FETCH_READ_TIMEOUT_S", "1.5")
    body = json.dumps({"image_url": f"http://127.0.0.1:{server.port}/silent"}).encode()
    before = len(server.requests)  # other tests have sent it some
    with running("--processes", "2") as served, ThreadPoolExecutor(1) as pool:
        wait_for_port(served.process, served.log, processes=2)
        answer = pool.submit(served.send, "POST", "/", body)
        while len(server.requests) == before and not answer.done():
            time.sleep(0.02)
        for pid in (*worker_processes(served.process.pid), served.process.pid):
            os.kill(pid, signal.SIGINT)
        assert answer.result(timeout=30)[0] == 502


def worker_processes(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


IDLE, DRIPPING = b"", b"POST / HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize("begun", [IDLE, DRIPPING], ids=["idle", "in the middle of their headers"])
def test_two_hundred_connections_that_send_nothing_more_keep_nobody_waiting(web: Served, begun: bytes) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", web.port)))
            connection.sendall(begun)
        assert web.send("POST", "/", picture(7))[::2] == (200, b'{"result": 7}')


def test_no_connection_is_taken_before_there_is_a_server_to_answer_it() -> None:
    bound = bind("127.0.0.1", 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(bound.getsockname())
    with contextlib.closing(create_server(lambda *_: [], bound, 1)):
        socket.create_connection(bound.getsockname()).close()


def test_a_request_that_comes_a_byte_now_and_then_is_cut_off_at_its_deadline() -> None:
    bound = bind("127.0.0.1", 0)
    server = create_server(lambda *_: [], bound, 1)
    with contextlib.closing(server), socket.create_connection(bound.getsockname()) as client:
        server.handle_accept()
        (channel,) = server.active_channels.values()
        for sent in (b"POST / HTTP/1.1\r\n", b"Host: x\r\n", b"A: b\r\n"):
            began = channel.last_activity
            client.sendall(sent)
            select.select([channel.socket], [], [], 30)
            channel.handle_read()
        assert channel.last_activity == began
        server.maintenance(began + REQUEST_DEADLINE_S + 1)
        assert channel.will_close
        channel.handle_close()


class Busy:
    """An application that answers when it is told to."""

    def __init__(self) -> None:
        self.entered, self.released = threading.Semaphore(0), threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        self.entered.release()
        self.released.wait(30)
        return wsgi.send(wsgi.HttpAnswer(200, {}, b"done"), environ, start_response)


def test_a_request_beyond_those_that_wait_is_refused_with_503() -> None:
    application = Busy()
    admission = AdmissionControl(application, 2)
    statuses: list[tuple[str, list[tuple[str, str]]]] = []

    def call() -> bytes:
        return b"".join(
            admission({"REQUEST_METHOD": "POST"}, lambda status, headers: statuses.append((status, headers)))
        )

    with ThreadPoolExecutor(2 + MAX_WAITING + 1) as pool:
        answers = [pool.submit(call) for _ in range(2)]
        for _ in range(2):
            assert application.entered.acquire(timeout=30)
        refused = [waiter.result(timeout=30) for waiter in [pool.submit(call) for _ in range(MAX_WAITING + 1)]]
        application.released.set()
        assert [answer.result(timeout=30) for answer in answers] == [b"done"] * 2
        assert call() == b"done"
    assert {json.loads(body)["errCode"] for body in refused} == {"busy"}
    status, headers = statuses[0]
    assert status == "503 Service Unavailable"
    assert ("Retry-After", "1") in headers


def test_a_waiting_request_starts_as_soon_as_a_place_is_free() -> None:
    application = Busy()
    admission = AdmissionControl(application, 1)

    def call() -> bytes:
        return b"".join(admission({"REQUEST_METHOD": "POST"}, lambda *_: None))

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(call)
        assert application.entered.acquire(timeout=30)
        second = pool.submit(call)
        application.released.set()
        assert first.result(timeout=30) == second.result(timeout=30) == b"done"


def test_an_event_image_takes_events_and_the_context_from_headers() -> None:
    with running("--type", "event") as served:
        assert served.send("POST", "/event-invoke", picture(4), X_Scf_Request_Id="abc")[::2] == (200, b"4")
        assert served.send("POST", "/event-invoke", b'{"image_base64": "AAAA"}')[::2] == (200, b"-1")
        assert served.send("POST", "/event-invoke", b"{")[0] == 400
        assert served.send("POST", "/", picture(4))[0] == 404
        assert served.send("GET", "/event-invoke")[0] == 404
        _, log, _ = served.end()
    assert next(line["request_id"] for line in log if line["event"] == "request") == "abc"


def test_every_line_of_the_log_is_json_and_names_the_request_by_the_platforms_id() -> None:
    with running() as served:
        served.send("POST", "/", picture(4), X_Scf_Request_Id="abc")
        served.send("POST", "/", picture(4))
        with socket.create_connection(("127.0.0.1", served.port)) as connection:  # what waitress itself refuses
            connection.sendall(b"no HTTP\r\n\r\n")
            assert connection.recv(1000)
        _, log, errors = served.end()
    requests = [line for line in log if line["event"] == "request"]
    assert [line["event"] for line in log[:2]] == ["cold_start", "listening"]
    assert requests[0]["request_id"] == "abc"
    assert uuid.UUID(requests[1]["request_id"])
    assert errors == ""


def test_tasks_that_no_thread_takes_at_once_are_no_lines_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    released = threading.Event()
    with bind("127.0.0.1", 0) as bound:
        server = create_server(Busy(), bound, 1)
        for _ in range(100):  # more than it has threads
            server.task_dispatcher.add_task(SimpleNamespace(service=released.wait))
        released.set()
        server.task_dispatcher.shutdown(cancel_pending=False)
        server.close()
    assert caplog.records == []


@pytest.mark.skipif(not IPV6_ADDRESSES.exists() or not IPV6_ADDRESSES.read_text(), reason="needs the IPv6 address ::1")
def test_the_log_has_the_address_as_a_url_also_for_ipv6() -> None:
    with running("--host", "::1") as served:
        _, log, _ = served.end()
    assert next(line["url"] for line in log if line["event"] == "listening") == f"http://[::1]:{served.port}/"


def test_an_exception_of_the_entry_point_is_a_line_of_json_with_its_traceback() -> None:
    with running("--entry", "load_settings") as served:  # which takes no event and no context
        assert served.send("POST", "/", b"{}")[0] == 500
        _, log, errors = served.end()
    (line,) = (line for line in log if line["event"] == "log")
    assert (line["level"], line["logger"]) == ("ERROR", "waitress")
    assert "TypeError" in line["traceback"]
    assert errors == ""


def test_a_containers_context_says_what_the_headers_say_and_nothing_else() -> None:
    headers = {
        "x-scf-request-id": "abc",
        "x-scf-memory": "512",
        "x-scf-timeout": "3000",
        "x-scf-name": "digits",
        "x-scf-secret-key": "secret",
        "accept": "*/*",
    }
    assert container_context(headers) == {
        "request_id": "abc",
        "memory_limit_in_mb": 512,
        "time_limit_in_ms": 3000,
        "function_name": "digits",
    }
    for text in ("", "3 s", "-1", "٣", "9" * 5000):
        assert set(container_context({"x-scf-timeout": text})) == {"request_id"}


def test_the_time_limit_of_the_platforms_header_holds(server: Server) -> None:
    url = f"http://127.0.0.1:{server.port}/silent"
    with running() as served:
        body = json.dumps({"image_url": url}).encode()
        assert served.send("POST", "/", body)[0] == 400  # the address is private, and nothing allows it here
    settings = {"MNIST_URL_ALLOWED_HOSTS": f"127.0.0.1:{server.port}", "MNIST_FETCH_READ_TIMEOUT_S": "5"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        with running() as served:
            status, _, answer = served.send("POST", "/", body, X_Scf_Timeout="200")
            _, log, _ = served.end()
    assert (status, json.loads(answer)["errCode"]) == (502, "fetch_timeout")
    (request,) = (line for line in log if line["event"] == "request")
    assert request["total_milliseconds"] < 2_000  # of the 5 s that the settings would leave


def test_an_entry_point_that_returns_no_status_is_answered_with_200() -> None:
    with running("--entry", "apigw_interface") as served:
        assert served.send("POST", "/", b"{}")[0] == 200
        assert json.loads(served.send("POST", "/", picture(5))[2]) == {"result": 5}


def test_a_request_becomes_the_event_of_a_function_url() -> None:
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/a",
        "QUERY_STRING": "x=1&y=%20",
        "CONTENT_TYPE": "text/plain",
        "HTTP_X_FORWARDED_FOR": "10.0.0.1",
        "wsgi.input": io.BytesIO(b"\xff"),
    }
    assert wsgi.web_event(environ) == {
        "headers": {"content-type": "text/plain", "x-forwarded-for": "10.0.0.1"},
        "httpMethod": "POST",
        "path": "/a",
        "queryString": {"x": "1", "y": " "},
        "body": "/w==",
        "isBase64Encoded": True,
    }


def test_an_answer_in_base64_is_decoded() -> None:
    content = base64.b64encode(b"\x00\xff").decode()
    answer = wsgi.web_answer({"isBase64Encoded": True, "statusCode": 201, "headers": {"A": "b"}, "body": content})
    assert answer == wsgi.HttpAnswer(201, {"A": "b"}, b"\x00\xff")
