"""Everything that can go wrong, by whose fault it is.

    MnistInferError
    ├── RequestError            400  what was sent
    │   ├── NotHttpEvent
    │   ├── PathUnknown         404
    │   ├── MethodNotAllowed    405
    │   ├── MediaTypeUnsupported 415
    │   ├── BodyMissing
    │   ├── BodyNotText
    │   ├── BodyNotJson
    │   ├── BodyTooDeep
    │   ├── BodyTooLarge        413
    │   ├── PayloadNotObject
    │   ├── FieldWrongType
    │   ├── ImageMissing
    │   ├── Base64Invalid
    │   ├── UrlInvalid
    │   └── UrlForbidden
    ├── ImageError              422  the picture
    │   ├── ImageTooLarge       413
    │   ├── ImageFormatUnknown
    │   ├── ImageDamaged
    │   └── NoDigitFound
    ├── FetchError              502  the host of an image URL
    │   ├── HostNotFound
    │   ├── HostUnreachable
    │   ├── FetchTimeout
    │   └── FetchStatus
    └── ServiceError            500  ourselves
        ├── SettingInvalid
        ├── ModelUnavailable
        ├── DeviceUnavailable
        └── InferenceFailed

A message is shown to whoever sent the request: it names no path, repeats nothing of the
payload, and carries no text of a foreign exception. A `ServiceError` that stops a cold start may
name a path: only the owner of the function sees it.
"""


class MnistInferError(Exception):
    """The base of every error that this package raises.

    Attributes:
        code: a stable name for programs, `errCode` in an answer.
        status: the HTTP status that fits.
    """

    code = "internal_error"
    status = 500


class RequestError(MnistInferError):
    """The request cannot be understood or is not allowed."""

    code = "bad_request"
    status = 400


class NotHttpEvent(RequestError):
    """The event of an HTTP entry point does not come from an API gateway or a function URL."""

    code = "not_http_event"


class PathUnknown(RequestError):
    """There is nothing at the URL's path."""

    code = "path_unknown"
    status = 404


class MethodNotAllowed(RequestError):
    """The HTTP method is not GET, HEAD or POST."""

    code = "method_not_allowed"
    status = 405


class MediaTypeUnsupported(RequestError):
    """The request declares its body to be something other than JSON, or its body is compressed."""

    code = "media_type_unsupported"
    status = 415


class BodyMissing(RequestError):
    """The HTTP event has no body, or an empty one."""

    code = "body_missing"


class BodyNotText(RequestError):
    """The body is not a string, or not the base64 or UTF-8 that it should be."""

    code = "body_not_text"


class BodyNotJson(RequestError):
    """The body is not JSON."""

    code = "body_not_json"


class BodyTooDeep(RequestError):
    """The JSON is nested too deeply to be read."""

    code = "body_too_deep"


class BodyTooLarge(RequestError):
    """The body has too many bytes."""

    code = "body_too_large"
    status = 413


class PayloadNotObject(RequestError):
    """The payload is JSON, but not an object."""

    code = "payload_not_object"


class FieldWrongType(RequestError):
    """A field of the payload has the wrong type."""

    code = "field_wrong_type"


class ImageMissing(RequestError):
    """The payload names no image."""

    code = "image_missing"


class Base64Invalid(RequestError):
    """`image_base64` is not base64."""

    code = "base64_invalid"


class UrlInvalid(RequestError):
    """`image_url` is not an http or https URL."""

    code = "url_invalid"


class UrlForbidden(RequestError):
    """`image_url` leads where the function must not go."""

    code = "url_forbidden"


class ImageError(MnistInferError):
    """The image cannot be read."""

    code = "bad_image"
    status = 422


class ImageTooLarge(ImageError):
    """The image has too many bytes or pixels."""

    code = "image_too_large"
    status = 413


class ImageFormatUnknown(ImageError):
    """The bytes are not an image in a format that is read."""

    code = "image_format_unknown"


class ImageDamaged(ImageError):
    """The image is truncated or broken."""

    code = "image_damaged"


class NoDigitFound(ImageError):
    """Nothing in the picture stands out from its background."""

    code = "no_digit_found"


class FetchError(MnistInferError):
    """The image could not be fetched."""

    code = "fetch_failed"
    status = 502


class HostNotFound(FetchError):
    """The host's name does not resolve."""

    code = "host_not_found"


class HostUnreachable(FetchError):
    """The host does not accept a connection, or breaks it off."""

    code = "host_unreachable"


class FetchTimeout(FetchError):
    """The host is too slow."""

    code = "fetch_timeout"


class FetchStatus(FetchError):
    """The host answers with a status other than 200."""

    code = "fetch_status"


class ServiceError(MnistInferError):
    """The function itself is at fault."""

    code = "service_error"


class SettingInvalid(ServiceError):
    """A `MNIST_*` environment variable has a value that cannot be used."""

    code = "setting_invalid"


class ModelUnavailable(ServiceError):
    """The model or the TensorFlow library cannot be loaded."""

    code = "model_unavailable"


class DeviceUnavailable(ServiceError):
    """The device that was asked for does not exist."""

    code = "device_unavailable"


class InferenceFailed(ServiceError):
    """TensorFlow could not run the model."""

    code = "inference_failed"
