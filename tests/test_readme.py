"""What the READMEs and the other pages show works as they say, and both READMEs say the same."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mnist_infer
from mnist_infer.config import ROOT
from testbed.local_server import local_server
from tests.pages import (
    LOCAL,
    PAGES,
    READMES,
    YOUR_MODEL,
    Call,
    anchors,
    calls,
    code_blocks,
    inline_code,
    links,
    prose,
    read,
    run,
)

MISSING_FIGURE = "⟦"

# A call that two pages show is made once.
CALLS = list({(call.command, call.output): call for page in reversed(PAGES) for call in calls(page)}.values())


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with local_server() as server:
        yield server.address


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that the checkout has, where a call may leave a file."""
    folder = tmp_path_factory.mktemp("checkout")
    for path in ROOT.iterdir():
        (folder / path.name).symlink_to(path)
    return folder


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl: apt-get install curl")
@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.page.name}-{call.command[:40]}")
def test_a_call_does_what_its_page_says(call: Call, checkout: Path, address: str) -> None:
    run(call, checkout, address)


# But for the page whose code exports models: tests/test_your_model.py runs that in folders of its own.
@pytest.mark.parametrize(
    "page", [page for page in PAGES if page != YOUR_MODEL and code_blocks(page, "python")], ids=lambda page: page.name
)
def test_the_python_of_a_page_prints_what_its_comment_says(page: Path, address: str) -> None:
    for block in code_blocks(page, "python"):
        (expected,) = re.findall(r"print\(.*\)  # (.*)", block)
        child = subprocess.run(
            [sys.executable, "-c", block.replace(LOCAL, address)], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert child.stdout.strip() == expected, child.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_json_of_a_page_can_be_parsed(page: Path) -> None:
    for block in code_blocks(page, "json"):
        json.loads(block)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: page.name)
def test_every_link_of_a_page_leads_to_a_file_and_a_heading_that_exist(page: Path) -> None:
    for link in links(page):
        if link.startswith("https://"):
            continue
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    made_later = ("build", "dist", "training", ".venv")
    for code in inline_code(page):
        if re.fullmatch(r"\.?\w[\w.-]*(/[\w.-]+)+/?", code) and (ROOT / code.partition("/")[0]).exists():
            is_version = re.match(r"export/\d+$", code)
            assert is_version or code.startswith(made_later) or (ROOT / code).exists(), code


def test_the_chinese_readme_has_the_same_parts_code_tables_and_links() -> None:
    english, chinese = map(outline, READMES)
    assert chinese == english


def outline(readme: Path) -> list[str]:
    """Return what does not depend on the language: headings' levels, code, tables' cells, links."""
    text = read(readme).replace("README.zh-CN.md", "README.md").replace("page_zh", "page")
    seen: list[str] = []
    for part in re.split(r"(^```.*?^```)", text, flags=re.DOTALL | re.MULTILINE):
        if part.startswith("```"):
            seen.append(part)
            continue
        for line in part.splitlines():
            if heading := re.match(r"#+ ", line):
                seen.append(heading[0])
            elif line.startswith("|"):
                seen += [f"a cell with {sorted(re.findall(r'`[^`]+`', cell))}" for cell in line.split("|")]
        seen += sorted(re.findall(r"\]\((.*?)\)", part))
        seen += sorted(re.findall(r"`[^`]+`", part))
    return seen


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: page.name)
def test_no_figure_is_missing(page: Path) -> None:
    assert MISSING_FIGURE not in read(page)


def test_the_changelog_begins_with_this_version() -> None:
    assert re.findall(r"^## (\S+)", prose(ROOT / "CHANGELOG.md"), re.MULTILINE)[0] == mnist_infer.__version__
