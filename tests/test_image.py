"""The container image, as far as it goes without a container engine: its files, its user, its command, in a sandbox."""

import fnmatch
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mnist_infer.config import ROOT
from testbed.local_server import without_tensorflow
from testbed.pictures import digit_png, to_base64
from testbed.sandbox import SandboxError, bubblewrap

# Runs inside the sandbox: starts the server as the image does, asks it, and ends it as the platform would.
CLIENT = """
import json, os, subprocess, sys, urllib.error, urllib.request
command, requests = json.loads(sys.argv[1]), json.loads(sys.argv[2])
process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
ready = next(line for line in map(json.loads, process.stdout) if line["event"] == "listening")
answers = []
for method, path, body, headers in requests:
    data = body.encode() if body else None
    request = urllib.request.Request("http://127.0.0.1:9000" + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            answers.append([answer.status, answer.read().decode()])
    except urllib.error.HTTPError as error:
        answers.append([error.code, error.read().decode()])
def can_write(path):
    try:
        open(path, "w").close()
    except OSError:
        return False
    return True
process.terminate()
log, errors = process.communicate(timeout=30)
print(json.dumps({
    "ready": ready, "answers": answers, "log": log, "errors": errors, "status": process.returncode, "uid": os.getuid(),
    "writes": {path: can_write(path) for path in ("/tmp/x", "/app/x", "/x")},
}))
"""


class Image(NamedTuple):
    """What the Dockerfile says."""

    copies: list[tuple[list[str], str]]
    environ: dict[str, str]
    folder: str
    user: str
    entrypoint: list[str]
    arguments: list[str]


def read_dockerfile() -> Image:
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    steps = [line.split(None, 1) for line in text.splitlines() if line and not line.startswith("#")]

    def all_of(instruction: str) -> list[str]:
        return [rest.strip() for name, rest in steps if name == instruction]

    copies = [(words[:-1], words[-1]) for words in (copy.split() for copy in all_of("COPY"))]
    environ = dict(pair.split("=", 1) for line in all_of("ENV") for pair in line.split())
    (folder,), (user,), (entrypoint,), (arguments,) = map(all_of, ("WORKDIR", "USER", "ENTRYPOINT", "CMD"))
    return Image(copies, environ, folder, user, json.loads(entrypoint), json.loads(arguments))


def is_ignored(path: str) -> bool:
    """Return whether .dockerignore keeps a file out: the last line that names it or a folder of it decides."""
    ignored = False
    parts = path.split("/")
    candidates = ["/".join(parts[:i]) for i in range(1, len(parts) + 1)]
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!")
        names = [re.sub("^.*/", "", name) for name in candidates] if pattern.startswith("**/") else candidates
        pattern = pattern.removeprefix("**/")
        if any(name.count("/") == pattern.count("/") and fnmatch.fnmatch(name, pattern) for name in names):
            ignored = not line.startswith("!")
    return ignored


def lay_out(image: Image, folder: Path) -> None:
    """Copy what the image's COPY lines do, without what .dockerignore keeps out."""
    for sources, target in image.copies:
        for source in sources:
            path = ROOT / source
            for file in [path] if path.is_file() else sorted(filter(Path.is_file, path.rglob("*"))):
                name = file.relative_to(ROOT).as_posix()
                if not is_ignored(name):
                    inner = file.relative_to(path) if path.is_dir() else Path(file.name)
                    into = folder / target / inner
                    into.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, into)


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("image")
    lay_out(read_dockerfile(), folder)
    return folder


def start(layout: Path, arguments: list[str], requests: list[tuple[str, str, str, dict[str, str]]]) -> dict[str, Any]:
    """Return what the image's command, with other arguments, answers in a sandbox."""
    image = read_dockerfile()
    assert image.entrypoint[0] == "python"
    root = [part for path in sorted(Path("/").iterdir()) if path.is_dir() for part in ("--ro-bind", *[str(path)] * 2)]
    mounts = [
        *("--ro-bind", str(layout), image.folder),
        *("--ro-bind", sys.prefix, sys.prefix),  # the packages, also where they lie under /tmp
        *("--remount-ro", "/"),
    ]
    try:
        sandbox = bubblewrap(image.user, root, mounts, image.folder, {"PATH": "/usr/bin:/bin", **image.environ})
    except SandboxError as error:
        pytest.skip(str(error))
    command = [sys.executable, *image.entrypoint[1:], *arguments]
    inside = [sys.executable, "-c", CLIENT, json.dumps(command), json.dumps(requests)]
    child = subprocess.run([*sandbox, *inside], capture_output=True, text=True)
    assert child.returncode == 0, child.stderr
    told: dict[str, Any] = json.loads(child.stdout)
    assert told["ready"]["url"] == "http://0.0.0.0:9000/"
    assert (told["status"], without_tensorflow(told["errors"])) == (0, "")
    assert told["uid"] == int(image.user) != 0
    assert told["writes"] == {"/tmp/x": True, "/app/x": False, "/x": False}
    return told


def picture(digit: int) -> str:
    return json.dumps({"image_base64": to_base64(digit_png(digit))})


def test_a_web_image_answers_raw_requests(layout: Path) -> None:
    told = start(
        layout,
        read_dockerfile().arguments,
        [("POST", "/", picture(6), {"Content-Type": "application/json"}), ("GET", "/", "", {}), ("PUT", "/", "", {})],
    )
    (digit, page, refused) = told["answers"]
    assert digit == [200, '{"result": 6}']
    assert page == [200, (ROOT / "mnist_infer" / "page.html").read_text(encoding="utf-8")]
    assert refused[0] == 405


def test_an_event_image_answers_invocations(layout: Path) -> None:
    told = start(
        layout,
        ["--type", "event"],
        [("POST", "/event-invoke", picture(2), {"X-Scf-Request-Id": "c0ffee"}), ("POST", "/event-invoke", "{}", {})],
    )
    assert told["answers"] == [[200, "2"], [200, "-1"]]
    assert json.loads(told["log"].splitlines()[0])["request_id"] == "c0ffee"


def test_the_image_has_what_a_request_needs_and_nothing_of_the_training(layout: Path) -> None:
    files = {path.relative_to(layout).as_posix() for path in layout.rglob("*") if path.is_file()}
    assert {"handler.py", "mnist_infer/page.html", "mnist_infer/hosting/serve.py", "requirements-serve.txt"} <= files
    assert {re.sub(r"\d+", "N", name) for name in files if name.startswith("export/")} <= {
        *("export/N/saved_model.pb", "export/N/figures.json", "export/N/training.csv")
    }
    assert not any("__pycache__" in name or name.startswith((".", "tests", "bench")) for name in files)


def test_the_gpu_variant_is_the_same_tensorflow_with_cuda() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    (pattern, replacement) = re.search(r"sed -i -E 's/(.*?)/(.*?)/'", dockerfile).groups()  # type: ignore[union-attr]
    changed = re.sub(pattern, replacement, (ROOT / "requirements.txt").read_text(), flags=re.MULTILINE)
    assert re.findall(r"^tensorflow\S*==", changed, re.MULTILINE) == ["tensorflow[and-cuda]=="]
