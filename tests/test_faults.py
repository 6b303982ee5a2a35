"""What happens to the function from outside: it is killed, nothing may be written, descriptors run out."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mnist_infer.config import ROOT
from testbed.image_host import Server
from testbed.pictures import EXAMPLES, digit_png, to_base64

DIGITS = sorted((EXAMPLES / "digits").iterdir())
SEVEN = {"image_base64": to_base64(digit_png(7))}

LOADED = """
import base64, gc, json, os, resource, sys
from pathlib import Path

sys.path.insert(0, ".")
from mnist_infer.hosting.platform import load_handler, sample_context, through_json

url, folder = sys.argv[1], sys.argv[2]
handler = load_handler()
seven = json.loads(sys.argv[3])


def over_http(payload):
    event = {"httpMethod": "POST", "path": "/", "body": json.dumps(payload)}
    return json.loads(through_json(handler.http_interface(event, sample_context()))["body"])

"""


def command(script: str, server: Server, folder: Path) -> list[str]:
    url = f"http://127.0.0.1:{server.port}"
    return [sys.executable, "-W", "error", "-c", script, url, str(folder), json.dumps(SEVEN)]


def environ(server: Server, temporary: Path) -> dict[str, str]:
    settings = {"MNIST_URL_ALLOWED_HOSTS": f"127.0.0.1:{server.port}", "MNIST_FETCH_READ_TIMEOUT_S": "2"}
    return os.environ | settings | {"TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"}


def run(script: str, server: Server, folder: Path, temporary: Path) -> list[dict[str, Any]]:
    """Run a script in a process of its own, and return its lines: of the log, and what it prints itself."""
    child = subprocess.run(
        command(script, server, folder), cwd=ROOT, env=environ(server, temporary), capture_output=True, text=True
    )
    assert child.returncode == 0, child.stderr
    return [json.loads(line) for line in child.stdout.splitlines()]


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Two fresh folders, for temporary files and to work in; both are still empty after the test."""
    folders = tmp_path / "temporary", tmp_path / "working"
    for folder in folders:
        folder.mkdir()
    yield folders
    for folder in folders:
        assert list(folder.iterdir()) == []


def exported() -> dict[str, tuple[int, int]]:
    """Return size and time of every file that comes with the model."""
    files = [path for path in (ROOT / "export").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


FOR_EVER = (
    LOADED
    + """
os.chdir(folder)
while True:
    for payload in (seven, {"image_url": f"{url}/3.png"}, {"image_base64": "###"}, {"image_url": f"{url}/breaks-off"}):
        over_http(payload)
"""
)


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM], ids=lambda sent: sent.name)
def test_a_signal_in_the_middle_of_requests_ends_the_process_and_nothing_is_left_behind(
    sent: signal.Signals, server: Server, empty: tuple[Path, Path]
) -> None:
    temporary, working = empty
    before = exported()
    with subprocess.Popen(
        command(FOR_EVER, server, working),
        cwd=ROOT,
        env=environ(server, temporary),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as child:
        try:
            assert child.stdout
            outcomes = [json.loads(child.stdout.readline()).get("outcome") for _ in range(9)]
            child.send_signal(sent)
            with contextlib.suppress(ValueError):  # the last line may be half a one
                outcomes += [json.loads(line)["outcome"] for line in child.stdout]
            assert child.wait() == -sent
        finally:
            child.kill()
    assert outcomes[:9] == [None, *["ok", "ok", "base64_invalid", "host_unreachable"] * 2]
    assert exported() == before


# Of what a process may not write it may not write a byte: the system ends it, whatever library tries.
NOT_A_BYTE = """
import resource, signal
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
"""

# Files that are opened to be written, and what else changes a folder or starts a process.
RECORDED = """
import os, sys

CHANGES = ("os.mkdir", "os.rmdir", "os.rename", "os.remove", "os.link", "os.symlink", "os.truncate", "os.mkfifo")
STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn")
changes = []


def record(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND):
            changes.append(f"open {path} {mode} {flags}")
    elif event in CHANGES or event in STARTS or event.startswith(("shutil.", "tempfile.")):
        changes.append(f"{event} {arguments}")


sys.addaudithook(record)
"""

ALL_THERE_IS = (
    LOADED
    + """
os.chdir(folder)
pictures = [{"image_base64": base64.b64encode(Path(path).read_bytes()).decode()} for path in sys.argv[4:]]
pictures += [{"image_url": f"{url}{path}"} for path in ("/3.png", "/redirect", "/breaks-off", "/gzip-bomb")]
pictures += [{"image_base64": pictures[2]["image_base64"][:4000]}, {}]
digits = [handler.demo(picture, sample_context()) for picture in pictures]
handler.http_interface({"httpMethod": "GET", "path": "/"}, sample_context())
answers = [over_http(picture) for picture in pictures]
print(json.dumps({"digits": digits, "results": [answer["result"] for answer in answers], "changes": changes}))
"""
)


@pytest.mark.parametrize("writes", [False, True], ids=["as it is", "a write would be seen"])
def test_no_file_is_ever_written(writes: bool, server: Server, empty: tuple[Path, Path], tmp_path: Path) -> None:
    _, working = empty
    working.chmod(0o555)
    a_write = f"handler.demo = lambda *_: open({str(tmp_path / 'file')!r}, 'w').close() or 0\n" if writes else ""
    script = NOT_A_BYTE + RECORDED + ALL_THERE_IS.replace("digits = ", f"{a_write}digits = ", 1)
    child = subprocess.run(
        [*command(script, server, working), *map(str, DIGITS)],
        cwd=ROOT,
        env=environ(server, tmp_path / "nowhere"),
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0, child.stderr
    seen = json.loads(child.stdout.splitlines()[-1])
    assert bool(seen["changes"]) is writes
    assert seen["results"] == [*range(10), 3, 3, -1, -1, -1, -1]
    assert writes or seen["digits"] == seen["results"]


def test_a_process_that_may_not_write_a_byte_is_ended_where_it_does(server: Server, tmp_path: Path) -> None:
    script = NOT_A_BYTE + f"open({str(tmp_path / 'file')!r}, 'w').write('x')"
    child = subprocess.run(command(script, server, tmp_path), cwd=ROOT, env=environ(server, tmp_path))
    assert child.returncode == -signal.SIGXFSZ


OUT_OF_DESCRIPTORS = (
    LOADED
    + """
payload = {"image_url": f"{url}/3.png"}
over_http(seven)
if sys.argv[2] == "warm":
    over_http(payload)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
for spare in range(4):
    taken = []
    try:
        while True:
            taken.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        for descriptor in taken[:spare]:
            os.close(descriptor)
    answers = {"spare": spare, "inline": over_http(seven), "url": over_http(payload)}
    for descriptor in taken[spare:]:
        os.close(descriptor)
    answers["afterwards"] = over_http(payload)
    gc.collect()
    print(json.dumps(answers | {"open": len(os.listdir("/proc/self/fd"))}))
"""
)


@pytest.mark.parametrize(
    ("state", "codes"),
    [("warm", {"host_unreachable"}), ("cold", {"internal_error", "host_unreachable"})],  # cold, `requests` is not there
)
def test_without_descriptors_a_url_is_an_error_of_the_contract_and_the_next_request_works(
    state: str, codes: set[str], server: Server, tmp_path: Path
) -> None:
    lines = [line for line in run(OUT_OF_DESCRIPTORS, server, Path(state), tmp_path) if "spare" in line]
    assert [line["spare"] for line in lines] == [0, 1, 2, 3]
    seen = set()
    for line in lines:
        assert line["inline"] == {"result": 7}
        assert line["afterwards"] == {"result": 3}
        answer = line["url"]
        assert isinstance(answer, dict)
        if answer != {"result": 3}:  # with a few to spare it works
            assert set(answer) == {"result", "errMsg", "errCode"}
            seen.add(answer["errCode"])
    assert seen == codes
    assert len({line["open"] for line in lines}) == 1


REFUSED = (
    LOADED
    + """
import socket, weakref

class Event(dict):
    pass

unused = socket.socket()
unused.bind(("127.0.0.1", 0))
closed = f"http://127.0.0.1:{unused.getsockname()[1]}/"
os.environ["MNIST_URL_ALLOWED_HOSTS"] += f",127.0.0.1:{unused.getsockname()[1]}"
handler = load_handler()
payloads = [{"image_url": at} for at in (closed, f"{url}/closes", f"{url}/no-http", f"{url}/nowhere", "http://10.0.0.1/")]
for payload in [*payloads, {"image_base64": "????"}, {"image_base64": "AAAA"}]:
    event = Event(httpMethod="POST", path="/", body=json.dumps(payload))
    for collects in (True, False):  # the first time, modules are loaded
        gc.collect()
        (gc.enable if collects else gc.disable)()
        handler.http_interface(event, sample_context())
    reference = weakref.ref(event)
    del event
    print(json.dumps({"payload": payload, "remains": reference() is not None}))
"""
)


def test_nothing_of_a_failed_request_waits_in_memory_for_the_garbage_collector(server: Server, tmp_path: Path) -> None:
    lines = [line for line in run(REFUSED, server, tmp_path, tmp_path) if "remains" in line]
    assert len(lines) == 7
    assert [line["payload"] for line in lines if line["remains"]] == []


LARGE_AND_DAMAGED = (
    LOADED
    + """
import io
from PIL import Image

file = io.BytesIO()
Image.new("RGBA", (2000, 2000)).save(file, "PNG")
payload = {"image_base64": base64.b64encode(file.getvalue()[:-2000]).decode()}
for _ in range(8):
    code = over_http(payload)["errCode"]
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    print(json.dumps({"code": code, "resident": resident}))
"""
)


def test_large_pictures_that_fail_one_after_another_do_not_add_up_in_memory(server: Server, tmp_path: Path) -> None:
    lines = [line for line in run(LARGE_AND_DAMAGED, server, tmp_path, tmp_path) if "resident" in line]
    assert [line["code"] for line in lines] == ["image_damaged"] * 8
    resident = [line["resident"] for line in lines]
    assert max(resident) - resident[0] < 2000 * 2000 * 4  # one of them
