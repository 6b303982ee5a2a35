"""What is to run: the zip, built where it is stale, or a container image."""

import hashlib
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from deploy.errors import DeployError
from deploy.settings import ROOT, Settings

ZIP = ROOT / "dist" / "mnist_infer.zip"
PERSONAL_REGISTRY = "ccr.ccs.tencentyun.com"
WEB_PORT = 9000


class Package(NamedTuple):
    """A zip or an image.

    Attributes:
        description: what a version made of it is described with: letters, digits, spaces, commas and full stops,
            which is all that the platform lets a description have.
        summary: the same for a person.
        creation: fields of CreateFunction that cannot be changed later.
        handler: of a zip, else None.
        file: the zip, else None.
        key: of the zip in the bucket.
        image: ImageConfig of an image, else None.
    """

    description: str
    summary: str
    creation: Mapping[str, object]
    handler: str | None = None
    file: Path | None = None
    key: str = ""
    image: Mapping[str, object] | None = None


def zip_package(settings: Settings, file: Path) -> Package:
    """Return a zip of `build_zip.py`.

    Raises:
        DeployError: it is no such zip.
    """
    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        with zipfile.ZipFile(file) as archive:
            found = [re.fullmatch(r"export/(\d+)/saved_model\.pb", name) for name in archive.namelist()]
        model = max(int(match[1]) for match in found if match)
    except OSError as error:
        raise DeployError(f"{file} cannot be read: {error.strerror}") from error
    except (zipfile.BadZipFile, ValueError) as error:
        raise DeployError(f"{file} is not a zip of build_zip.py: it has no model") from error
    return Package(
        description=f"zip {digest}, model {model}",
        summary=f"zip {digest}, model {model}, {file.stat().st_size / 1e6:.1f} MB",
        creation={"Type": "Event", "Runtime": settings.runtime},
        handler=settings.handler,
        file=file,
        key=f"{settings.function}/{digest}.zip",
    )


def image_package(settings: Settings) -> Package:
    """Return the pushed container image that the settings name, as a web function's.

    Raises:
        DeployError: it is in an enterprise's registry, and that is not named.
    """
    is_personal = settings.image.startswith(f"{PERSONAL_REGISTRY}/")
    if not is_personal and not settings.image_registry:
        raise DeployError(
            f"{settings.image} is not in {PERSONAL_REGISTRY}: name its registry with --image-registry tcr-..."
        )
    image: dict[str, object] = {
        "ImageType": "personal" if is_personal else "enterprise",
        "ImageUri": settings.image,
        "ImagePort": WEB_PORT,
    }
    if not is_personal:
        image["RegistryId"] = settings.image_registry
    return Package(
        description=f"image {hashlib.sha256(settings.image.encode()).hexdigest()[:16]}",
        summary=f"image {settings.image}",
        creation={"Type": "HTTP"},
        image=image,
    )


def build_zip_if_stale(interpreter: str | None, environment: Mapping[str, str], accept_model: bool) -> Path:
    """Return `dist/mnist_infer.zip`, built anew where what goes into it is newer, or has been deleted since.

    Args:
        interpreter: the Python to build with; None finds one.
        environment: the function's variables, with which the build tries the model.
        accept_model: whether the zip may have one that cannot read the example pictures.

    Raises:
        DeployError: it cannot be built.
    """
    if _is_stale():
        command = [sys.executable, str(ROOT / "build_zip.py"), "--output", str(ZIP)]
        command += ["--interpreter", interpreter] if interpreter else []
        command += ["--accept-model"] if accept_model else []
        if subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}).returncode:
            raise DeployError("There is no zip to deploy: see above.")
    return ZIP


def _is_stale() -> bool:
    """Return whether there is no zip, or what goes into it is newer, or files of ours in it have been deleted since."""
    if not ZIP.is_file() or ZIP.stat().st_mtime < max(path.stat().st_mtime for path in _inputs()):
        return True
    try:
        with zipfile.ZipFile(ZIP) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        return True
    own = (name for name in names if name.startswith(("mnist_infer/", "export/")) and "__pycache__" not in name)
    return not all((ROOT / name).exists() for name in own)


def _inputs() -> Iterator[Path]:
    yield from (ROOT / name for name in ("build_zip.py", "handler.py", "requirements-zip.lock"))
    for folder in ("mnist_infer", "export", "relink"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path
