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
    for name, (is_allowed, allowed) in _CHECKS.items():
        if not is_allowed(values[name]):
            value = "that" if name == "environment" else repr(values[name])  # which may have secrets
            raise DeployError(f"{name} cannot be {value}. It can be {allowed}.")
    return Settings(**values)


def _variables(pairs: list[str]) -> dict[str, str]:
    if bad := [pair for pair in pairs if "=" not in pair]:
        raise DeployError(f"--environment takes NAME=VALUE, not {bad[0]}")
    return dict(pair.split("=", 1) for pair in pairs)


_Check = tuple[Callable[[Any], bool], str]


def _text(pattern: str, allowed: str) -> _Check:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None, allowed


def _whole(first: int, last: int) -> _Check:
    return lambda value: type(value) is int and first <= value <= last, f"a whole number from {first} to {last}"


def _is_memory(value: object) -> bool:
    return type(value) is int and (value == 64 or (128 <= value <= 3072 and value % 128 == 0))


def _are_strings(values: object) -> bool:
    items = [*values.keys(), *values.values()] if isinstance(values, dict) else values
    return isinstance(items, list) and all(isinstance(item, str) for item in items)


_CHECKS: dict[str, _Check] = {
    "region": _text(r"[a-z]+-[a-z]+(-\w+)*", "a region such as ap-guangzhou"),
    "function": _text(r"[A-Za-z][\w-]{0,58}[A-Za-z0-9]", "2 to 60 letters, digits, - and _, the first a letter"),
    "bucket": _text(
        r"[a-z0-9][a-z0-9-]{0,48}[a-z0-9]", "2 to 50 small letters, digits and -, without the account's number"
    ),
    "handler": _text(r"\w+\.\w+", "handler.http_interface or another entry point"),
    "runtime": _text(r"\w[\w.]+", "a runtime such as Python3.10"),
    "memory_mb": (_is_memory, "64, or 128 to 3072 in steps of 128"),
    "timeout_s": _whole(1, 900),
    "init_timeout_s": _whole(3, 300),
    "url_auth": _text("open|cam", "open or cam"),
    "cors_origins": (_are_strings, 'texts such as "https://example.com"'),
    "canary": _whole(0, 99),
    "image": _text(r"|[\w.-]+(/[\w.-]+)+:[\w.-]+(@sha256:[0-9a-f]{64})?", "REGISTRY/NAMESPACE/NAME:TAG"),
    "image_registry": _text(r"|tcr-\w+", "an id such as tcr-1a2b3c4d"),
    "environment": (_are_strings, "texts only: put numbers in quotes"),
}
