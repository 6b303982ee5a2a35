"""What can go wrong: a sentence, and what cures it."""


class DeployError(Exception):
    """The command ends here; the text says why and what to do."""


class NetworkError(DeployError):
    """A request had no answer: it may have arrived or not.

    Attributes:
        reason: what the library says.
    """

    def __init__(self, reason: str, cure: str = "Run the command again: it goes on where it stopped.") -> None:
        super().__init__(f"The network broke. {cure}\n  ({reason})")
        self.reason = reason


class ApiError(DeployError):
    """The cloud refused a request, or says that something failed.

    Attributes:
        code: Tencent's, as `ResourceNotFound.Function`.
    """

    def __init__(self, request: str, code: str, message: str) -> None:
        cure = next((cure for prefix, cure in _CURES.items() if code.startswith(prefix)), "")
        detail = f"{request}: {code}: {message.strip()}"
        super().__init__(f"{cure.format(request=request)}\n  ({detail})" if cure else detail)
        self.code = code


CONFLICTS = (
    "FailedOperation.UpdateFunctionCode",
    "FailedOperation.UpdateFunctionConfiguration",
    "FailedOperation.PublishVersion",
    "FailedOperation.CreateTrigger",
    "FailedOperation.DeleteFunction",
    "FailedOperation.FunctionStatusError",
    "FailedOperation.FunctionNameStatusError",
    "FailedOperation.FunctionVersionStatusNotActive",
    "FailedOperation.OperationConflict",
    "FailedOperation.ReservedInProgress",
    "UnsupportedOperation.PublishVersion",
)
"""Codes that say: another change is under way. Once it has ended, the same request is taken."""

THROTTLED = ("RequestLimitExceeded",)
"""Codes of requests that were refused unread, because too many came."""

_ROLE = (
    "The service role SCF_QcsRole is missing. Open the console of Serverless Cloud Function once and agree to the"
    " authorization: https://console.cloud.tencent.com/scf"
)
_CLOCK = "This machine's clock is wrong by more than five minutes: set it (timedatectl set-ntp true), and run again."
_KEY = (
    "The key is not known to Tencent Cloud, or its secret is another's: check TENCENTCLOUD_SECRET_ID and _SECRET_KEY."
)
_NO_PERMISSION = "The key has no permission for {request}. docs/deploy.md has the policy that it needs."
_NO_VERSION = "There is no such version: `python -m deploy status` lists them."
_BALANCE = "The account is in arrears: top it up at https://console.cloud.tencent.com/expense, and run again."
_CHANGING = "Another change of the function does not end. Look at it in the console, and run again."

# By the beginning of the code, the longer ones first.
_CURES = {
    "FailedOperation.QcsRoleNotFound": _ROLE,
    "FailedOperation.CallRoleFailed": _ROLE,
    "UnauthorizedOperation.Role": _ROLE,
    "FailedOperation.ClsServiceUnregistered": "The log service is not activated: open"
    " https://console.cloud.tencent.com/cls once, and run again.",
    "FailedOperation.UnOpenedService": "Serverless Cloud Function is not activated: open"
    " https://console.cloud.tencent.com/scf once, and run again.",
    "FailedOperation.DeleteTrigger.UrlUsed": "A custom domain uses the function's URL: delete the domain first.",
    "FailedOperation.ProvisionedInProgress": "A version has provisioned concurrency: delete that in the console first.",
    "ResourceUnavailable.InsufficientBalance": _BALANCE,
    "UnauthorizedOperation": _NO_PERMISSION,
    "AccessDenied": _NO_PERMISSION,
    "AuthFailure.SignatureExpire": _CLOCK,
    "RequestTimeTooSkewed": _CLOCK,
    "AuthFailure.UnauthorizedOperation": _NO_PERMISSION,
    "AuthFailure.TokenFailure": "The session token has expired or is another key's: get new keys, and run again.",
    "AuthFailure": _KEY,
    "InvalidAccessKeyId": _KEY,
    "SignatureDoesNotMatch": _KEY,
    "BucketAlready": "A bucket of that name exists in another region or account: choose another with --bucket.",
    "InvalidParameterValue.CosBucketRegion": "The bucket must be in the function's region: choose another --bucket.",
    "ResourceNotFound.Qualifier": _NO_VERSION,
    "ResourceNotFound.FunctionVersion": _NO_VERSION,
    "ResourceNotFound.Function": "There is no such function: make it with `python -m deploy up`, or name another with"
    " --function.",
    "ResourceInUse.Trigger": "Another trigger of the function has that name: delete it in the console, and run again.",
    "ResourceInUse.Function": "Somebody else has made the function meanwhile: run the command again.",
    "RequestLimitExceeded": "Too many requests of this account: run the command again in a minute.",
    "InternalError": "Tencent Cloud had a fault of its own: run the command again.",
    "LimitExceeded": "A quota of the account is used up: delete what is not needed, or raise it in the console.",
    **dict.fromkeys(CONFLICTS, _CHANGING),
}
