"""What pyproject.toml pins for the tools, for those that install packages elsewhere than into .venv."""

import tomli

from mnist_infer.config import ROOT


def pins(group: str) -> list[str]:
    """Return the requirements of a dependency group, and of those that it includes, as pip takes them.

    Source:
        PEP 735; pip reads the groups by itself, but not as constraints.
    """
    groups = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    found: list[str] = []
    for entry in groups[group]:
        found += [entry] if isinstance(entry, str) else pins(entry["include-group"])
    return found
