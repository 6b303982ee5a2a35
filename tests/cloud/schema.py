"""Tencent's own description of its API: actions with their structures, structures with their members."""

import json
from pathlib import Path
from typing import Any

from tests.cloud.errors import ApiError

FOLDER = Path(__file__).with_name("api")
TYPES: dict[str, type | tuple[type, ...]] = {"string": str, "int": int, "float": (int, float), "bool": bool}
LIST_TYPES = {"int64": "int", "uint64": "int"}


class Schema:
    """One service.

    Attributes:
        version: of its API.
        actions: by name, the structures of the request and the answer.
    """

    def __init__(self, service: str) -> None:
        content = json.loads((FOLDER / f"{service}.json").read_text(encoding="utf-8"))
        self.version = content["metadata"]["apiVersion"]
        self.actions: dict[str, Any] = content["actions"]
        self._objects = content["objects"]

    def check_request(self, action: str, request: object) -> None:
        """Refuse what Tencent would: an unknown action or parameter, one that is missing or of another type."""
        if action not in self.actions:
            raise ApiError("InvalidAction", f"the action {action} does not exist")
        self._check(self.actions[action]["input"], request, "", is_request=True)

    def check_answer(self, action: str, answer: object) -> None:
        """Fail where the stand-in's own answer is none that Tencent could give."""
        try:
            self._check(self.actions[action]["output"], answer, "", is_request=False)
        except ApiError as error:
            raise AssertionError(f"the stand-in's answer to {action}: {error.code} {error.message}") from error

    def _check(self, name: str, value: object, at: str, is_request: bool) -> None:
        if not isinstance(value, dict):
            raise ApiError("InvalidParameter", f"{at or 'the request'} is not an object")
        members = {member["name"]: member for member in self._objects[name]["members"]}
        for key in value.keys() - members.keys():
            raise ApiError("UnknownParameter", f"the parameter {at}{key} is not recognized")
        for key, member in members.items():
            if value.get(key) is not None:
                self._check_member(member, value[key], f"{at}{key}", is_request)
            elif is_request and member.get("required"):
                raise ApiError("MissingParameter", f"the request is missing {at}{key}")
            elif not is_request and member.get("output_required") and not member.get("value_allowed_null"):
                raise ApiError("MissingParameter", f"the answer is missing {at}{key}")

    def _check_member(self, member: dict[str, Any], value: object, at: str, is_request: bool) -> None:
        is_list = member["type"] == "list"
        if is_list and not isinstance(value, list):
            raise ApiError("InvalidParameter", f"{at} is not a list")
        for item in value if isinstance(value, list) and is_list else [value]:
            if member["member"] in self._objects:
                self._check(member["member"], item, f"{at}.", is_request)
                continue
            kind = LIST_TYPES.get(member["member"], member["member"]) if is_list else member["type"]
            if not isinstance(item, TYPES.get(kind, object)) or (isinstance(item, bool) and kind != "bool"):
                raise ApiError("InvalidParameter", f"{at} is not of type {kind}")
