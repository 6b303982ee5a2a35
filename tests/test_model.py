import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_infer.config import Device, Settings
from mnist_infer.errors import DeviceUnavailable, ModelUnavailable
from mnist_infer.model import choose_device, load_model
from mnist_infer.versions import find_version
from testbed.pictures import FIXTURES, MODEL_DIR

TENSORFLOW_1 = FIXTURES / "tensorflow_1"

CPU = "/job:localhost/replica:0/task:0/device:CPU:0"
GPU = "/job:localhost/replica:0/task:0/device:GPU:0"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    for name in ("1", "2", "10", "latest", "-3", "11.partial"):
        (tmp_path / name).mkdir()
    (tmp_path / "99").write_text("a file, no version")
    return tmp_path


def test_the_highest_version_is_served_by_number_and_not_by_name(models: Path) -> None:
    assert find_version(models, None) == models / "10"


def test_a_pinned_version_is_served(models: Path) -> None:
    assert find_version(models, 2) == models / "2"


@pytest.mark.parametrize("pinned", [3, 99])
def test_a_pinned_version_that_does_not_exist_is_refused_by_the_folder(models: Path, pinned: int) -> None:
    with pytest.raises(ModelUnavailable, match=f"{models} has no version {pinned}"):
        find_version(models, pinned)


def test_a_folder_without_versions_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=str(tmp_path)):
        find_version(tmp_path, None)
    with pytest.raises(ModelUnavailable, match="nowhere"):
        find_version(tmp_path / "nowhere", None)


@pytest.mark.parametrize(
    ("requested", "devices", "chosen", "reason"),
    [
        ("auto", [CPU], "cpu", "no GPU was found"),
        ("auto", [CPU, GPU], "gpu", "a GPU was found"),
        ("auto", [], "cpu", "no GPU was found"),
        ("cpu", [CPU], "cpu", "MNIST_DEVICE"),
        ("gpu", [CPU, GPU], "gpu", "MNIST_DEVICE"),
        ("gpu", [GPU, GPU.replace("GPU:0", "GPU:1"), CPU], "gpu", "MNIST_DEVICE"),
        ("auto", [CPU, CPU.replace("CPU", "XLA_CPU")], "cpu", "no GPU was found"),
    ],
)
def test_the_device_follows_the_setting_and_what_the_session_lists(
    requested: Device, devices: list[str], chosen: str, reason: str
) -> None:
    device, why = choose_device(requested, devices)
    assert device == chosen
    assert reason in why


def test_a_gpu_that_is_insisted_on_is_never_replaced_in_silence() -> None:
    with pytest.raises(DeviceUnavailable, match="MNIST_DEVICE is gpu"):
        choose_device("gpu", [CPU])


def test_a_loaded_model_says_what_it_is() -> None:
    model = load_model(Settings(device="cpu"))
    assert (model.version, model.device) == (int(MODEL_DIR.name), "cpu")
    assert model.load_milliseconds > 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("not_numbers", "does not answer with numbers"),
        ("nine_classes", r"output is \[1, 9\]"),
    ],
)
def test_a_model_that_cannot_answer_is_found_at_the_cold_start(
    name: str, message: str, oracle: Path, tmp_path: Path
) -> None:
    shutil.copytree(oracle / "models" / name, tmp_path / "1")
    with pytest.raises(ModelUnavailable, match=message):
        load_model(Settings(model_dir=tmp_path))


def remove(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def replace(path: Path) -> None:
    path.write_bytes(b"this is no model" * 1000)


DAMAGEABLE = [
    (MODEL_DIR, "saved_model.pb"),
    (TENSORFLOW_1, "saved_model.pb"),
    (TENSORFLOW_1, "variables/variables.index"),
    (TENSORFLOW_1, "variables/variables.data-00000-of-00001"),
]


@pytest.mark.parametrize("damage", [remove, empty, truncate, replace], ids=lambda damage: damage.__name__)
@pytest.mark.parametrize(
    ("source", "file"), DAMAGEABLE, ids=lambda value: value if isinstance(value, str) else value.name
)
def test_a_damaged_model_is_refused_by_its_folder(
    source: Path, file: str, damage: Callable[[Path], None], tmp_path: Path
) -> None:
    model = tmp_path / "4"
    shutil.copytree(source, model)
    damage(model / file)
    with pytest.raises(ModelUnavailable, match=str(model)):
        load_model(Settings(model_dir=tmp_path))
