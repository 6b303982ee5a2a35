"""The way to a new version of the model, as the README has it: train, export, evaluate, build the zip."""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import build_zip
from mnist_infer.config import ROOT, Settings
from mnist_infer.model import load_model
from testbed.pictures import mnist_digits
from tests.small_checkout import PYTHON, make_checkout
from tests.test_build_zip import strip_instead
from tests.test_export import write_idx

pytestmark = pytest.mark.tensorflow

VERSION = 11

PROCEDURE = """
import sys
from export import charts, evaluate, export, foreign, gate, mnist, train

root, version, held_back, hashes = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]
mnist.HELD_BACK = held_back
mnist._SHA256 = dict(zip(mnist._SHA256, hashes))
gate.MIN_ACCURACY = dict.fromkeys(gate.MIN_ACCURACY, 0.0)
charts.SAMPLES = 1
train.STEPS_PER_EPOCH = 2
train.TRAINED_SHARE = 0.0
pictures = foreign.foreign_pictures
foreign.foreign_pictures = charts.foreign_pictures = lambda render: pictures(render)[:30]

training = ["--version", version, "--training", f"{root}/training"]
few = ["--teachers", "2", "--teacher-epochs", "1", "--epochs", "1", "--distorted", "30", "--hands", "20"]
common = ["--data", f"{root}/data"]
for step, arguments in (
    (train, [*training, *few]),
    (train, [*training, *few]),  # all over again: what was made is taken, and the log begins anew
    (export, [*training, "--output", f"{root}/export", "--per-kind", "1"]),
    (
        evaluate,
        ["--output", f"{root}/export", "--model", f"{root}/export/{version}", "--per-kind", "1", "--processes", "1"],
    ),
):
    sys.argv = [step.__name__, *common, *arguments]
    if step.main():
        sys.exit(f"{step.__name__} failed")
sys.argv = ["train", *common, *training, *few, "--seed", "2"]
if not train.main():
    sys.exit("a training went on with other options than it was begun with")
"""


def write_small_mnist(folder: Path) -> list[str]:
    """Write 300 digits as if they were MNIST, 40 of them for the test, and return the files' hashes."""
    images, labels = mnist_digits()
    arrays = {
        "train-images-idx3-ubyte": images[:260],
        "train-labels-idx1-ubyte": labels[:260],
        "t10k-images-idx3-ubyte": images[260:],
        "t10k-labels-idx1-ubyte": labels[260:],
    }
    folder.mkdir()
    for name, array in arrays.items():
        write_idx(folder, name, array, packed=True)
    return [hashlib.sha256(array.tobytes()).hexdigest() for array in arrays.values()]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkout with two older versions and a broken-off one, and a new one made as the README says."""
    root = make_checkout(tmp_path_factory.mktemp("new_version") / "checkout")
    hashes = write_small_mnist(root / "data")
    command = [sys.executable, "-W", "ignore", "-c", PROCEDURE, str(root), str(VERSION), "60", *hashes]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert child.returncode == 0, child.stderr
    assert "not trained: " in child.stderr
    assert "was begun with another seed: delete it, or take another --version" in child.stderr
    return root


def test_the_new_version_is_written_beside_the_others_and_served(checkout: Path) -> None:
    versions = {path.name for path in (checkout / "export").iterdir() if path.is_dir()}
    assert versions == {"9", "10", "12.partial", "card", str(VERSION)}
    model = load_model(Settings(model_dir=checkout / "export"))
    assert model.version == VERSION
    assert model.session.predict(np.zeros((1, 784), np.float32)).sum() == pytest.approx(1, abs=1e-5)


def test_it_keeps_of_the_training_no_more_than_the_share_says(checkout: Path) -> None:
    digits = np.asarray(mnist_digits()[0].reshape(-1, 784).astype(np.float32) / 255, np.float32)
    before, after = (load_model(Settings(model_dir=root / "export")) for root in (ROOT, checkout))
    np.testing.assert_allclose(after.session.predict(digits), before.session.predict(digits), atol=1e-5)
    assert json.loads((checkout / "export" / str(VERSION) / "figures.json").read_text())["trained_share"] == 0


def test_its_card_is_about_the_new_version(checkout: Path) -> None:
    card = (checkout / "export" / "README.md").read_text(encoding="utf-8")
    assert card.startswith(f"# The model, version {VERSION}\n")
    pictures = {path.name for path in (checkout / "export" / "card").glob("*.png")}
    assert all(f"(card/{name})" in card for name in pictures)
    assert "training.png" in pictures
    figures = json.loads((checkout / "export" / str(VERSION) / "figures.json").read_text())
    assert (figures["epochs"], figures["distorted"], figures["hands"]) == (1, 30, 20)
    log = (checkout / "export" / str(VERSION) / "training.csv").read_text().splitlines()
    assert len(log) == 2, "its columns, and the one epoch of the last training"


def test_the_zip_has_the_new_version_and_no_other(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_zip, "ROOT", checkout)
    monkeypatch.setattr(build_zip, "relink", strip_instead)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert build_zip.main(["--python", PYTHON, "--output", str(tmp_path / "out.zip")]) == 0
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        shipped = {name for name in archive.namelist() if name.startswith("export/") and not name.endswith("/")}
    assert shipped == {f"export/{VERSION}/saved_model.pb"}


def test_make_hands_on_the_version_and_the_data() -> None:
    command = ["make", "--dry-run", "train", "export", "VERSION=11", "DATA=digits"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for step in ("train", "export"):
        assert f"python -m export.{step} --version 11 --data 'digits'" in printed


def test_make_clean_leaves_the_training_alone() -> None:
    printed = subprocess.run(["make", "--dry-run", "clean"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "training" not in printed.stdout
    assert "rm -rf" in printed.stdout
