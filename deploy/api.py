"""Requests to Tencent Cloud's API 3.0, through the official library."""

import json
import time
from collections.abc import Mapping
from typing import Any

from tencentcloud.common.common_client import CommonClient
from tencentcloud.common.credential import Credential as SdkCredential
from tencentcloud.common.exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

from deploy.credentials import Credential
from deploy.errors import THROTTLED, ApiError, NetworkError
from deploy.terminal import shown_variable

VERSIONS = {"scf": "2018-04-16", "cls": "2020-10-16", "cam": "2019-01-16"}
MAX_TRIES = 4
MAX_PRINTED = 400
RETRY_PAUSE_S = 1.0
REQUEST_TIMEOUT_S = 30
INVOKE_TIMEOUT_S = 310
"""What a synchronous call may take is 300 s."""


class Api:
    """Sends actions, and returns what `Response` has.

    Attributes:
        dry_run: actions that change something are printed instead of sent, and answered with nothing.
        endpoint: address of a stand-in for every service, `http://host:port`, or None for Tencent Cloud.
    """

    def __init__(self, credential: Credential, region: str, endpoint: str | None = None, dry_run: bool = False) -> None:
        self.dry_run = dry_run
        self.endpoint = endpoint
        self._credential = SdkCredential(*credential)
        self._region = region

    def read(self, action: str, service: str = "scf", **fields: object) -> dict[str, Any]:
        """Send an action that changes nothing, again where the network or the cloud hiccups.

        The library's own retrying is of no use: once there was an error, it raises even if a later try succeeds.

        Raises:
            ApiError: it was refused.
            NetworkError: there was no answer.
        """
        for _ in range(MAX_TRIES - 1):
            try:
                return self._send(action, service, fields)
            except NetworkError:
                pass
            except ApiError as error:
                if not error.code.startswith(("InternalError", *THROTTLED)):
                    raise
            time.sleep(RETRY_PAUSE_S)
        return self._send(action, service, fields)

    def write(self, action: str, **fields: object) -> dict[str, Any]:
        """Send an action of SCF that changes or runs something; not again, as it may have been done without an answer.

        Raises:
            ApiError: it was refused.
            NetworkError: there was no answer, and it may have been done or not.
        """
        if self.dry_run:
            shown = {name: _shown(value) for name, value in fields.items()}
            print(f"scf {action} {json.dumps(shown, ensure_ascii=False)}")
            return {}
        for _ in range(MAX_TRIES - 1):
            try:
                return self._send(action, "scf", fields)
            except ApiError as error:
                if not error.code.startswith(THROTTLED):
                    raise
            time.sleep(RETRY_PAUSE_S)
        return self._send(action, "scf", fields)

    def _send(self, action: str, service: str, fields: dict[str, object]) -> dict[str, Any]:
        timeout_s = INVOKE_TIMEOUT_S if action == "InvokeFunction" else REQUEST_TIMEOUT_S
        try:
            response = self._client(service, timeout_s).call_json(action, fields)["Response"]
        except TencentCloudSDKException as error:
            if error.code in ("ClientNetworkError", "ServerNetworkError"):
                raise NetworkError(f"{action} had no answer: {error.message}") from error
            raise ApiError(f"{service}:{action}", error.code, error.message) from error
        except OSError as error:  # of `requests`, while the library reads an answer that breaks off
            raise NetworkError(f"{action} had half an answer: {type(error).__name__}") from error
        except (ValueError, KeyError, TypeError) as error:  # from something between here and there
            raise NetworkError(f"the answer to {action} is not Tencent Cloud's; is there a proxy?") from error
        assert isinstance(response, dict)
        return response

    def _client(self, service: str, timeout_s: int) -> CommonClient:
        http = HttpProfile(reqTimeout=timeout_s)
        if self.endpoint:
            http = HttpProfile(*self.endpoint.partition("://")[::2], reqTimeout=timeout_s)
        profile = ClientProfile(httpProfile=http, language="en-US")
        return CommonClient(service, VERSIONS[service], self._credential, self._region, profile)


def _shown(value: object) -> object:
    """Return a field as a dry run prints it: an event has a whole picture in it, and variables may be secret."""
    if isinstance(value, Mapping) and "Variables" in value:
        variables = ({**item, "Value": shown_variable(item["Key"], item["Value"])} for item in value["Variables"])
        return {"Variables": list(variables)}
    return f"{value[:MAX_PRINTED]}..." if isinstance(value, str) and len(value) > MAX_PRINTED else value
