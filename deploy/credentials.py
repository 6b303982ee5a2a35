"""The key that requests are signed with: from the environment or the official files, never from the project."""

import configparser
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from deploy.errors import DeployError


class Credential(NamedTuple):
    """A key of Tencent Cloud.

    Attributes:
        token: of a key that is valid for a session only, else None.
    """

    secret_id: str
    secret_key: str
    token: str | None = None

    def __repr__(self) -> str:
        return "Credential(...)"


def load_credential(environ: Mapping[str, str] = os.environ) -> Credential:
    """Return the key of the environment, else of the SDKs' file, else of tccli's.

    Raises:
        DeployError: there is none.
    """
    home = Path(environ.get("HOME", "~")).expanduser()
    tccli = home / ".tccli" / f"{environ.get('TCCLI_PROFILE', 'default')}.credential"
    sources = (
        _from_environment(environ),
        _from_sdk_file(home / ".tencentcloud" / "credentials"),
        _from_sdk_file(Path("/etc/tencentcloud/credentials")),
        _from_tccli_file(tccli),
    )
    for secret_id, secret_key, token in sources:
        if secret_id and secret_key:
            return Credential(secret_id, secret_key, token or None)
    raise DeployError(
        "No key was found. Make one at https://console.cloud.tencent.com/cam/capi, then\n"
        "  export TENCENTCLOUD_SECRET_ID=... TENCENTCLOUD_SECRET_KEY=...   (and TENCENTCLOUD_TOKEN for a session's)\n"
        "or write it to ~/.tencentcloud/credentials, or run `tccli configure`."
    )


def _from_environment(environ: Mapping[str, str]) -> tuple[str | None, ...]:
    return tuple(environ.get(f"TENCENTCLOUD_{name}") for name in ("SECRET_ID", "SECRET_KEY", "TOKEN"))


def _from_sdk_file(path: Path) -> tuple[str | None, ...]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(path)
    except (configparser.Error, UnicodeDecodeError):  # whose text would show the line, and so perhaps the key
        raise DeployError(f"{path} is not an ini file with a section [default]") from None
    return tuple(parser.get("default", name, fallback=None) for name in ("secret_id", "secret_key", "token"))


def _from_tccli_file(path: Path) -> tuple[str | None, ...]:
    if not path.is_file():
        return (None, None, None)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = tuple(content.get(name) for name in ("secretId", "secretKey", "token"))
    except (ValueError, AttributeError):
        raise DeployError(f"{path} is not a JSON object: run `tccli configure` again") from None
    return tuple(str(value) if value is not None else None for value in found)
