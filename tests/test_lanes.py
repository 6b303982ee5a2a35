"""What `make test` runs: whatever needs nothing that a newcomer would have to wait for."""

import subprocess
import sys

import pytest

from mnist_infer.config import ROOT

TESTS = ROOT / "tests"


def collected(*arguments: str) -> list[str]:
    """Return what pytest prints of the tests that it would run."""
    command = [sys.executable, "-m", "pytest", "--collect-only", *arguments]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    return printed.splitlines()


@pytest.mark.slow
def test_the_quick_tests_leave_out_what_needs_something_and_say_so() -> None:
    others = [path for path in TESTS.rglob("test_*.py") if path.name not in ("test_session.py", "test_relink.py")]
    few = [str(TESTS), *(f"--ignore={path}" for path in others)]  # of files that are named, pytest ignores none
    every, quick = collected(*few), collected(*few, "-m", "quick")
    tests = [line for line in every if "::" in line]
    left_out = {line.partition("[")[0].rpartition("::")[2] for line in set(tests) - set(quick)}
    assert "test_the_session_reads_mnist" not in left_out
    assert {
        "test_the_session_agrees_with_tensorflows_own",  # by its fixture
        "test_both_models_give_the_same_answers_in_every_named_tensorflow",  # by its own mark
    } <= left_out
    (last,) = (line for line in quick if line.startswith("left out:"))
    assert "relink (1)" in last, "a module that is not even imported counts as one"
    assert "versions (2)" in last
    assert last.endswith("`make test-all` runs everything")
    assert not any(line.startswith("left out:") for line in every)
