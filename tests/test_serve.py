import base64
import contextlib
import http.client
import io
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from mnist_infer.local import serve
from tests.pictures import ROOT, digit_png, to_base64


class Served(NamedTuple):
    process: subprocess.Popen[str]
    port: int

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()


@contextlib.contextmanager
def running(*options: str) -> Iterator[Served]:
    command = [sys.executable, "-m", "mnist_infer", "serve", "--port", "0", *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        line = next(line for line in process.stdout if line.startswith("http://"))
        yield Served(process, int(line.split("/")[2].rpartition(":")[2]))
    finally:
        process.kill()
        process.communicate()


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


def test_a_body_that_no_event_can_hold_is_refused_before_it_is_read(web: Served) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", web.port, timeout=30)) as connection:
        connection.putrequest("POST", "/")
        connection.putheader("Content-Length", str(serve.MOST_BODY_BYTES + 1))
        connection.endheaders()
        assert connection.getresponse().status == 413


def test_sixteen_at_a_time_get_the_digit_of_their_own_picture(web: Served) -> None:
    digits = [i % 10 for i in range(160)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda digit: json.loads(web.send("POST", "/", picture(digit))[2]), digits))
    assert answers == [{"result": digit} for digit in digits]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_it_ends_cleanly_when_it_is_told_to(number: signal.Signals) -> None:
    with running() as served:
        assert served.send("POST", "/", picture(3))[0] == 200
        served.process.send_signal(number)
        _, errors = served.process.communicate(timeout=30)
        assert (served.process.returncode, errors) == (0, "")


def test_an_event_image_takes_events_and_the_context_from_headers() -> None:
    with running("--type", "event") as served:
        assert served.send("POST", "/event-invoke", picture(4), X_Scf_Request_Id="abc")[::2] == (200, b"4")
        assert served.send("POST", "/event-invoke", b'{"image_base64": "AAAA"}')[::2] == (200, b"-1")
        assert served.send("POST", "/event-invoke", b"{")[0] == 400
        assert served.send("POST", "/", picture(4))[0] == 404
        assert served.send("GET", "/event-invoke")[0] == 404
        served.process.send_signal(signal.SIGTERM)
        log, _ = served.process.communicate(timeout=30)
    assert json.loads(log.splitlines()[0])["request_id"] == "abc"


def test_another_entry_point_is_answered_as_the_platform_answers_what_has_no_status() -> None:
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
    assert serve.web_event(environ) == {
        "headers": {"content-type": "text/plain", "x-forwarded-for": "10.0.0.1"},
        "httpMethod": "POST",
        "path": "/a",
        "queryString": {"x": "1", "y": " "},
        "body": "/w==",
        "isBase64Encoded": True,
    }


def test_an_answer_in_base64_is_decoded() -> None:
    content = base64.b64encode(b"\x00\xff").decode()
    answer = serve.web_answer({"isBase64Encoded": True, "statusCode": 201, "headers": {"A": "b"}, "body": content})
    assert answer == serve.Answer(201, {"A": "b"}, b"\x00\xff")
