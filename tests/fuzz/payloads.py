"""What the fuzzer of payloads starts from; the first character is the kind, see `targets.invocations`."""

import base64
import json

from testbed.pictures import digit_png

_FIELDS = ("image_base64", "image_url", "probabilities", "requestContext", "httpMethod", "headers", "path", "body")
_WORDS = ("isBase64Encoded", "true", "false", "null", "NaN", "Infinity", "1e999", "\\ud800", "\\u0000")
_PARTS = (
    ";base64,",
    "http://",
    "https://",
    "127.0.0.1",
    "[::1]",
    "xn--",
    "%00",
    "@",
    "//",
    "/../",
    "POST",
    "GET",
    "HEAD",
    "====",
)
_MORE = ("GET", "HEAD", "data:image/png", "request_id", "time_limit_in_ms", "content-type", "multipart/form-data")
_JSON = ('{"', '":', '"}', '",', "[[[[", "]]]]", '{"":', "image_base64", "\\n")
DICTIONARY = "".join(
    '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"\n'
    for word in (*_FIELDS, *_WORDS, *_PARTS, *_MORE, *_JSON)
)
"""Words that libFuzzer puts in, in its own format: one a line, in quotes."""


def payload_seeds() -> dict[str, bytes]:
    """Return what the target is sent first, by names."""
    picture = base64.b64encode(digit_png(7)).decode()
    lines = "\r\n".join(picture[i : i + 76] for i in range(0, len(picture), 76))
    payloads: list[object] = [
        *({"image_base64": picture}, {"image_base64": lines, "probabilities": True}, {"image_base64": "####"}),
        *({"image_base64": f"data:image/png;base64,{picture}"}, {"image_base64": None, "image_url": ""}, {}),
        *({"image_base64": 7}, {"image_url": ["u"]}, {"image_base64": "\ud800"}, [], None, 7, -0.5, "text", True),
        *({"image_url": "http://example.com/7.png"}, {"image_url": "http://127.0.0.1/"}, [[[]]], {"": {"": {}}}),
    ]
    bodies = [json.dumps(payload) for payload in payloads]
    bodies += [
        "",
        "{",
        '{"a": NaN}',
        '{"a": 1e999}',
        "[" * 5000,
        '{"a":' * 5000,
        "9" * 5000,
        "\ufeff{}",
        "1" + "0" * 400,
    ]
    urls = [
        *(
            "http://example.com/",
            "https://user:name@example.com:8443/a?b=c#d",
            "http://0x7f.1/",
            "http://[::ffff:7f00:1]/",
        ),
        *(
            "ftp://a/",
            "http://",
            "http://[",
            "http://a:99999/",
            "//a",
            "http://1.1.1.1/",
            "http://a%2eb/",
            "http://e\uff0ecom",
        ),
        *("http://a\r\nb/", "http://\ud800/", "http://xn--a/", "http://a.b./", "HTTP://A/", "http://[fe80::1%25eth0]/"),
    ]
    events: list[object] = [
        *(
            {"requestContext": None, "body": bodies[0]},
            {"httpMethod": "GET", "path": 1},
            {"httpMethod": "GET", "path": "/", "headers": None},
            {"httpMethod": "HEAD", "headers": {"Accept": "text/html"}},
            {"httpMethod": "POST", "path": "/", "headers": {"Content-Type": "image/png"}, "body": bodies[0]},
            {"requestContext": {}, "body": 7},
        ),
        *(
            {"httpMethod": "POST", "headers": {}, "body": bodies[0], "isBase64Encoded": 1},
            {"body": bodies[0]},
            payloads[0],
        ),
        *({"requestContext": {}, "body": picture, "isBase64Encoded": "true"}, [], None, "requestContext", 7),
    ]
    texts = [f"b{body}" for body in bodies] + [f"6{body}" for body in bodies[:6]] + [f"u{url}" for url in urls]
    texts += [f"e{json.dumps(event)}" for event in events] + [
        "4" + base64.b64encode(bodies[0].encode()).decode(),
        "4=A==",
    ]
    limits = (10_000, -1, 0, "10", None, True, 0.5, 10**400, float("nan"), float("inf"), [10_000])
    texts += [f"c{json.dumps({'request_id': '7', 'time_limit_in_ms': limit})}" for limit in limits]
    seeds = {f"{i:03}": text.encode(errors="surrogatepass") for i, text in enumerate(texts)}
    return seeds | {"image": b"i" + digit_png(3), "not-utf-8": b"b\xff\xfe{\0"}
