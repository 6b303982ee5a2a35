"""The versions of the model: which folder is served, built into the zip and measured."""

from pathlib import Path

from mnist_infer.errors import ModelUnavailable


def find_version(model_dir: Path, pinned: int | None) -> Path:
    """Return the folder of a version, the highest unless one is pinned.

    A version is a subfolder whose name is a number and nothing else: `6`, and not `6.partial`.

    Raises:
        ModelUnavailable: there is no version, or not the pinned one.
    """
    try:
        versions = {int(path.name): path for path in model_dir.iterdir() if path.name.isdecimal() and path.is_dir()}
    except OSError as error:
        raise ModelUnavailable(f"the model folder {model_dir} cannot be read") from error
    if not versions:
        raise ModelUnavailable(f"the model folder {model_dir} has no version, a subfolder named by a number")
    if pinned is not None and pinned not in versions:
        raise ModelUnavailable(f"the model folder {model_dir} has no version {pinned}")
    return versions[max(versions) if pinned is None else pinned]
