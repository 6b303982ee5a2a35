"""The pages that people read, and what stands in them: calls, code, links, tables."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mnist_infer.config import ROOT

READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
PAGES = [*READMES, *sorted((ROOT / "docs").glob("*.md")), *map(ROOT.joinpath, ("CONTRIBUTING.md", "SECURITY.md"))]
YOUR_MODEL = ROOT / "docs" / "your-model.md"

LOCAL = "http://127.0.0.1:8000/"
FUNCTION_URL = re.compile(r"https://….*?\.tencentscf\.com/")
ANYTHING = "…"


class Call(NamedTuple):
    """A command that a page shows.

    Attributes:
        page: that shows it.
        command: a line for a shell.
        output: what the page says that it prints, with `…` for anything; empty where it says nothing.
    """

    page: Path
    command: str
    output: str


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def code_blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", read(page), re.DOTALL | re.MULTILINE)


def calls(page: Path) -> list[Call]:
    """Return the commands of a page's console blocks."""
    found = []
    for block in code_blocks(page, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append(Call(page, re.sub(r"\s+# .*", "", command), output.strip()))
    return found


def prose(page: Path) -> str:
    """Return a page without its code blocks."""
    return re.sub(r"^```.*?^```", "", read(page), flags=re.DOTALL | re.MULTILINE)


def without_comments(text: str) -> str:
    return re.sub(r"<!--.*?-->", "", text)


def links(page: Path) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", prose(page))


def anchors(page: Path) -> set[str]:
    """Return what a link to a heading of a page may end in, as GitHub makes it."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def inline_code(page: Path) -> list[str]:
    return re.findall(r"`([^`\n]+)`", prose(page))


def tables(page: Path) -> list[list[list[str]]]:
    """Return the tables of a page: their rows, the heading first, as lists of cells."""
    found = re.findall(r"(?:^\|.*\|\n)+", prose(page), re.MULTILINE)
    rows = [[[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()] for table in found]
    return [[heading, *body] for heading, _, *body in rows]


def table(page: Path, first_heading: str) -> list[list[str]]:
    """Return the rows below a heading, of the one table whose first column has it."""
    (found,) = (table[1:] for table in tables(page) if table[0][0] == first_heading)
    return found


def prints(call: Call, stdout: str) -> bool:
    """Return whether what a command printed is what its page says."""
    pattern = ".*".join(map(re.escape, call.output.split(ANYTHING)))
    return re.fullmatch(pattern, stdout.strip()) is not None


def run(call: Call, folder: Path, address: str) -> None:
    """Run a command of a page in a folder that looks like the checkout.

    Calls of the local server and of the function's URL go to `address`. What would change the machine or needs the
    cloud is only read by the program that it is for: `make` and its list of targets, deploy's command line, the
    Dockerfile.

    Raises:
        AssertionError: it fails, or it prints something else than its page says, or nobody knows how to try it.
    """
    rules = [rule for pattern, rule in _RULES.items() if re.match(pattern, call.command)]
    assert len(rules) == 1, f"there is no rule for `{call.command}`"
    rules[0](call, folder, address)


def _run_in_shell(call: Call, folder: Path, address: str) -> None:
    command = FUNCTION_URL.sub(address, call.command.replace(LOCAL, address))
    command = re.sub(r"^python ", f"{sys.executable} ", command)
    child = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=120)
    assert child.returncode == 0, child.stderr
    assert prints(call, child.stdout), child.stdout + child.stderr


def _check_syntax(call: Call, folder: Path, _address: str) -> None:
    subprocess.run(["bash", "-n", "-c", call.command], cwd=folder, check=True)


def _check_make(call: Call, folder: Path, address: str) -> None:
    _check_syntax(call, folder, address)
    _, target, *_ = call.command.split()
    assert target in make_targets()
    dry_run = call.command.replace("make", "make --dry-run", 1)
    child = subprocess.run(["bash", "-c", dry_run], cwd=folder, capture_output=True, text=True)
    assert child.returncode == 0, child.stderr
    if target == "deploy":
        for command in re.findall(r"python -m deploy .*", child.stdout):
            _check_deploy(call._replace(command=command), folder, address)


def _check_deploy(call: Call, _folder: Path, _address: str) -> None:
    from deploy.cli import _parser

    _parser().parse_args(call.command.split()[3:])


def _check_docker(call: Call, _folder: Path, _address: str) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    for argument in re.findall(r"--build-arg (\w+)=", call.command):
        assert f"\nARG {argument}=" in dockerfile
    for port in re.findall(r"-p \d+:(\d+)", call.command):
        assert f"\nEXPOSE {port}\n" in dockerfile


_RULES: dict[str, Callable[[Call, Path, str], None]] = {
    r"git clone |source |export |python quickstart\.py$": _check_syntax,
    r"make ": _check_make,
    r"python -m mnist_infer |curl |\{ printf ": _run_in_shell,
    r"python -m deploy ": _check_deploy,
    r"docker ": _check_docker,
}


def make_targets() -> set[str]:
    printed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^make (\S+)", printed, re.MULTILINE))
