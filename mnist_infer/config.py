"""Settings, from environment variables: `MNIST_` and the field's name in capitals."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from mnist_infer.errors import SettingInvalid

Device = Literal["auto", "cpu", "gpu"]

ROOT = Path(__file__).resolve().parent.parent
"""The folder of handler.py: `/var/user` on the platform, a checkout elsewhere."""


class Settings(NamedTuple):
    """Every limit and choice, read once per container.

    Attributes:
        model_dir: folder with one subfolder per model version, named by an integer.
        model_version: the version to serve; None serves the highest.
        device: `auto` uses a GPU if there is one, `gpu` requires one, `cpu` hides them.
        input_range: the model's values of paper and of ink, as `0,255` in the variable; None is 0 and 1, or 0 and 255
            where it takes uint8.
        tensorflow_dir: folder of `libtensorflow_cc.so.2`; None finds the package `tensorflow`.
        intra_op_threads, inter_op_threads: TensorFlow's threads, see `session_config`; at most 256.
        max_body_bytes: size of the body of an HTTP event, an image in base64 included; the platform takes 6 MB.
        max_image_bytes: size of an image file, sent or fetched; only a fetched one can be larger than the body.
        max_decode_bytes: memory that decoding an image may take, which limits its pixels by format.
        fetch_connect_timeout_s, fetch_read_timeout_s: longest wait for a connection, and for the next bytes.
        fetch_total_timeout_s: longest time for a whole image URL, redirects included.
        fetch_max_redirects: how many are followed.
        url_fetch: whether image URLs are fetched at all; `on` or `off` in the variable.
        url_allowed_hosts: `host` or `host:port`, comma-separated in the variable; an image URL
            may lead there even if the address is private or the port is not 80 or 443.
    """

    model_dir: Path = ROOT / "export"
    model_version: int | None = None
    device: Device = "auto"
    input_range: tuple[float, float] | None = None
    tensorflow_dir: Path | None = None
    intra_op_threads: int = 1
    inter_op_threads: int = 0
    max_body_bytes: int = 6 * 2**20
    max_image_bytes: int = 10 * 2**20
    max_decode_bytes: int = 128_000_000
    fetch_connect_timeout_s: float = 2.0
    fetch_read_timeout_s: float = 3.0
    fetch_total_timeout_s: float = 5.0
    fetch_max_redirects: int = 3
    url_fetch: bool = True
    url_allowed_hosts: frozenset[str] = frozenset()


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingInvalid: a `MNIST_*` variable is unknown or has a value that cannot be used.
    """
    known = {f"MNIST_{name.upper()}": name for name in Settings._fields}
    values: dict[str, object] = {}
    for variable in filter(lambda name: name.startswith("MNIST_"), environ):
        if variable not in known:
            raise SettingInvalid(f"{variable} is not a setting; there are: {', '.join(known)}")
        parse, expected = _PARSERS[known[variable]]
        try:
            values[known[variable]] = parse(environ[variable])
        except ValueError as error:
            raise SettingInvalid(f"{variable} is {environ[variable]!r}, and should be {expected}") from error
    return Settings(**cast(dict[str, Any], values))


def _whole(least: int, most: int | None = None) -> tuple[Callable[[str], int], str]:
    def parse(text: str) -> int:
        value = int(text)
        if value < least or (most is not None and value > most):
            raise ValueError(text)
        return value

    return parse, f"a whole number from {least}" + (f" to {most}" if most is not None else "")


def _seconds(text: str) -> float:
    if not 0 < (value := float(text)) <= 900:
        raise ValueError(text)
    return value


def _range(text: str) -> tuple[float, float]:
    paper, ink = map(float, text.split(","))
    if not abs(paper - ink) > 0 or max(abs(paper), abs(ink)) > _MAX_PIXEL:  # not ==, so that a NaN is refused too
        raise ValueError(text)
    return paper, ink


def _device(text: str) -> Device:
    if text not in ("auto", "cpu", "gpu"):
        raise ValueError(text)
    return cast(Device, text)


def _switch(text: str) -> bool:
    if text not in ("on", "off"):
        raise ValueError(text)
    return text == "on"


def _folder(text: str) -> Path:
    if not text:
        raise ValueError(text)
    return Path(text)


def _hosts(text: str) -> frozenset[str]:
    hosts = frozenset(host.strip().lower() for host in text.split(",") if host.strip())
    if not all(map(_HOST.fullmatch, hosts)):
        raise ValueError(text)
    return hosts


_MAX_THREADS = 256  # TensorFlow aborts the process where it cannot start as many as it is told to
_MAX_PIXEL = 65_504  # the largest float16, which a model may take
_HOST = re.compile(r"([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:\d+)?|[0-9a-f:.]+")
_A_FOLDER = (_folder, "a folder")
_POSITIVE = _whole(1)
_SECONDS = (_seconds, "a number of seconds, above 0 and at most 900")
_PARSERS: dict[str, tuple[Callable[[str], object], str]] = {
    "model_dir": _A_FOLDER,
    "model_version": _POSITIVE,
    "device": (_device, "auto, cpu or gpu"),
    "input_range": (_range, "two numbers, what the model takes for paper and for ink, such as 0,255"),
    "tensorflow_dir": _A_FOLDER,
    "intra_op_threads": _whole(1, _MAX_THREADS),
    "inter_op_threads": _whole(0, _MAX_THREADS),
    "max_body_bytes": _POSITIVE,
    "max_image_bytes": _POSITIVE,
    "max_decode_bytes": _POSITIVE,
    "fetch_connect_timeout_s": _SECONDS,
    "fetch_read_timeout_s": _SECONDS,
    "fetch_total_timeout_s": _SECONDS,
    "fetch_max_redirects": _whole(0),
    "url_fetch": (_switch, "on or off"),
    "url_allowed_hosts": (_hosts, "host names or addresses, each with or without a port, separated by commas"),
}
