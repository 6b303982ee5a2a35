"""The cloud platform as a function sees it: how its handler is loaded, and what it is called with."""

import importlib.util
import json
import logging
import os
import sys
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import ModuleType
from typing import Any

from mnist_infer.config import ROOT

Entry = Callable[[object, object], object]
"""An entry point: takes an event and a context, and returns what JSON can hold."""

MAX_EVENT_BYTES = 6 * 1024 * 1024
"""The largest event, or body of an HTTP request, that the platform passes on."""

MEMORY_LIMIT_MB = 512
TIME_LIMIT_MS = 10_000

ENVIRONMENT = {
    "TENCENTCLOUD_RUNENV": "SCF",
    "TENCENTCLOUD_REGION": "ap-guangzhou",
    "SCF_FUNCTIONNAME": "mnist_infer",
    "SCF_FUNCTIONVERSION": "$LATEST",
}
"""The environment variables of a function as the platform documents them, without the paths."""

# The request headers that a container image function gets, as the platform documents them, and the field of a
# context that each is. Memory is in MB; the time limit is in ms (seen in a logged request, the unit is not documented).
_CONTEXT_FIELDS = {
    "x-scf-request-id": "request_id",
    "x-scf-memory": "memory_limit_in_mb",
    "x-scf-timeout": "time_limit_in_ms",
    "x-scf-version": "function_version",
    "x-scf-name": "function_name",
    "x-scf-namespace": "namespace",
    "x-scf-region": "tencentcloud_region",
    "x-scf-appid": "tencentcloud_appid",
    "x-scf-uin": "tencentcloud_uin",
}
_NUMBERS = ("memory_limit_in_mb", "time_limit_in_ms")


def load_entry(name: str) -> Entry:
    """Return an entry point of handler.py, see `load_handler`.

    Raises:
        ImportError: there is none of that name.
    """
    entry: Entry | None = getattr(load_handler(), name, None)
    if entry is None:
        raise ImportError(f"handler.py has no entry point {name}")
    return entry


def load_handler() -> ModuleType:
    """Return handler.py, loaded as the platform loads it.

    The file is found by its path, its module has an empty name and is not registered in
    `sys.modules`, the working directory is its folder, and the root logger prints from DEBUG on
    unless logging is set up already.
    """
    os.chdir(ROOT)
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    logging.basicConfig(stream=sys.stdout, level=logging.DEBUG)
    spec = importlib.util.spec_from_file_location("", ROOT / "handler.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{ROOT} has no handler.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sample_context() -> dict[str, object]:
    """Return a context with all the fields that the platform documents, for a call on a developer's machine."""
    environment = ENVIRONMENT | {"USER_CODE_ROOT": f"{ROOT}/"}
    return {
        "memory_limit_in_mb": MEMORY_LIMIT_MB,
        "time_limit_in_ms": TIME_LIMIT_MS,
        "request_id": str(uuid.uuid4()),
        "environment": json.dumps(environment),
        "environ": ";".join(f"{name}={value}" for name, value in environment.items()),
        "function_version": ENVIRONMENT["SCF_FUNCTIONVERSION"],
        "function_name": ENVIRONMENT["SCF_FUNCTIONNAME"],
        "namespace": "default",
        "tencentcloud_region": ENVIRONMENT["TENCENTCLOUD_REGION"],
        "tencentcloud_appid": "1250000000",
        "tencentcloud_uin": "100000000001",
    }


def container_context(headers: Mapping[str, str]) -> dict[str, object]:
    """Return the context that is in the headers of a request to a container.

    A field whose header is missing is left out, except the request id: one is made up.

    Args:
        headers: by name, in lower case.
    """
    context: dict[str, object] = {"request_id": str(uuid.uuid4())}
    for name, field in _CONTEXT_FIELDS.items():
        value = headers.get(name, "")
        if field not in _NUMBERS and value:
            context[field] = value
        elif value.isascii() and value.isdecimal() and len(value) <= 9:
            context[field] = int(value)
    return context


def through_json(value: object) -> Any:
    """Return a value after the trip through JSON that every event and every answer makes.

    Raises:
        TypeError: the value is not what JSON can hold, a NumPy number for example.
    """
    return json.loads(json.dumps(value))


def has_failed(answer: object) -> bool:
    """Return whether an entry point's answer is a failure."""
    if not isinstance(answer, dict):
        return answer == -1
    return "errMsg" in answer or ("statusCode" in answer and answer["statusCode"] != HTTPStatus.OK)
