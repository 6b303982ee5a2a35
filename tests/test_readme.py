"""What the README shows works as it says, and its Chinese version says the same."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mnist_infer.config import ROOT
from testbed.local_server import local_server

LOCAL = "http://127.0.0.1:8000/"
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with local_server() as server:
        yield server.address


def blocks(readme: Path, language: str) -> list[str]:
    """Return the code blocks of a language that call the local server."""
    found = re.findall(rf"^```{language}\n(.*?)^```", readme.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [block for block in found if LOCAL in block]


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl: apt-get install curl")
@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_curl_calls_give_what_the_readme_says(readme: Path, address: str) -> None:
    (block,) = blocks(readme, "console")
    calls = re.findall(r"^\$ (.*)\n(.*)$", block, re.MULTILINE)
    assert len(calls) == 3
    for call, answer in calls:
        child = subprocess.run(
            ["bash", "-c", call.replace(LOCAL, address)], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert child.stdout == answer, child.stderr


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_python_call_gives_what_the_readme_says(readme: Path, address: str) -> None:
    (block,) = blocks(readme, "python")
    (says,) = re.findall(r"print\(.*\)  # (.*)", block)
    child = subprocess.run(
        [sys.executable, "-c", block.replace(LOCAL, address)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert child.stdout.strip() == says, child.stderr


def outline(readme: Path) -> list[str]:
    """Return what does not depend on the language: headings' levels, code, tables' shapes, links, variables."""
    text = readme.read_text(encoding="utf-8").replace("README.zh-CN.md", "README.md").replace("page_zh", "page")
    seen: list[str] = []
    for part in re.split(r"(^```.*?^```)", text, flags=re.DOTALL | re.MULTILINE):
        if part.startswith("```"):
            seen.append(part)
            continue
        for line in part.splitlines():
            if heading := re.match(r"#+ ", line):
                seen.append(heading[0])
            elif line.startswith("|"):
                seen.append(f"a row of {line.count('|') - 1}")
        seen += sorted(re.findall(r"\]\((.*?)\)", part))
        seen += sorted(set(re.findall(r"`[^`]+`", part)))
    return seen


def test_the_chinese_readme_has_the_same_parts_code_tables_and_links() -> None:
    english, chinese = map(outline, READMES)
    assert chinese == english


def test_every_link_of_the_readme_leads_to_a_file() -> None:
    for readme in READMES:
        for target in re.findall(r"\]\(([^)#:]+)\)", readme.read_text(encoding="utf-8")):
            assert (ROOT / target).exists(), target
