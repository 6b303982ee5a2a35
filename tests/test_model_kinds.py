"""Anybody's digit model is served as it is, or refused in a sentence that says what to do."""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from deploy.errors import DeployError
from deploy.trial import check_model
from mnist_infer.config import ROOT, Settings
from mnist_infer.local.trial import try_model
from mnist_infer.session import SavedModelSession
from testbed.pictures import EXAMPLES, mnist_digits
from tests.conftest import ONE_CPU_THREAD
from tests.model_kinds import RANGES, READ

NO_SIGNATURE = "no signature takes one picture of 784 pixels, floats or uint8, and gives ten floats (there are: {})"
REFUSED = {
    "a batch of 32": NO_SIGNATURE.format("serving_default: photo float32 [32, 784] -> y float32 [32, 10]"),
    "a placeholder beside the signature": "it needs a value for learning_phase besides the picture: export it without",
    "another size": NO_SIGNATURE.format("serving_default: photo float32 [?, 32, 32, 1] -> y float32 [?, 10]"),
    "classes": NO_SIGNATURE.format("serving_default: photo float32 [?, 784] -> y int64 [?, 10]"),
    "colours": NO_SIGNATURE.format("serving_default: photo float32 [?, 28, 28, 3] -> y float32 [?, 10]"),
    "cut off": "saved_model.pb is damaged, or no SavedModel",
    "empty folder": "has no saved_model.pb",
    "Keras 3, saved": "no session can run with `tf.saved_model.save`: write it with `model.export`",
    "letters": NO_SIGNATURE.format("serving_default: photo float32 [?, 784] -> y float32 [?, 26]"),
    "not fitting where it says any shape": "the model's output is [1, 9], and should be [1, 10]",
    "other tags": "has no graph with the one tag `serve`: train; eval+gpu",
    "text": "has saved_model.pbtxt, which is text: save the model in binary form",
    "without variables": "it has no variables: copy the folder `variables` that stands beside its saved_model.pb",
}


def read(folder: Path, *library: str) -> dict[str, int | str]:
    """Return what the handler reads with the models of a folder, in a process of its own."""
    command = [sys.executable, "-m", "tests.model_kinds", "read", str(folder), *library]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    readings: dict[str, int | str] = json.loads(done.stdout)
    return readings


def test_a_model_of_every_kind_is_read_right_or_refused_in_a_sentence(model_kinds: Path) -> None:
    readings = read(model_kinds)
    assert readings.keys() >= REFUSED.keys()
    poor = readings.pop("all digits are 3")
    assert isinstance(poor, int)
    assert poor < 20
    read_right = {name: result for name, result in readings.items() if name not in REFUSED}
    assert read_right == dict.fromkeys(read_right, READ)
    for name, sentence in REFUSED.items():
        assert sentence in str(readings[name])


WRONG_RANGE = (
    r"version 1 of the model reads [0-2] of the 10 example pictures: (\d ){10}for 0 1 2 3 4 5 6 7 8 9; "
    r"set MNIST_INPUT_RANGE=(-?\d,\d+), with which it reads (10|9)"
)


@pytest.mark.parametrize("kind", RANGES)
def test_a_model_of_another_scale_is_told_the_setting_by_demo_and_deploy_alike(
    kind: str, model_kinds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_MODEL_DIR", str(model_kinds / kind))
    demo = subprocess.run([sys.executable, "-m", "mnist_infer", "demo"], cwd=ROOT, capture_output=True, text=True)
    assert demo.returncode == 1
    said = demo.stderr.splitlines()[-1]
    found = re.fullmatch(WRONG_RANGE, said)
    assert found, said
    with pytest.raises(DeployError) as refusal:
        check_model({})
    assert str(refusal.value) == f"{said}. If that is as it should be: --accept-model"
    check_model({"MNIST_INPUT_RANGE": found[2]})


def test_a_model_is_tried_with_one_picture_at_a_time_as_requests_come(model_kinds: Path) -> None:
    kind = model_kinds / "one picture at a time, and the signature says many"
    assert try_model(Settings(model_dir=kind), EXAMPLES / "digits").is_good


def test_a_model_that_reads_nothing_in_any_range_is_told_what_it_reads(model_kinds: Path) -> None:
    trial = try_model(Settings(model_dir=model_kinds / "all digits are 3"), EXAMPLES / "digits")
    assert trial == (
        False,
        "version 1 of the model reads 1 of the 10 example pictures: 3 3 3 3 3 3 3 3 3 3 for 0 1 2 3 4 5 6 7 8 9",
    )


@pytest.mark.parametrize(
    "kind", ["Keras 3, exported", "Keras 3, uint8", "one picture at a time", "sigmoids", "float16", "several outputs"]
)
def test_many_pictures_are_read_as_one_alone_also_from_threads(kind: str, model_kinds: Path) -> None:
    session = SavedModelSession(model_kinds / kind / "1", ONE_CPU_THREAD)
    images, labels = mnist_digits()
    x = images[:40].reshape(-1, 784).astype(np.float32) / np.float32(255)
    many = session.predict(x)
    assert many.dtype == np.float32
    np.testing.assert_allclose(many.sum(axis=1), 1, atol=1e-3)
    np.testing.assert_array_equal(many.argmax(axis=1), labels[:40])
    with ThreadPoolExecutor(4) as threads:
        alone = list(threads.map(lambda i: session.predict(x[i : i + 1])[0], range(40)))
    np.testing.assert_allclose(alone, many, atol=1e-3)
    session.close()
