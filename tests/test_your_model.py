"""The page of your own model leads from an empty folder to an answer."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mnist_infer.config import ROOT
from mnist_infer.session import SavedModelSession
from testbed.pictures import mnist_digits
from tests.conftest import ONE_CPU_THREAD
from tests.pages import YOUR_MODEL, calls

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each block of the page, with the model that it made; the first is a checkout."""
    folder = tmp_path_factory.mktemp("your-model")
    checkout = folder / "quickstart"
    for name in ("mnist_infer", "examples", "export"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "handler.py", "pyproject.toml", "requirements.txt", "requirements-serve.txt"):
        shutil.copy(ROOT / name, checkout)
    command = [sys.executable, "-W", "ignore", "-m", "tests.quickstart", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"})
    return folder


def run(checkout: Path, *arguments: str) -> str:
    """Return what a program of the checkout prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MNIST_")}
    environ = kept | {"PYTHONPATH": str(checkout)}
    done = subprocess.run([sys.executable, *arguments], cwd=checkout, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_make_demo_reads_the_examples_with_the_exported_model(folder: Path) -> None:
    checkout = folder / "quickstart"
    commands = [call.command.strip() for call in calls(YOUR_MODEL)]
    assert "make demo" in commands[commands.index("python quickstart.py") :]
    recipe = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "demo"], cwd=checkout, capture_output=True, text=True, check=True
    )
    interpreter, *arguments = recipe.stdout.splitlines()[-1].split()
    assert interpreter == ".venv/bin/python"
    read = re.findall(r"^(\d) +[\d.]+%   examples/digits/(\d)", run(checkout, *arguments), re.MULTILINE)
    assert len(read) == 10
    assert sum(digit == name for digit, name in read) >= 8
    log = run(checkout, "-m", "mnist_infer", "invoke", "examples/demo_base64.json")
    assert json.loads(log.splitlines()[0])["model"] == 10


def test_the_trial_of_the_build_takes_the_exported_model(folder: Path) -> None:
    said = run(folder / "quickstart", "mnist_infer/local/trial.py", "examples/digits")
    assert re.fullmatch(r"version 10 of the model reads ([89]|10) of the 10 example pictures\n", said)


@pytest.mark.parametrize("name", ["quickstart", "layers in front", "TensorFlow 1"])
def test_what_answers_is_the_model_that_the_page_made(name: str, folder: Path) -> None:
    images, labels = mnist_digits()
    session = SavedModelSession(folder / name / "export" / "10", ONE_CPU_THREAD)
    answers = session.predict((images.reshape(-1, 784) / 255).astype(np.float32))
    session.close()
    np.testing.assert_allclose(answers, np.load(folder / name / "answers.npy"), atol=1e-5)
    assert np.mean(answers.argmax(axis=1) == labels) > 0.95
