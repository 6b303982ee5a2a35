"""The tables of the pages and the code have the same names in them."""

import ast
import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from mnist_infer import errors
from mnist_infer.config import ROOT, Settings
from mnist_infer.errors import MnistInferError
from tests.pages import ANYTHING, PAGES, READMES, YOUR_MODEL, inline_code, make_targets, table
from tests.test_model_kinds import REFUSED

DOCS = ROOT / "docs"


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_settings_page_has_every_setting_with_its_default() -> None:
    rows = {names(variable)[0]: default for variable, default, _ in table(DOCS / "settings.md", "variable")}
    assert list(rows) == [f"MNIST_{field.upper()}" for field in Settings._fields]
    for field, default in Settings._field_defaults.items():
        if isinstance(default, bool):
            expected = "on" if default else "off"
        elif isinstance(default, float):
            expected = f"{default:g}"
        elif isinstance(default, (int, str)):
            expected = str(default)
        else:  # a folder or a set, which the page has words for
            continue
        assert rows[f"MNIST_{field.upper()}"] == f"`{expected}`"


def test_the_http_page_has_every_error_with_its_status() -> None:
    raised = set(
        re.findall(r"raise (\w+)\(", "".join(path.read_text() for path in (ROOT / "mnist_infer").rglob("*.py")))
    )
    classes = [value for name, value in inspect.getmembers(errors, inspect.isclass) if name in raised]
    expected = {error.code: error.status for error in classes if issubclass(error, MnistInferError)}
    rows = table(DOCS / "http.md", "code")
    assert {names(code)[0]: int(status) for code, status, _ in rows} == expected | {"internal_error": 500}


@pytest.mark.parametrize("said", REFUSED.values(), ids=REFUSED)
def test_the_page_of_your_own_model_has_every_refusal(said: str) -> None:
    rows = [sentence for sentence, _ in table(YOUR_MODEL, "sentence")]
    patterns = [".*".join(map(re.escape, sentence.split(ANYTHING))) for sentence in rows]
    assert sum(re.search(pattern, said) is not None for pattern in patterns) == 1


def test_the_log_page_has_every_field_of_a_line(
    load: Callable[..., ModuleType], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = load()
    handler.demo(json.loads((ROOT / "examples" / "demo_base64.json").read_text()), {"request_id": "1"})
    handler.demo({"image_base64": "?"}, {})
    monkeypatch.setattr(handler, "run", lambda *_: 1 / 0)
    handler.apigw_interface({"requestContext": {}, "body": "{}"}, {})
    cold_start, *requests = map(json.loads, capsys.readouterr().out.splitlines())

    def documented(heading: str) -> list[str]:
        return [name for row in table(DOCS / "logs.md", heading) for name in names(row[0])]

    assert documented("field of a cold start") == list(cold_start)
    assert set(documented("field of a request")) == {field for line in requests for field in line}
    (steps,) = (
        names(meaning) for field, meaning in table(DOCS / "logs.md", "field of a request") if field == "`milliseconds`"
    )
    assert steps == list(requests[0]["milliseconds"])


@pytest.mark.parametrize(
    ("readme", "heading"), [(READMES[0], "module"), (READMES[1], "模块")], ids=["English", "Chinese"]
)
def test_the_map_has_every_module(readme: Path, heading: str) -> None:
    shown = set()
    for cell, *_ in table(readme, heading):
        folder = ""
        for name in names(cell):
            folder = name.rpartition("/")[0] if "/" in name.rstrip("/") else folder
            shown.add(f"{folder}/{name}" if folder and not name.startswith(folder) else name)
    package = ROOT / "mnist_infer"
    modules = {
        f"mnist_infer/{path.name}" for path in [*package.glob("*.py"), package / "page.html"] if path.name[0] != "_"
    }
    packages = {f"mnist_infer/{path.parent.name}/" for path in package.glob("*/__init__.py")}
    top = {path.name for path in ROOT.glob("*.py")} | {f"{path.parent.name}/" for path in ROOT.glob("[!.]*/*.py")}
    assert shown == modules | packages | top - {"mnist_infer/"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_in_the_code_exists(page: Path) -> None:
    entries = {
        node.name for node in ast.parse((ROOT / "handler.py").read_text()).body if isinstance(node, ast.FunctionDef)
    }
    for code in inline_code(page):
        if variable := re.match(r"MNIST_(\w+)", code):
            assert variable[1].lower() in Settings._fields, code
        if entry := re.fullmatch(r"handler\.(\w+)", code):
            assert entry[1] in {*entries, "py"}, code
        if target := re.match(r"make ([a-z-]+)", code):
            assert target[1] in make_targets(), code
        if module := re.match(r"(?:\S*/)?python -m ([\w.]+)", code):
            path = ROOT / module[1].replace(".", "/")
            assert module[1] == "pytest" or (path / "__main__.py").exists() or path.with_suffix(".py").exists(), code
        if script := re.match(r"python (\w+\.py)", code):
            assert (ROOT / script[1]).exists(), code
