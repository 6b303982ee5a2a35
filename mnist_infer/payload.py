"""From a payload, parsed JSON of any kind, to where its image is."""

import base64
import re
from collections.abc import Mapping
from typing import NamedTuple

from mnist_infer.errors import Base64Invalid, FieldWrongType, ImageMissing, ImageTooLarge, PayloadNotObject

# As a browser's canvas and FileReader write it, and whoever does not know the picture's type. Which type stands there
# does not matter: the picture's own bytes say what it is.
_DATA_URL = re.compile(r"[ \t\n\r\v\f]*data:[^,]{0,1000}; *base64 *,", re.IGNORECASE)
_ESCAPES = {f"%{ord(character):02X}": character for character in "+/=:;,\r\n "}
_STANDARD_ALPHABET = str.maketrans("-_", "+/")
_NO_WHITE_SPACE = dict.fromkeys(map(ord, " \t\n\r\v\f"))


class InlineImage(NamedTuple):
    """An image file that came with the request."""

    content: bytes


class RemoteImage(NamedTuple):
    """An image file to be fetched. Nothing of the URL has been checked."""

    url: str


ImageSource = InlineImage | RemoteImage


class ImageRequest(NamedTuple):
    """What a payload asks for.

    Attributes:
        image: where it is.
        wants_probabilities: whether the answer should contain the ten probabilities; only a JSON `true` asks for them.
    """

    image: ImageSource
    wants_probabilities: bool


def parse_payload(payload: object, max_image_bytes: int) -> ImageRequest:
    """Return what a payload asks for; a non-empty `image_base64` takes precedence over `image_url`.

    Args:
        payload: parsed JSON; anything but an object with one of the two fields is refused.
        max_image_bytes: limit for the decoded image file.

    Raises:
        RequestError: the payload is not an object, a field is not a string, both are empty, or
            `image_base64` is not base64.
        ImageTooLarge: the image has more bytes than the limit.
    """
    if not isinstance(payload, Mapping):
        raise PayloadNotObject("the payload must be a JSON object")
    encoded, url = _text(payload, "image_base64"), _text(payload, "image_url")
    if not encoded and not url:
        raise ImageMissing("the payload must have a non-empty image_base64 or image_url")
    image = InlineImage(_decode_image(encoded, max_image_bytes)) if encoded else RemoteImage(url)
    return ImageRequest(image, payload.get("probabilities") is True)


def decode_base64(text: str) -> bytes:
    """Return what base64 text holds.

    Raises:
        ValueError: a character outside of the alphabet, or too little or too much padding.
    """
    if len(text) % 4:  # Python 3.10 would let too much padding pass
        raise ValueError("the length of base64 is a multiple of four")
    return base64.b64decode(text, validate=True)


def _text(payload: Mapping[str, object], field: str) -> str:
    value = payload.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise FieldWrongType(f"{field} must be a string")
    return value


def _to_standard_base64(text: str) -> str:
    """Return base64 in the standard alphabet and padded, from either alphabet of RFC 4648, padded or not.

    Raises:
        ValueError: the text has characters of both alphabets.
    """
    if "-" in text or "_" in text:
        if "+" in text or "/" in text:
            raise ValueError("base64 has one of two alphabets")
        text = text.translate(_STANDARD_ALPHABET)
    is_unpadded = len(text) % 4 in (2, 3) and not text.endswith("=")
    return text + "=" * (-len(text) % 4) if is_unpadded else text


def _unescape(text: str) -> str:
    """Undo the escapes of a URL in base64 or a data URL. `unquote` would take a hundred bytes for each of them."""
    for escape, character in _ESCAPES.items():
        text = text.replace(escape, character).replace(escape.lower(), character)
    return text


def _decode_image(text: str, max_image_bytes: int) -> bytes:
    # Four characters hold three bytes; line breaks add less than a third to that.
    if len(text) > 2 * max_image_bytes:
        raise ImageTooLarge(f"the image has more than {max_image_bytes} bytes")
    if "%" in text:
        text = _unescape(text)
    if prefix := _DATA_URL.match(text):
        text = text[prefix.end() :]
    try:
        content = decode_base64(_to_standard_base64(text.translate(_NO_WHITE_SPACE)))
    except ValueError as error:
        raise Base64Invalid("image_base64 is not valid base64") from error
    if not content:
        raise Base64Invalid("image_base64 holds no data")
    if len(content) > max_image_bytes:
        raise ImageTooLarge(f"the image has more than {max_image_bytes} bytes")
    return content
