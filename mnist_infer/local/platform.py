"""The cloud platform as a function sees it: how its handler is loaded, and what it is called with."""

import importlib.util
import json
import logging
import os
import sys
import uuid
from http import HTTPStatus
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent.parent
"""What is `/var/user` on the platform: the folder of handler.py, and the working directory."""

MEMORY_LIMIT_MB = 512
TIME_LIMIT_MS = 10_000

_ENVIRONMENT = {
    "TENCENTCLOUD_RUNENV": "SCF",
    "TENCENTCLOUD_REGION": "ap-guangzhou",
    "SCF_FUNCTIONNAME": "mnist_infer",
    "SCF_FUNCTIONVERSION": "$LATEST",
    "USER_CODE_ROOT": f"{ROOT}/",
}


def load_handler() -> ModuleType:
    """Return handler.py, loaded as the platform loads it.

    The file is found by its path, its module has an empty name and is not registered in
    `sys.modules`, the working directory is its folder, and the root logger prints from DEBUG on.
    """
    for variable, value in _ENVIRONMENT.items():
        os.environ.setdefault(variable, value)
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


def new_context() -> dict[str, object]:
    """Return the context of one invocation, with the fields that the platform documents."""
    return {
        "memory_limit_in_mb": MEMORY_LIMIT_MB,
        "time_limit_in_ms": TIME_LIMIT_MS,
        "request_id": str(uuid.uuid4()),
        "environment": json.dumps(_ENVIRONMENT),
        "environ": ";".join(f"{name}={value}" for name, value in _ENVIRONMENT.items()),
        "function_version": _ENVIRONMENT["SCF_FUNCTIONVERSION"],
        "function_name": _ENVIRONMENT["SCF_FUNCTIONNAME"],
        "namespace": "default",
        "tencentcloud_region": _ENVIRONMENT["TENCENTCLOUD_REGION"],
        "tencentcloud_appid": "1250000000",
        "tencentcloud_uin": "100000000001",
    }


def through_json(value: object) -> object:
    """Return a value after the trip through JSON that every event and every answer makes.

    Raises:
        TypeError: the value is not what JSON can hold, a NumPy number for example.
    """
    return json.loads(json.dumps(value))


def has_failed(answer: object) -> bool:
    """Return whether an entry point's answer says that there is no digit."""
    if not isinstance(answer, dict):
        return answer == -1
    return "errMsg" in answer or ("statusCode" in answer and answer["statusCode"] != HTTPStatus.OK)
