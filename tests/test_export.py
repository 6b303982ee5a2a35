"""Training's and export's own guards. What needs TensorFlow's Python package runs in a process of its own."""

import gzip
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from export import mnist
from export.gate import MIN_ACCURACY, check_accuracy
from export.mnist import DataError, load_mnist
from mnist_infer.config import ROOT
from testbed.pictures import MODEL_DIR


def write_idx(folder: Path, name: str, array: NDArray[np.uint8], packed: bool) -> None:
    content = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()
    path = folder / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(content) if packed else content)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small data set in the place of MNIST, some of it gzipped, with its hashes expected."""
    random = np.random.default_rng(1)
    arrays = {
        "train-images-idx3-ubyte": random.integers(0, 256, (30, 28, 28), np.uint8),
        "train-labels-idx1-ubyte": random.integers(0, 10, 30, np.uint8),
        "t10k-images-idx3-ubyte": random.integers(0, 256, (7, 28, 28), np.uint8),
        "t10k-labels-idx1-ubyte": random.integers(0, 10, 7, np.uint8),
    }
    for name, array in arrays.items():
        write_idx(tmp_path, name, array, packed="images" in name)
    monkeypatch.setattr(
        mnist, "_SHA256", {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in arrays.items()}
    )
    monkeypatch.setattr(mnist, "HELD_BACK", 5)
    return tmp_path


def test_the_data_set_comes_in_three_parts_that_do_not_overlap(data: Path) -> None:
    parts = load_mnist(data)
    assert [len(part) for part in (parts.train, parts.held_back, parts.test)] == [25, 5, 7]
    assert all(part.images.shape == (len(part), 28, 28) for part in (parts.train, parts.held_back, parts.test))
    held_back = {image.tobytes() for image in parts.held_back.images}
    assert held_back.isdisjoint(image.tobytes() for image in parts.train.images)


def test_another_data_set_is_refused(data: Path) -> None:
    write_idx(data, "t10k-labels-idx1-ubyte", np.zeros(7, np.uint8), packed=False)
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte is not the MNIST file"):
        load_mnist(data)


@pytest.mark.parametrize(
    "content", [None, b"", b"\0\0", b"\0\0\x08\x03\0\0\0\x01"], ids=["missing", "empty", "cut", "no data"]
)
def test_a_file_that_is_missing_or_cut_is_refused_by_its_name(data: Path, content: bytes | None) -> None:
    (data / "train-images-idx3-ubyte.gz").unlink()
    if content is not None:
        (data / "train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(DataError, match="train-images-idx3-ubyte cannot be read"):
        load_mnist(data)


def test_files_are_taken_for_what_they_are_whatever_their_names_say(data: Path) -> None:
    whole = load_mnist(data).train.images
    for part in ("train", "t10k"):
        images, labels = data / f"{part}-images-idx3-ubyte", data / f"{part}-labels-idx1-ubyte"
        images.with_suffix(".gz").rename(images)
        labels.rename(labels.with_suffix(".gz"))
    np.testing.assert_array_equal(load_mnist(data).train.images, whole)


@pytest.mark.parametrize("content", [b"<!doctype html>", b"PK\3\4" + bytes(99), b"\0\0\x0d\1\0\0\0\1\0\0\0\0"])
def test_a_file_of_another_kind_is_called_that(data: Path, content: bytes) -> None:
    (data / "train-images-idx3-ubyte.gz").write_bytes(content)
    with pytest.raises(
        DataError, match=r"cannot be read from .*: it is no IDX file of unsigned bytes, gzipped or plain$"
    ):
        load_mnist(data)


@pytest.mark.parametrize("place", [0, 12], ids=["its head", "its data"])
def test_a_gzip_file_that_is_damaged_is_refused(data: Path, place: int) -> None:
    content = (data / "train-images-idx3-ubyte.gz").read_bytes()
    (data / "train-images-idx3-ubyte.gz").write_bytes(content[:place] + b"rubbish" + content[place + 7 :])
    with pytest.raises(DataError, match="train-images-idx3-ubyte cannot be read"):
        load_mnist(data)


EXPORT = """
import contextlib, json, sys
from pathlib import Path
import numpy as np
import tensorflow as tf
from export import export, mnist
from export.mnist import Digits, Mnist
from export.network import build_model

folder, cases = Path(sys.argv[1]), json.loads(sys.argv[2])
random = np.random.default_rng(1)
digits = Digits(random.integers(0, 256, (600, 28, 28), np.uint8), random.integers(0, 10, 600, np.uint8))
export.load_mnist = lambda _: Mnist(digits, digits, digits)
tf.keras.utils.set_random_seed(1)
model = build_model()
model.save(folder / "training" / "4" / "model.keras")
(folder / "training" / "4" / "run.json").write_text('{"seed": 1}')
(folder / "training" / "4" / "log.csv").write_text("epoch,loss\\n0,1\\n")
measure, trained_layers = export.measure, export.trained_layers
for name, (held_back, suite, added_bias) in cases.items():
    # Random digits have no strokes, and an untrained network reads none of them.
    export.measure = lambda *arguments: measure(*arguments) | {"held_back_accuracy": held_back}
    export.measure_suite = lambda *arguments: suite
    export.trained_layers = lambda model: [
        layer._replace(bias=layer.bias + added_bias) for layer in trained_layers(model)
    ]
    output = folder / name
    sys.argv = ["export", "--version", "4", "--training", str(folder / "training"), "--output", str(output / "export")]
    with (output / "errors").open("w") as errors, contextlib.redirect_stderr(errors):
        status = export.main()
    (output / "status").write_text(str(status))
"""
HELD_BACK, SUITE = MIN_ACCURACY["held_back_accuracy"], MIN_ACCURACY["held_back_suite_accuracy"]
EXPORTS = {
    "good enough": (HELD_BACK, SUITE, 0),
    "poor": (HELD_BACK - 1e-4, 1, 0),
    "poor on user pictures": (1, SUITE - 1e-4, 0),
    "changed on its way": (1, 1, 0.1),
}


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of exports, by their names: one process makes them all."""
    folder = tmp_path_factory.mktemp("exports")
    (folder / "training" / "4").mkdir(parents=True)
    for name in EXPORTS:
        (folder / name / "export" / "4").mkdir(parents=True)
        (folder / name / "export" / "4" / "former").touch()
    command = [sys.executable, "-W", "ignore", "-c", EXPORT, str(folder), json.dumps(EXPORTS)]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert child.returncode == 0, child.stderr
    return folder


def test_an_export_replaces_the_former_model_and_has_its_figures_beside_it(exports: Path) -> None:
    assert (exports / "good enough" / "status").read_text() == "0"
    model = exports / "good enough" / "export" / "4"
    assert {path.name for path in model.iterdir()} == {"saved_model.pb", "figures.json", "training.csv"}
    figures = json.loads((model / "figures.json").read_text())
    assert figures["largest_difference_to_trained_network"] < 1e-5
    assert figures["seed"] == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("poor", "held_back_accuracy"),
        ("poor on user pictures", "held_back_suite_accuracy"),
        ("changed on its way", "differs by"),
    ],
)
def test_a_model_that_reads_too_little_or_was_changed_on_its_way_is_not_exported(
    name: str, message: str, exports: Path
) -> None:
    assert (exports / name / "status").read_text() == "1"
    assert message in (exports / name / "errors").read_text()
    assert [path.name for path in (exports / name / "export").rglob("*")] == ["4", "former"]


def test_the_committed_model_has_its_figures_beside_it_and_passed_its_gate() -> None:
    figures = json.loads((MODEL_DIR / "figures.json").read_text())
    check_accuracy(figures)
    assert figures["test_accuracy"] >= MIN_ACCURACY["held_back_accuracy"]


START = """
import sys
import numpy as np
import tensorflow as tf
from pathlib import Path
from export.network import build_model, read_layers, set_layers
from mnist_infer.session import SavedModelSession
from mnist_infer.session_config import session_config
from testbed.pictures import MODEL_DIR, mnist_digits

x = mnist_digits()[0][..., None].astype(np.float32) / 255
model = build_model()
set_layers(model, read_layers(MODEL_DIR / "saved_model.pb"))
session = SavedModelSession(MODEL_DIR, session_config(intra_op_threads=1, inter_op_threads=0, hide_gpus=True))
expected = session.predict(x.reshape(-1, 784))
print(float(np.abs(tf.nn.softmax(model(x, training=False)) - expected).max()))
print(float((np.argmax(model(x, training=True), 1) == expected.argmax(1)).mean()))
"""


@pytest.mark.tensorflow
def test_a_new_network_goes_on_where_the_exported_one_stood() -> None:
    child = subprocess.run([sys.executable, "-W", "ignore", "-c", START], cwd=ROOT, capture_output=True, text=True)
    assert child.returncode == 0, child.stderr
    difference, alike_in_training = map(float, child.stdout.split())
    assert difference < 1e-5
    assert alike_in_training > 0.95


AVERAGE = """
import numpy as np
from export.network import Layer, average_layers

before = [Layer(np.float32([[0, 8]]), np.float32([4])), Layer(np.float32([[1]]), np.float32([0]))]
after = [Layer(np.float32([[4, 0]]), np.float32([8])), Layer(np.float32([[5]]), np.float32([-4]))]
mean = average_layers(before, after, 0.25)
print(mean[0].kernel.tolist(), mean[0].bias.tolist(), mean[1].kernel.tolist(), mean[1].bias.tolist())
print({array.dtype.name for layer in mean for array in layer})
"""


@pytest.mark.tensorflow
def test_the_mean_of_two_networks_has_the_share_of_the_second() -> None:
    child = subprocess.run([sys.executable, "-W", "ignore", "-c", AVERAGE], cwd=ROOT, capture_output=True, text=True)
    assert child.stdout == "[[1.0, 6.0]] [5.0] [[2.0]] [-1.0]\n{'float32'}\n", child.stderr
