"""The model that is served: its version, and the device it runs on."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from mnist_infer.config import Device, Settings
from mnist_infer.errors import DeviceUnavailable, InferenceFailed, ModelUnavailable
from mnist_infer.session import SavedModelSession
from mnist_infer.session_config import session_config
from mnist_infer.versions import find_version


class Model(NamedTuple):
    """A loaded model, and what the log says about it.

    Attributes:
        session: predicts.
        version: the name of its folder.
        device: `cpu` or `gpu`.
        device_reason: why it was chosen.
        load_milliseconds: library, model and a first run.
    """

    session: SavedModelSession
    version: int
    device: Device
    device_reason: str
    load_milliseconds: float


def load_model(settings: Settings) -> Model:
    """Load the model that the settings name, and run it once.

    The first run costs several times what a later one does, so it belongs to the cold start and
    not to somebody's request; and a model that cannot answer is found here.

    Raises:
        ModelUnavailable: there is no such model, or it does not keep the contract.
        DeviceUnavailable: a GPU is required, and there is none.
    """
    started = time.perf_counter()
    folder = find_version(settings.model_dir, settings.model_version)
    config = session_config(
        intra_op_threads=settings.intra_op_threads,
        inter_op_threads=settings.inter_op_threads,
        hide_gpus=settings.device == "cpu",
    )
    session = SavedModelSession(folder, config, settings.tensorflow_dir, settings.input_range)
    device, reason = choose_device(settings.device, session.devices)
    try:
        session.settle()
    except InferenceFailed as error:
        raise ModelUnavailable(f"the model in {folder} cannot answer: {error}") from error
    elapsed = round((time.perf_counter() - started) * 1000, 1)
    return Model(session, int(folder.name), device, reason, elapsed)


def choose_device(requested: Device, devices: Sequence[str]) -> tuple[Device, str]:
    """Return the device that the session runs on, and why.

    Args:
        requested: the setting; for `cpu` the session already hides GPUs.
        devices: names of the session's devices, as `…/device:GPU:0`.

    Raises:
        DeviceUnavailable: `gpu` was requested, and there is none.
    """
    has_gpu = any(":GPU:" in name for name in devices)
    if requested == "gpu" and not has_gpu:
        raise DeviceUnavailable("MNIST_DEVICE is gpu, and TensorFlow finds no GPU")
    if requested == "auto":
        return ("gpu", "auto: a GPU was found") if has_gpu else ("cpu", "auto: no GPU was found")
    return requested, "as MNIST_DEVICE says"
