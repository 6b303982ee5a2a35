"""The session over the C library, beside what TensorFlow's own Python package says (`tests.oracle`)."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_infer.config import ROOT
from mnist_infer.errors import InferenceFailed, ModelUnavailable
from mnist_infer.session import SavedModelSession
from mnist_infer.session_config import session_config
from testbed.pictures import FIXTURES, MODEL_DIR, mnist_digits
from testbed.tensorflow_libraries import WHEELS
from tests.conftest import ONE_CPU_THREAD

TENSORFLOW_1 = FIXTURES / "tensorflow_1"
GRAIN = 1e-5
"""How far two TensorFlows may differ in a probability."""


def mnist_input() -> NDArray[np.float32]:
    return mnist_digits()[0].reshape(-1, 784).astype(np.float32) / np.float32(255)


def test_the_session_agrees_with_tensorflows_own(session: SavedModelSession, oracle: Path) -> None:
    probabilities = session.predict(mnist_input())
    assert probabilities.shape == (300, 10)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities, np.load(oracle / "probabilities.npy"), rtol=0, atol=GRAIN)


def test_the_session_reads_mnist(session: SavedModelSession) -> None:
    assert (session.predict(mnist_input()).argmax(1) == mnist_digits()[1]).mean() > 0.99


def test_one_digit_alone_is_read_as_it_is_among_others(session: SavedModelSession) -> None:
    x = mnist_input()[:20]
    alone = np.concatenate([session.predict(x[i : i + 1]) for i in range(20)])
    np.testing.assert_allclose(alone, session.predict(x), rtol=0, atol=GRAIN)


def test_an_array_that_is_not_contiguous_is_read_right(session: SavedModelSession) -> None:
    x = mnist_input()[:6]
    np.testing.assert_array_equal(session.predict(x[::2]), session.predict(x[::2].copy()))


@pytest.mark.parametrize(
    "x",
    [
        pytest.param(np.zeros((1, 784)), id="float64"),
        pytest.param(np.zeros((1, 784), np.uint8), id="uint8"),
        pytest.param(np.zeros(784, np.float32), id="one dimension"),
        pytest.param(np.zeros((1, 28, 28), np.float32), id="three dimensions"),
        pytest.param(np.zeros((1, 783), np.float32), id="783 pixels"),
        pytest.param(np.zeros((0, 784), np.float32), id="no digit"),
    ],
)
def test_another_dtype_or_shape_is_refused_before_the_c_call(
    session: SavedModelSession, x: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_library", None)  # a C call would fail otherwise
    with pytest.raises(ValueError, match="x must be float32"):
        session.predict(x)


def test_from_several_threads_at_once_every_answer_is_the_right_one(session: SavedModelSession) -> None:
    x = mnist_input()
    expected = np.concatenate([session.predict(x[i : i + 1]) for i in range(len(x))])
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda i: session.predict(x[i % 300 : i % 300 + 1])[0], range(2000)))
    for i, answer in enumerate(answers):
        np.testing.assert_array_equal(answer, expected[i % 300])


@pytest.mark.parametrize(
    ("hide_gpus", "threads", "name"), [(True, 300, "config_cpu.bin"), (False, 0, "config_any.bin")]
)
def test_the_config_is_what_protobuf_makes_of_it(hide_gpus: bool, threads: int, name: str, oracle: Path) -> None:
    config = session_config(intra_op_threads=3, inter_op_threads=threads, hide_gpus=hide_gpus)
    assert config == (oracle / name).read_bytes()


def test_the_cpu_is_among_the_devices(session: SavedModelSession) -> None:
    assert any(name.endswith("device:CPU:0") for name in session.devices)


def test_a_model_of_tensorflow_1_gives_the_answers_it_gave_there() -> None:
    with np.load(TENSORFLOW_1 / "expected.npz") as expected:
        session = SavedModelSession(TENSORFLOW_1, ONE_CPU_THREAD)
        np.testing.assert_allclose(session.predict(expected["x"]), expected["y"], rtol=0, atol=GRAIN)
        session.close()


IN_ANOTHER_LIBRARY = """
import json, sys
from pathlib import Path
import numpy as np
from mnist_infer.session import SavedModelSession
from tests.conftest import ONE_CPU_THREAD
from tests.test_session import MODEL_DIR, TENSORFLOW_1, mnist_input
library, answers = Path(sys.argv[1]), Path(sys.argv[2])
today = SavedModelSession(MODEL_DIR, ONE_CPU_THREAD, library)
old = SavedModelSession(TENSORFLOW_1, ONE_CPU_THREAD, library)
np.savez(answers, today=today.predict(mnist_input()), old=old.predict(np.load(TENSORFLOW_1 / "expected.npz")["x"]))
Path(f"{answers}.json").write_text(json.dumps([today.tensorflow_version, "tensorflow" in sys.modules]))
"""


@pytest.mark.versions
@pytest.mark.parametrize("version", WHEELS)
def test_both_models_give_the_same_answers_in_every_named_tensorflow(
    version: str, oracle: Path, tmp_path: Path
) -> None:
    library = ROOT / ".cache" / "tensorflow" / version / "tensorflow"
    if not library.is_dir():
        pytest.skip(f"no library of TensorFlow {version}: `make .cache/tensorflow` fetches it, as `make test-all` does")
    answers = tmp_path / "answers.npz"
    command = [sys.executable, "-c", IN_ANOTHER_LIBRARY, str(library), str(answers)]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    with np.load(answers) as arrays, np.load(TENSORFLOW_1 / "expected.npz") as expected:
        np.testing.assert_allclose(arrays["today"], np.load(oracle / "probabilities.npy"), rtol=0, atol=GRAIN)
        np.testing.assert_allclose(arrays["old"], expected["y"], rtol=0, atol=GRAIN)
    assert json.loads(Path(f"{answers}.json").read_text()) == [version, False]
    assert child.stdout == ""
    if version < "2.20":  # from there on, two lines come before TensorFlow reads its log level
        assert child.stderr == ""


BROKEN = {
    "no_input": "no tensor x:0",
    "no_output": "no tensor y:0",
    "output_is_no_tensor": "no tensor y:0",
    "input_int64": "x:0 is of another type than float32, float64, float16, uint8",
    "output_int64": "y:0 is of another type than float32, float64, float16",
}


@pytest.mark.parametrize(("model", "message"), BROKEN.items(), ids=BROKEN)
def test_a_model_that_breaks_the_contract_is_refused_as_it_loads(model: str, message: str, oracle: Path) -> None:
    with pytest.raises(ModelUnavailable, match=message):
        SavedModelSession(oracle / "models" / model, ONE_CPU_THREAD)


def test_bytes_that_are_not_a_config_are_refused() -> None:
    with pytest.raises(ModelUnavailable, match="ConfigProto"):
        SavedModelSession(MODEL_DIR, b"\xff\xff")


def test_a_folder_without_the_library_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=str(tmp_path)):
        SavedModelSession(MODEL_DIR, ONE_CPU_THREAD, tmp_path)


def test_a_library_that_is_not_tensorflows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "libtensorflow_cc.so.2").write_bytes(b"no library")
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        SavedModelSession(MODEL_DIR, ONE_CPU_THREAD, tmp_path)


def test_without_an_installed_tensorflow_the_error_says_what_to_install() -> None:
    code = f"from mnist_infer.session import *; SavedModelSession(Path({str(MODEL_DIR)!r}), b'')"
    without = {name: value for name, value in os.environ.items() if name != "MNIST_TENSORFLOW_DIR"}
    hide = "import importlib.util; importlib.util.find_spec = lambda name: None; "
    child = subprocess.run([sys.executable, "-c", hide + code], cwd=ROOT, capture_output=True, text=True, env=without)
    assert "install tensorflow-cpu" in child.stderr


@pytest.mark.parametrize("model", ["nine_classes", "fails_in_a_run"])
def test_a_run_that_fails_says_nothing_of_the_graph_and_the_next_one_works(model: str, oracle: Path) -> None:
    session = SavedModelSession(oracle / "models" / model, ONE_CPU_THREAD)
    with pytest.raises(InferenceFailed) as caught:
        session.predict(np.ones((1, 784), np.float32))
    assert "secret" not in str(caught.value)
    if model == "fails_in_a_run":
        assert "secret of the graph" in str(caught.value.__cause__)
        assert session.predict(np.zeros((1, 784), np.float32)).shape == (1, 10)
    session.close()


class CountingLibrary:
    """The C library, counting what is made and what is freed."""

    MADE_BY: ClassVar = {
        "TF_NewStatus": "Status",
        "TF_NewGraph": "Graph",
        "TF_NewSessionOptions": "SessionOptions",
        "TF_LoadSessionFromSavedModel": "Session",
        "TF_SessionListDevices": "DeviceList",
        "TF_AllocateTensor": "Tensor",
    }

    def __init__(self, library: Any) -> None:
        self._library = library
        self.alive: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = getattr(self._library, name)

        def counted(*arguments: Any) -> Any:
            result = function(*arguments)
            if result and name in self.MADE_BY:
                self.alive[self.MADE_BY[name]] += 1
            if name.startswith("TF_Delete") and getattr(arguments[0], "value", arguments[0]):  # not NULL
                self.alive[name.removeprefix("TF_Delete")] -= 1
            if name == "TF_SessionRun" and arguments[6]._obj.value:
                self.alive["Tensor"] += 1  # the answer belongs to the caller
            return result

        return counted


@pytest.fixture
def counted(session: SavedModelSession, monkeypatch: pytest.MonkeyPatch) -> CountingLibrary:
    library = CountingLibrary(session._library)
    monkeypatch.setattr("mnist_infer.c_api.load_library", lambda _: library)
    return library


def test_everything_that_a_session_makes_is_freed(counted: CountingLibrary) -> None:
    session = SavedModelSession(MODEL_DIR, ONE_CPU_THREAD)
    assert +counted.alive == {"Graph": 1, "Session": 1}
    session.predict(np.zeros((3, 784), np.float32))
    assert +counted.alive == {"Graph": 1, "Session": 1}
    session.close()
    assert set(counted.alive.values()) == {0}


@pytest.mark.parametrize("model", ["nine_classes", "fails_in_a_run"])
def test_a_run_that_fails_leaves_nothing_behind(model: str, counted: CountingLibrary, oracle: Path) -> None:
    session = SavedModelSession(oracle / "models" / model, ONE_CPU_THREAD)
    with pytest.raises(InferenceFailed):
        session.predict(np.ones((3, 784), np.float32))
    session.close()
    assert set(counted.alive.values()) == {0}


@pytest.mark.parametrize("model", ["no_output", "input_int64", "does_not_exist"])
def test_a_load_that_fails_leaves_nothing_behind(model: str, counted: CountingLibrary, oracle: Path) -> None:
    with pytest.raises(ModelUnavailable):
        SavedModelSession(oracle / "models" / model, ONE_CPU_THREAD)
    assert not +counted.alive


def test_on_a_machine_with_a_gpu_the_session_lists_it_and_agrees_with_the_cpu(session: SavedModelSession) -> None:
    config = session_config(intra_op_threads=1, inter_op_threads=0, hide_gpus=False)
    on_gpu = SavedModelSession(MODEL_DIR, config)
    if not any(":GPU:" in name for name in on_gpu.devices):
        pytest.skip("TensorFlow finds no GPU: runs where the CUDA build `tensorflow` is installed and finds one")
    np.testing.assert_allclose(on_gpu.predict(mnist_input()), session.predict(mnist_input()), rtol=0, atol=1e-3)
