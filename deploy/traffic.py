"""Which versions the alias `$DEFAULT` points at: the function's traffic, and how it got there."""

import re
from typing import NamedTuple

from deploy.errors import DeployError
from deploy.function import ALIAS, LATEST, Function

MAX_HISTORY = 20


class Traffic(NamedTuple):
    """Where requests go.

    Attributes:
        main: the version that gets them, `$LATEST` before there is one.
        canary: another version that gets a share of them, or None.
        percent: that share.
        history: the versions that have been `main`, the present one last. It is the alias's description.
    """

    main: str = LATEST
    canary: str | None = None
    percent: float = 0
    history: tuple[str, ...] = ()

    def with_main(self, version: str) -> "Traffic":
        """Return the traffic all on a version: a new one, or one that it had before and is taken back to."""
        if version in self.history:
            kept = self.history[: self.history.index(version)]
            return Traffic(version, history=(*kept, version))
        return Traffic(version, history=(*self.history, version)[-MAX_HISTORY:])

    def __str__(self) -> str:
        if self.canary is None:
            return f"version {self.main}" if self.main != LATEST else "-"
        return f"version {self.main}, and {self.percent:g} % to version {self.canary}"


def read_traffic(function: Function) -> Traffic:
    """Return the function's traffic."""
    alias = function.api.read("GetAlias", FunctionName=function.name, Name=ALIAS)
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or []
    canary, weight = (weights[0]["Version"], weights[0]["Weight"]) if weights else (None, 0)
    main = alias["FunctionVersion"]
    told = re.fullmatch(r"history((?: \d+)*)", alias.get("Description") or "")
    history = tuple(told[1].split()) if told else ()
    if main != LATEST and history[-1:] != (main,):  # somebody moved it by other means
        history = (*history, main)
    return Traffic(main, canary, round(weight * 100, 6), history)


def move_traffic(function: Function, now: Traffic, after: Traffic) -> None:
    """Move the traffic, if it still is as it was when that was decided.

    Raises:
        DeployError: somebody else has moved it meanwhile.
    """
    if not function.api.dry_run and (found := read_traffic(function)) != now:
        raise DeployError(f"The traffic was not moved: meanwhile it has changed, to {found}. Run the command again.")
    # The list of weights is sent even if it is empty, to end a canary's share for certain.
    weights = [{"Version": after.canary, "Weight": round(after.percent / 100, 6)}] if after.canary else []
    function.change(
        "UpdateAlias",
        Name=ALIAS,
        FunctionVersion=after.main,
        RoutingConfig={"AdditionalVersionWeights": weights},
        Description=" ".join(("history", *after.history)),
    )
