"""The services of the stand-in behind one port, and the faults of the network before it."""

import base64
import copy
import json
import sys
import threading
import traceback
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape

from tests.cloud.containers import Containers, Outcome
from tests.cloud.cos import Cos, xml
from tests.cloud.errors import ApiError, CosError
from tests.cloud.scf import Scf
from tests.cloud.schema import Schema
from tests.cloud.services import Cam, Cls
from tests.cloud.signatures import Account, Request, check_cos, check_tc3

ACCOUNT = Account("AKIDstandinstandinstandinstandin", "standin-secret-key-not-a-real-one")


class Fault(NamedTuple):
    """Where the network breaks, and stays broken.

    Attributes:
        number: of the request, from 1.
        is_after: what it asks for is done, and the answer gets lost; otherwise it never arrives.
        is_half: what gets lost of the answer is its second half.
    """

    number: int
    is_after: bool
    is_half: bool = False


class Cloud(ThreadingHTTPServer):
    """The stand-in, on a free port of 127.0.0.1.

    Attributes:
        account: whose requests are taken.
        cos, scf: the services' states.
        requests: what came, in order: the action or the method with the path, and what it was answered with.
        served: of each request to a function URL, the version that it went to and the status of the answer.
        refusals: by the name of an action, the code that it is refused with.
        faults: how many requests got lost since `break_at`.
        bugs: tracebacks of the stand-in's own failures, an answer that Tencent could not give among them.
    """

    daemon_threads = True

    def __init__(self, containers: Containers) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.account = ACCOUNT
        self.cos = Cos()
        self.scf = Scf(self.cos, containers)
        self.containers = containers
        self.services: dict[str, object] = {"scf": self.scf, "cls": Cls(self.scf), "cam": Cam()}
        self.schemas = {name: Schema(name) for name in self.services}
        self.lock = threading.RLock()
        self.requests: list[tuple[str, str]] = []
        self.served: list[tuple[str, int]] = []
        self.refusals: dict[str, str] = {}
        self.bugs: list[str] = []
        self.faults = 0
        self._fault: Fault | None = None
        self._count = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def break_at(self, fault: Fault | None) -> None:
        """Break the network at a request from now on, or mend it."""
        self._fault, self._count, self.faults = fault, 0, 0

    def is_lost(self, is_answer: bool) -> bool:
        """Return whether the present request gets lost, on its way here or, done, on the answer's way back."""
        if self._fault is None:
            return False
        with self.lock:
            self._count += not is_answer
            is_lost = self._count > self._fault.number or (
                self._count == self._fault.number and self._fault.is_after == is_answer
            )
            self.faults += is_lost
            return is_lost

    @property
    def loses_half(self) -> bool:
        return self._fault is not None and self._fault.is_half

    def save(self) -> dict[str, Any]:
        """Return a copy of what the services have."""
        return copy.deepcopy({"buckets": self.cos.buckets, "functions": self.scf.functions})

    def restore(self, saved: dict[str, Any]) -> None:
        """Take the services back to what they had."""
        copied = copy.deepcopy(saved)
        self.cos.buckets, self.scf.functions = copied["buckets"], copied["functions"]

    def handle_error(self, _request: object, _client_address: object) -> None:
        """Note what no service answers with: a client that broke off is none, everything else a bug in here."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            self.bugs.append(traceback.format_exc())


@contextmanager
def running_cloud(containers: Containers) -> Iterator[Cloud]:
    """Run a stand-in for the length of a `with` block."""
    cloud = Cloud(containers)
    thread = threading.Thread(target=cloud.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield cloud
    finally:
        cloud.shutdown()
        thread.join()
        cloud.server_close()
    assert not cloud.bugs, cloud.bugs[0]


class _Handler(BaseHTTPRequestHandler):
    server: Cloud
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _handle(self) -> None:
        url = urlsplit(self.path)  # absolute where the client takes this server for its proxy
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        request = Request(self.command, url.path or "/", url.query, headers, body)
        if self.server.is_lost(is_answer=False):
            self.close_connection = True
            return
        if headers["host"].endswith(".tencentscf.com"):
            answer = self._function_url(request)
            self.server.requests.append((f"URL {request.path}", str(answer[0])))
        else:
            with self.server.lock:
                answer = self._api(request) if "x-tc-action" in headers else self._cos(request)
        if self.server.is_lost(is_answer=True):
            self.close_connection = True
            status, answer_headers, content = answer
            if self.server.loses_half and content:
                length = {"Content-Length": str(len(content))}
                self._send(status, {**answer_headers, **length}, content[: len(content) // 2])
            return
        self._send(*answer)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _handle  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _api(self, request: Request) -> tuple[int, Mapping[str, str], bytes]:
        action = request.headers["x-tc-action"]
        try:
            value = self._act(action, request)
            outcome = "ok"
        except ApiError as error:
            value, outcome = {"Error": {"Code": error.code, "Message": error.message}}, error.code
        self.server.requests.append((action, outcome))
        content = json.dumps({"Response": {**value, "RequestId": str(uuid.uuid4())}}).encode()
        return 200, {"Content-Type": "application/json"}, content

    def _act(self, action: str, request: Request) -> dict[str, Any]:
        service = check_tc3(request, self.server.account)
        schema = self.server.schemas.get(service)
        if schema is None or request.headers.get("x-tc-version") != schema.version:
            raise ApiError("NoSuchVersion")
        if not request.headers.get("x-tc-region"):
            raise ApiError("MissingParameter", "the request is missing the region")
        if action in self.server.refusals:
            raise ApiError(self.server.refusals[action])
        content = json.loads(request.body)
        schema.check_request(action, content)
        value: dict[str, Any] = getattr(self.server.services[service], action)(content)
        schema.check_answer(action, value)
        return value

    def _cos(self, request: Request) -> tuple[int, Mapping[str, str], bytes]:
        request_id = base64.b64encode(uuid.uuid4().bytes).decode()
        headers = {"Content-Type": "application/xml", "x-cos-request-id": request_id}
        name = f"{request.method} {request.path}"
        try:
            check_cos(request, self.server.account)
            if code := self.server.refusals.get(name) or self.server.refusals.get(request.method):
                raise CosError(403, code)
            answer = self.server.cos.handle(request)
            self.server.requests.append((name, "ok"))
            return 204 if answer.body is None else 200, {**headers, **answer.headers}, answer.body or b""
        except CosError as error:
            self.server.requests.append((name, error.code))
            fields = {"Code": error.code, "Message": error.message, "Resource": request.path, "RequestId": request_id}
            text = "".join(
                f"<{key}>{escape(value)}</{key}>" for key, value in {**fields, "TraceId": request_id}.items()
            )
            return error.status, headers, xml("Error", text) if request.method != "HEAD" else b""

    def _function_url(self, request: Request) -> tuple[int, Mapping[str, str], bytes]:
        """The event and the answer as documented: cloud.tencent.com/document/product/583/96099."""
        json_type = {"Content-Type": "application/json"}
        scf = self.server.scf
        with self.server.lock:
            found = scf.url_owner(request.headers["host"])
            if not found or not found[1]["Enable"]:
                return 404, json_type, b'{"errorMessage": "no such function URL"}'
            name, url = found
            number, version = scf.pick_version(name, url["Qualifier"])
        if json.loads(url["TriggerDesc"])["AuthType"] == "CAM":
            try:
                check_tc3(request, self.server.account)
            except ApiError as error:
                return 401, json_type, json.dumps({"errorCode": error.code}).encode()
        if version["Type"] == "HTTP":
            image = version["ImageConfig"]["ImageUri"]
            status, content = self.server.containers.request(image, *request[:2], request.headers, request.body)
            scf.log(name, number, str(uuid.uuid4()), Outcome("", "", "", 0))
            self.server.served.append((number, status))
            return status, json_type, content
        event = {
            "httpMethod": request.method,
            "path": request.path,
            "headers": dict(request.headers),
            "queryString": dict(parse_qsl(request.query)),
            "body": request.body.decode(),
        }
        outcome, _ = scf.run(name, number, version, event)
        status, headers, content = _http_answer(outcome)
        self.server.served.append((number, status))
        return status, {**json_type, **headers}, content


def _http_answer(outcome: Outcome) -> tuple[int, Mapping[str, str], bytes]:
    if outcome.error:
        return 430, {}, json.dumps({"errorCode": -1, "errorMessage": outcome.error}).encode()
    value = json.loads(outcome.value)
    if not isinstance(value, dict) or "statusCode" not in value:
        return 200, {}, outcome.value.encode()
    return value["statusCode"], value.get("headers", {}), value.get("body", "").encode()
