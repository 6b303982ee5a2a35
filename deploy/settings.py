"""What is wanted: `deploy.toml`, and the options that override it."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

import tomli

from deploy.errors import DeployError

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "deploy.toml"


class Settings(NamedTuple):
    """Every choice that `deploy.toml` has.

    Attributes:
        region: of the function and its bucket.
        function: its name; also the folder of its zips in the bucket.
        bucket: its name without the account's number.
        handler, runtime: of a zip; an image has its own.
        memory_mb: 64, or 128 to 3072 in steps of 128.
        timeout_s: of a request, 1 to 900.
        init_timeout_s: of a cold start, 3 to 300.
        url_auth: `open` to everybody, or `cam`: signed requests only.
        cors_origins: of the pages that may call the URL.
        canary: percent of the traffic that a new version gets at first; 0 is all at once.
        image: URI of a container image, or empty: the zip.
        image_registry: id of the image's registry, where that is an enterprise's.
        environment: the function's variables.
    """

    region: str
    function: str
    bucket: str
    handler: str
    runtime: str
    memory_mb: int
    timeout_s: int
    init_timeout_s: int
    url_auth: str
    cors_origins: list[str]
    canary: int
    image: str
    image_registry: str
    environment: dict[str, str]


TYPES = get_type_hints(Settings)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add an option for each setting; those with several values may be given several times."""
    group = parser.add_argument_group("settings, instead of those in deploy.toml")
    for name, kind in TYPES.items():
        option = "--" + name.replace("_", "-")
        if kind in (str, int):
            group.add_argument(option, type=kind, metavar="N" if kind is int else name.rpartition("_")[2].upper())
        else:
            metavar = "NAME=VALUE" if name == "environment" else "VALUE"
            group.add_argument(option.removesuffix("s"), dest=name, action="append", metavar=metavar)


def load_settings(options: argparse.Namespace, file: Path = FILE) -> Settings:
    """Return the file's settings, with the options' in their place.

    Raises:
        DeployError: a setting is missing, unknown or has a value that cannot be used.
    """
    try:
        values: dict[str, Any] = tomli.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomli.TOMLDecodeError) as error:
        raise DeployError(f"{file} cannot be read: {error}") from error
    if unknown := values.keys() ^ TYPES.keys():
        raise DeployError(f"{file} has to have exactly the settings {', '.join(TYPES)}; look at {min(unknown)}")
    for name in TYPES:
        if (value := getattr(options, name, None)) is not None:
            values[name] = _variables(value) if name == "environment" else value
    for name, check in _CHECKS.items():
        if not check(values[name]):
            raise DeployError(f"{name} cannot be {values[name]!r}: see {file.name}")
    return Settings(**values)


def _variables(pairs: list[str]) -> dict[str, str]:
    if bad := [pair for pair in pairs if "=" not in pair]:
        raise DeployError(f"--environment takes NAME=VALUE, not {bad[0]}")
    return dict(pair.split("=", 1) for pair in pairs)


def _matches(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _is_in(first: int, last: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and first <= value <= last


def _is_memory(value: object) -> bool:
    return type(value) is int and (value == 64 or (128 <= value <= 3072 and value % 128 == 0))


def _are_strings(values: object) -> bool:
    items = [*values.keys(), *values.values()] if isinstance(values, dict) else values
    return isinstance(items, list) and all(isinstance(item, str) for item in items)


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "region": _matches(r"[a-z]+-[a-z]+(-\w+)*"),
    "function": _matches(r"[A-Za-z][\w-]{0,58}[A-Za-z0-9]"),
    "bucket": _matches(r"[a-z0-9][a-z0-9-]{0,48}[a-z0-9]"),
    "handler": _matches(r"\w+\.\w+"),
    "runtime": _matches(r"\w[\w.]+"),
    "memory_mb": _is_memory,
    "timeout_s": _is_in(1, 900),
    "init_timeout_s": _is_in(3, 300),
    "url_auth": _matches("open|cam"),
    "cors_origins": _are_strings,
    "canary": _is_in(0, 99),
    "image": _matches(r"|[\w.-]+(/[\w.-]+)+:[\w.-]+(@sha256:[0-9a-f]{64})?"),
    "image_registry": _matches(r"|tcr-\w+"),
    "environment": _are_strings,
}
