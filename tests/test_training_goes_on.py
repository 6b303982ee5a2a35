"""Training and export where the disk is full or a file damaged: TensorFlow runs in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mnist_infer.config import ROOT

pytestmark = pytest.mark.tensorflow

PREPARE = """
import contextlib, io, json, resource, signal, sys
from pathlib import Path
import numpy as np
import tensorflow as tf
from export import export, train
from export.files import FileError
from export.mnist import Digits, Mnist
from export.network import STAGES, build_model, trained_layers

folder = Path(sys.argv[1])
random = np.random.default_rng(1)
digits = Digits(random.integers(0, 256, (300, 28, 28), np.uint8), random.integers(0, 10, 300, np.uint8))
outcome = {}
"""
TRAIN = """
train.STEPS_PER_EPOCH = 2
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that a write past the limit is an error, as on a full disk

def fit(name, epochs, limit=resource.RLIM_INFINITY):
    tf.keras.utils.set_random_seed(1)
    network = build_model(STAGES)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        train._fit(network, digits.images, train._one_hot(digits.labels), digits, folder, epochs)
        error = None
    except FileError as caught:
        error = str(caught)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    log = (folder / "log.csv").read_text().splitlines()
    outcome[name] = [error, [line.split(",")[0] for line in log], sorted(path.name for path in folder.iterdir())]
    return trained_layers(network)

fit("full at once", 3, 10_000)
fit("begun", 1)
fit("full later", 3, 10_000)
with (folder / "log.csv").open("a") as log:
    log.write("2,0.5")
whole = fit("gone on", 3)
again = fit("its result was lost", 3)
outcome["same"] = all(np.array_equal(a.kernel, b.kernel) for a, b in zip(whole, again))
(checkpoint,) = folder.glob("epoch_*")
checkpoint.write_bytes(checkpoint.read_bytes()[:5000])
fit("cut off", 3)
checkpoint.write_bytes(b"")
fit("empty", 3)
for name, content in {"empty record": "", "cut record": '{"seed": 1'}.items():
    (folder / "10").mkdir(exist_ok=True)
    (folder / "10" / "run.json").write_text(content)
    sys.argv = ["train", "--version", "10", "--training", str(folder)]
    with contextlib.redirect_stderr(io.StringIO()) as errors:
        outcome[name] = [train.main(), errors.getvalue()]
print("outcome", json.dumps(outcome))
"""
EXPORT = """
training = folder / "training" / "4"
training.mkdir(parents=True)
(folder / "export").mkdir()
build_model().save(training / "model.keras")
network = (training / "model.keras").read_bytes()
whole = {"model.keras": network, "run.json": b'{"seed": 1}', "log.csv": b"epoch,loss\\n0,1\\n"}
export.load_mnist = lambda _: Mnist(digits, digits, digits)
export.write_saved_model = lambda *_: sys.exit("it went on to the measuring")
for name, content in whole.items():
    half = content[: len(content) // 2]
    for how, damaged in {"missing": None, "empty": b"", "cut": content[:-3], "half": half}.items():
        for other, sound in whole.items():
            (training / other).write_bytes(sound)
        (training / name).unlink() if damaged is None else (training / name).write_bytes(damaged)
        folders = ["--training", str(folder / "training"), "--output", str(folder / "export")]
        sys.argv = ["export", "--version", "4", *folders]
        with contextlib.redirect_stderr(io.StringIO()) as errors:
            outcome[f"{name} {how}"] = [export.main(), errors.getvalue()]
print("outcome", json.dumps(outcome))
"""


def outcome_of(code: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", "-c", PREPARE + code, str(folder)]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert child.returncode == 0, child.stderr
    outcome = json.loads(child.stdout.splitlines()[-1].removeprefix("outcome "))
    assert isinstance(outcome, dict)
    return outcome


@pytest.fixture(scope="module")
def trainings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of each training in one folder: its error, the epochs in its log, and its files."""
    return outcome_of(TRAIN, tmp_path_factory.mktemp("trainings"))


def test_a_training_that_a_full_disk_stopped_goes_on_from_its_last_whole_epoch(
    trainings: dict[str, Any],
) -> None:
    error, _, files = trainings["full at once"]
    assert "epoch_0001.npz cannot be written" in str(error)
    assert files == ["log.csv"]
    error, _, files = trainings["full later"]
    assert "epoch_0002.npz cannot be written" in str(error)
    assert files == ["epoch_0001.npz", "log.csv"]
    assert trainings["gone on"] == [None, ["epoch", "0", "1", "2"], ["epoch_0003.npz", "log.csv"]]


def test_a_training_whose_result_was_not_saved_has_it_without_another_epoch(trainings: dict[str, Any]) -> None:
    assert trainings["its result was lost"] == trainings["gone on"]
    assert trainings["same"] is True


@pytest.mark.parametrize("damage", ["cut off", "empty"])
def test_a_checkpoint_that_cannot_be_read_is_named(damage: str, trainings: dict[str, Any]) -> None:
    error = str(trainings[damage][0])
    assert error.endswith("epoch_0003.npz cannot be read: delete it, and this network begins with its first epoch")


@pytest.mark.parametrize("damage", ["empty record", "cut record"])
def test_a_record_that_cannot_be_read_is_named(damage: str, trainings: dict[str, Any]) -> None:
    status, said = trainings[damage]
    assert status == 1
    assert "run.json cannot be read: if the options are the same as before, delete it; if not, delete" in str(said)
    assert len(str(said).splitlines()) == 1


def test_an_export_names_what_it_cannot_read_before_it_measures(tmp_path: Path) -> None:
    outcome = outcome_of(EXPORT, tmp_path)
    assert len(outcome) == 12
    for case, (status, said) in outcome.items():
        (sentence,) = str(said).splitlines()
        assert status == 1, case
        assert sentence.startswith("not exported: "), case
        assert case.split()[0] in sentence, case
        assert "Error" not in sentence, case
    assert list((tmp_path / "export").iterdir()) == []
