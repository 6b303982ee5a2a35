"""Regenerate `api/`: `pip download --no-deps tccli`, then `python -m tests.cloud.prune_api tccli-*.whl`.

The wheel of tccli has Tencent's descriptions of its API, with every action and every text: 2 MB for three services.
This keeps the actions that a deployment needs, and of their structures what can be checked.
"""

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("api")
KEPT = {
    "scf": (
        *("CreateFunction", "GetFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration", "DeleteFunction"),
        *("PublishVersion", "ListVersionByFunction", "GetAlias", "UpdateAlias"),
        *("CreateTrigger", "UpdateTrigger", "ListTriggers", "DeleteTrigger", "InvokeFunction"),
    ),
    "cls": ("SearchLog",),
    "cam": ("GetUserAppId",),
}
MEMBER = ("name", "type", "member", "required", "output_required", "value_allowed_null")


def prune(description: dict[str, Any], actions: tuple[str, ...]) -> dict[str, Any]:
    """Return a service's description with these actions and the structures that they use."""
    kept = {name: {key: description["actions"][name][key] for key in ("input", "output")} for name in actions}
    objects: dict[str, Any] = {}
    wanted = [name for action in kept.values() for name in action.values()]
    while wanted:
        name = wanted.pop()
        members = [
            {key: member[key] for key in MEMBER if member.get(key) not in (None, False)}
            for member in description["objects"][name]["members"]
        ]
        objects[name] = {"members": members}
        wanted += [m["member"] for m in members if m["member"] in description["objects"] and m["member"] not in objects]
    metadata = {key: description["metadata"][key] for key in ("apiVersion", "serviceShortName")}
    return {"metadata": metadata, "actions": kept, "objects": dict(sorted(objects.items()))}


def main(wheel: str) -> None:
    """Write the descriptions and the licence that a wheel of tccli has."""
    with zipfile.ZipFile(wheel) as archive:
        for service, actions in KEPT.items():
            (path,) = (
                n for n in archive.namelist() if n.startswith(f"tccli/services/{service}/v") and n.endswith("/api.json")
            )
            pruned = prune(json.loads(archive.read(path)), actions)
            (FOLDER / f"{service}.json").write_text(json.dumps(pruned, indent=1) + "\n")
        (licence,) = (name for name in archive.namelist() if name.endswith("licenses/LICENSE"))
        (FOLDER / "LICENSE").write_bytes(archive.read(licence))


if __name__ == "__main__":
    main(sys.argv[1])
