"""What `up` does: it compares what is wanted with what the cloud has, and lists the steps between them."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from deploy.errors import DeployError
from deploy.function import ALIAS, LATEST, URL_NAME, Function, Trigger, Url, check_balance
from deploy.package import Package
from deploy.settings import Settings
from deploy.storage import Storage
from deploy.terminal import Step, shown_variable
from deploy.traffic import Traffic, move_traffic, read_traffic
from deploy.trial import expect, try_version

DESCRIPTION = "Reads handwritten digits. Deployed by python, module deploy."


class Rollout:
    """What is wanted and what there is, read once; afterwards `version` is what the steps come to know.

    What the cloud says of `$LATEST` is not trusted: people edit it in the console, and a run may have broken off
    between its code and its configuration. Only a published version is what its description says. So where the
    wanted one is missing, both are sent, and published.

    Attributes:
        version: that runs what is wanted, None before it is published.
    """

    def __init__(
        self, function: Function, open_storage: Callable[[], Storage], settings: Settings, package: Package
    ) -> None:
        self._function, self._open_storage, self._settings, self._package = function, open_storage, settings, package
        self._latest = function.wait()
        self._has_failed = self._latest is not None and self._latest["Status"] == "CreateFailed"
        self._traffic = Traffic()
        self._triggers: list[Trigger | Url] = []
        self.version: str | None = None
        if self._latest is not None and not self._has_failed:
            check_balance(self._latest)
            self._check_kind(self._latest)
            self._traffic = read_traffic(function)
            self._triggers = function.triggers()
            self.version = self._find_version()

    def steps(self) -> list[Step]:
        """Return what differs, in the order in which it has to be done.

        Raises:
            DeployError: a URL or another trigger would lead to the new code before it is tried.
        """
        exposed = next((trigger for trigger in self._triggers if trigger.qualifier == LATEST and trigger.is_live), None)
        if exposed and not self.version:
            raise DeployError(
                f"{exposed} leads to $LATEST, and would meet the new code untried. Delete it in the console; there, or"
                " by this command in the case of a URL, another can be made that leads to $DEFAULT."
            )
        steps = [] if self.version else [*self._upload_steps(), *self._version_steps()]
        return [*steps, *self._traffic_steps(), *self._url_steps()]

    def _check_kind(self, found: Mapping[str, Any]) -> None:
        kind, runtime = self._package.creation["Type"], self._package.creation.get("Runtime")
        if (found.get("Type") or "Event") != kind or (runtime and found["Runtime"] != runtime):
            raise DeployError(
                f"{self._function.name} is there, of type {found.get('Type')} and for {found['Runtime']}, which cannot"
                " be changed. Choose another name with --function, or take this one away with `destroy`."
            )

    def _find_version(self) -> str | None:
        for version in self._function.versions():
            if version["Description"] == self._package.description:
                found = self._function.wait(version["Version"])
                if found and found["Status"] == "Active" and not self._differences(found):
                    return str(version["Version"])
        return None

    def _configuration(self) -> dict[str, object]:
        variables = [{"Key": key, "Value": value} for key, value in sorted(self._settings.environment.items())]
        return {
            "MemorySize": self._settings.memory_mb,
            "Timeout": self._settings.timeout_s,
            "InitTimeout": self._settings.init_timeout_s,
            # An empty list would leave the variables as they are; this is how they are taken away.
            "Environment": {"Variables": variables or [{"Key": "", "Value": ""}]},
        }

    def _differences(self, found: Mapping[str, Any]) -> dict[str, object]:
        wanted = self._configuration() | ({"Handler": self._package.handler} if self._package.handler else {})
        return {name: value for name, value in wanted.items() if _comparable(found.get(name)) != _comparable(value)}

    # From the zip to a version

    def _upload_steps(self) -> Iterator[Step]:
        file, key = self._package.file, self._package.key
        if file is None:
            return
        storage = self._open_storage()
        has_bucket = storage.exists()
        if not has_bucket:
            yield Step("bucket", "-", f"{storage.bucket} in {self._settings.region}", storage.create)
        if not has_bucket or not storage.has(key, file):
            yield Step("zip", "-", f"{key}, {file.stat().st_size / 1e6:.1f} MB", lambda: storage.upload(key, file))

    def _version_steps(self) -> Iterator[Step]:
        settings = self._settings
        sizes = f"{settings.memory_mb} MB, {settings.timeout_s} s"
        if self._has_failed:
            yield Step("failed function", "CreateFailed", "deleted", self._function.delete)
        if self._latest is None or self._has_failed:
            kind = self._package.handler or self._package.summary
            yield Step("function", "-", f"{self._function.name}, {kind}, {sizes}", self._create)
        else:
            if self._traffic.main == LATEST and self._triggers:
                yield Step("traffic", LATEST, "a version of what runs now, as $LATEST changes", self._pin)
            differences = self._differences(self._latest)
            differences.pop("Handler", None)  # it goes with the code
            if differences:
                now = {name: self._latest.get(name) for name in differences}
                yield Step("settings", _shown(now), _shown(differences), partial(self._configure, differences))
            yield Step("code", "$LATEST", self._package.summary, self._update_code)
        newest = self._traffic.main if self._traffic.main != LATEST else "-"
        yield Step("version", newest, f"a new one: {self._package.description}", self._publish)

    def _code(self) -> dict[str, object]:
        if self._package.image:
            return {"Code": {"ImageConfig": self._package.image}}
        bucket = self._settings.bucket
        at = {
            "CosBucketName": bucket,
            "CosObjectName": f"/{self._package.key}",
            "CosBucketRegion": self._settings.region,
        }
        return {"Code": at, "CodeSource": "Cos", "Handler": self._package.handler}

    def _create(self) -> None:
        network = {"PublicNetStatus": "ENABLE", "EipConfig": {"EipStatus": "DISABLE"}}
        fields = self._configuration() | self._code() | dict(self._package.creation)
        if not self._settings.environment:
            del fields["Environment"]
        self._function.change("CreateFunction", Description=DESCRIPTION, PublicNetConfig=network, **fields)
        self._function.wait_until_active()

    def _configure(self, differences: Mapping[str, object]) -> None:
        self._function.change("UpdateFunctionConfiguration", **differences)
        self._function.wait_until_active()

    def _update_code(self) -> None:
        self._function.change("UpdateFunctionCode", **self._code())
        self._function.wait_until_active()

    def _publish(self) -> None:
        answer = self._function.change("PublishVersion", Description=self._package.description)
        self.version = answer.get("FunctionVersion", "NEW")  # a dry run has no answer
        self._function.wait_until_active(self.version)

    def _pin(self) -> None:
        answer = self._function.change("PublishVersion", Description="what ran before the first deployment")
        version = answer.get("FunctionVersion", "OLD")
        self._function.wait_until_active(version)
        self._move_to(self._traffic.with_main(version))

    # From a version to its users

    def _traffic_steps(self) -> Iterator[Step]:
        main, canary = self._traffic.main, self._traffic.canary
        has_whole = self.version == main and canary is None
        has_users = bool(self._triggers) if main == LATEST else main != self.version  # whom another version answers
        share = self._settings.canary if has_users else 0
        if has_whole or (share and canary == self.version and self._traffic.percent == share):
            return
        if self.version is None or self.version not in (main, canary):
            expected = expect(self._package.handler, self._settings.environment)
            trial = f"{len(expected)} example events, past the traffic"
            yield Step("trial", "-", trial, partial(self._try, expected))
        after = f"{share} % to the new version" if share else "the new version"
        yield Step("traffic", str(self._traffic), after, lambda: self._move(share))

    def _try(self, expected: Mapping[str, object]) -> None:
        assert self.version is not None
        try_version(self._function, self.version, self._package.handler, expected)

    def _move(self, share: int) -> None:
        assert self.version is not None
        wanted = self._traffic._replace(canary=self.version, percent=share)
        self._move_to(wanted if share else self._traffic.with_main(self.version))

    def _move_to(self, after: Traffic) -> None:
        move_traffic(self._function, self._traffic, after)
        self._traffic = after

    def _url_steps(self) -> Iterator[Step]:
        auth, origins = self._settings.url_auth, self._settings.cors_origins
        after = f"{auth}, {'no other origins' if not origins else ' '.join(origins)}"
        url = next((url for url in self._triggers if isinstance(url, Url) and url.qualifier == ALIAS), None)
        if url is None:
            make = partial(self._function.put_url, "CreateTrigger", URL_NAME, ALIAS, auth, origins)
            yield Step("URL", "-", after, make)
        elif (url.auth, url.cors_origins) != (auth, origins):
            change = partial(self._function.put_url, "UpdateTrigger", url.name, ALIAS, auth, origins)
            yield Step("URL", f"{url.auth}, {' '.join(url.cors_origins) or 'no other origins'}", after, change)


def _comparable(value: Any) -> Any:
    """Return a field as it can be compared: variables in no order, and without the sentinel for none."""
    if isinstance(value, Mapping) or value is None:
        return {item["Key"]: item["Value"] for item in (value or {}).get("Variables") or [] if item["Key"]}
    return value


def _shown(fields: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_shown_value(_comparable(value)) or '-'}" for name, value in fields.items())


def _shown_value(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return " ".join(f"{name}={shown_variable(name, value[name])}" for name in sorted(value))
