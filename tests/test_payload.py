import pytest

from mnist_infer.errors import (
    Base64Invalid,
    FieldWrongType,
    ImageMissing,
    ImageTooLarge,
    MnistInferError,
    PayloadNotObject,
)
from mnist_infer.payload import InlineImage, RemoteImage, parse_payload

LIMIT = 1000


@pytest.mark.parametrize(
    ("payload", "source"),
    [
        pytest.param({"image_base64": "aGk="}, InlineImage(b"hi"), id="base64"),
        pytest.param({"image_url": "http://x/"}, RemoteImage("http://x/"), id="url"),
        pytest.param({"image_base64": "aGk=", "image_url": "http://x/"}, InlineImage(b"hi"), id="base64 wins"),
        pytest.param({"image_base64": "", "image_url": "u"}, RemoteImage("u"), id="empty base64, then the url"),
        pytest.param({"image_base64": None, "image_url": "u"}, RemoteImage("u"), id="null base64, then the url"),
        pytest.param({"image_base64": "aGk=", "image_url": None, "more": [1]}, InlineImage(b"hi"), id="other fields"),
        pytest.param({"image_base64": " a\tG\nk\r=\v\f"}, InlineImage(b"hi"), id="white space"),
        pytest.param({"image_base64": "data:image/png;base64,aGk="}, InlineImage(b"hi"), id="data URL"),
        pytest.param({"image_base64": " \r\ndata:image/png;base64,aGk="}, InlineImage(b"hi"), id="blanks, a data URL"),
        pytest.param({"image_base64": "data:image/png;charset=utf-8;base64,aGk="}, InlineImage(b"hi"), id="charset"),
        pytest.param({"image_base64": "data:;base64,aGk="}, InlineImage(b"hi"), id="data URL without media type"),
        pytest.param({"image_base64": "data:;name=a.png;x=y;base64,aGk="}, InlineImage(b"hi"), id="parameters"),
        pytest.param({"image_base64": "data:" + ";a=b" * 8 + ";base64,aGk="}, InlineImage(b"hi"), id="8 parameters"),
        *(
            pytest.param({"image_base64": f"data:{label};base64,aGk="}, InlineImage(b"hi"), id=f"data URL of {label}")
            for label in ("application/octet-stream", "application/x-png", "text/plain", "image/*", "image", "a/b;c")
        ),
        pytest.param({"image_base64": "data:image/png; base64 ,aGk="}, InlineImage(b"hi"), id="blanks at its word"),
        pytest.param({"image_base64": "data:;base64,aGk%3D"}, InlineImage(b"hi"), id="escaped padding"),
        pytest.param({"image_base64": "%2b%2B%2f%2F"}, InlineImage(b"\xfb\xef\xff"), id="escapes in either case"),
        pytest.param({"image_base64": "aG%0D%0Ak%3d%20"}, InlineImage(b"hi"), id="escaped white space"),
        pytest.param({"image_base64": "data%3Aimage%2Fpng%3Bbase64%2CaGk%3D"}, InlineImage(b"hi"), id="escaped whole"),
        pytest.param({"image_base64": "aGk"}, InlineImage(b"hi"), id="no padding"),
        pytest.param({"image_base64": "a\nQ"}, InlineImage(b"i"), id="no padding of two"),
        pytest.param({"image_base64": "-_-_"}, InlineImage(b"\xfb\xff\xbf"), id="URL alphabet"),
        pytest.param({"image_base64": "aG-_Lw"}, InlineImage(b"ho\xbf/"), id="URL alphabet without padding"),
        pytest.param({"image_base64": "DATA:image/SVG+xml;Base64,aGk="}, InlineImage(b"hi"), id="data URL's case"),
    ],
)
def test_a_payload_says_where_its_image_is(payload: object, source: object) -> None:
    assert parse_payload(payload, LIMIT).image == source


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        pytest.param(None, PayloadNotObject, id="null"),
        pytest.param([{"image_url": "u"}], PayloadNotObject, id="list"),
        pytest.param(7, PayloadNotObject, id="number"),
        pytest.param("image_url", PayloadNotObject, id="string"),
        pytest.param({}, ImageMissing, id="no field"),
        pytest.param({"image_base64": "", "image_url": ""}, ImageMissing, id="both empty"),
        pytest.param({"image_base64": None, "image_url": None}, ImageMissing, id="both null"),
        pytest.param({"image_base64": 7}, FieldWrongType, id="base64 is a number"),
        pytest.param({"image_base64": False}, FieldWrongType, id="base64 is false"),
        pytest.param({"image_url": ["u"]}, FieldWrongType, id="url is a list"),
        pytest.param({"image_base64": "aGk=", "image_url": {}}, FieldWrongType, id="url is an object"),
        pytest.param({"image_base64": "aGkaG"}, Base64Invalid, id="a length that no bytes have"),
        pytest.param({"image_base64": "aGkaaGka="}, Base64Invalid, id="padding where none is due"),
        pytest.param({"image_base64": "aA="}, Base64Invalid, id="too little padding"),
        pytest.param({"image_base64": "aGk=="}, Base64Invalid, id="too much padding"),
        pytest.param({"image_base64": "a=Gk"}, Base64Invalid, id="padding inside"),
        pytest.param({"image_base64": "aG-/"}, Base64Invalid, id="both alphabets"),
        pytest.param({"image_base64": "!!!!aGk="}, Base64Invalid, id="four bad characters before good ones"),
        pytest.param({"image_base64": "aGk=aGk="}, Base64Invalid, id="more behind the padding"),
        pytest.param({"image_base64": "aGk=\0"}, Base64Invalid, id="NUL"),
        pytest.param({"image_base64": "aGk=\u00a0"}, Base64Invalid, id="white space that is not ASCII"),
        pytest.param({"image_base64": "图片"}, Base64Invalid, id="Chinese"),
        pytest.param({"image_base64": "\ud800"}, Base64Invalid, id="half a surrogate pair"),
        pytest.param({"image_base64": " \n"}, Base64Invalid, id="white space only"),
        pytest.param({"image_base64": "data:image/png;base64,"}, Base64Invalid, id="empty data URL"),
        pytest.param({"image_base64": "data:" + ";a=b" * 300 + ";base64,aGk="}, Base64Invalid, id="300 parameters"),
        pytest.param({"image_base64": "data:base64,aGk="}, Base64Invalid, id="data URL without its semicolon"),
        pytest.param({"image_base64": "aGk%"}, Base64Invalid, id="half an escape"),
        pytest.param({"image_base64": "aGk%253D"}, Base64Invalid, id="an escape of an escape"),
        pytest.param({"image_base64": "aGk%00"}, Base64Invalid, id="an escaped NUL"),
        pytest.param({"image_base64": "x data:image/png;base64,aGk="}, Base64Invalid, id="text before a data URL"),
        pytest.param({"image_base64": "data:image/png,aGk="}, Base64Invalid, id="data URL without base64"),
        pytest.param({"image_base64": "A" * 1336}, ImageTooLarge, id="one byte too many"),
        pytest.param({"image_base64": "A" * 10**6}, ImageTooLarge, id="far too many"),
    ],
)
def test_a_payload_that_cannot_be_understood_is_refused(payload: object, error: type[MnistInferError]) -> None:
    with pytest.raises(error):
        parse_payload(payload, LIMIT)


def test_an_image_as_large_as_the_limit_is_taken_with_line_breaks() -> None:
    text = "A" * 1332
    lines = "\r\n".join(text[i : i + 76] for i in range(0, len(text), 76))
    assert parse_payload({"image_base64": lines}, LIMIT - 1).image == InlineImage(bytes(999))


@pytest.mark.parametrize(
    ("fields", "wanted"), [({"probabilities": True}, True), ({"probabilities": 1}, False), ({}, False)]
)
def test_only_true_asks_for_probabilities(fields: dict[str, object], wanted: bool) -> None:
    assert parse_payload({"image_url": "u"} | fields, LIMIT).wants_probabilities is wanted
