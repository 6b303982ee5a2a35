"""Makes the example pictures and events: `python -m examples.make_examples --data DIR`.

The pictures are the first of each digit in MNIST's test set, in the formats and sizes that
people send. Each is named by its digit.
"""

import argparse
import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from export.mnist import load_mnist

HERE = Path(__file__).parent
PUBLIC_PICTURE = (
    "https://raw.githubusercontent.com/makeyourownneuralnetwork/makeyourownneuralnetwork"
    "/master/my_own_images/2828_my_own_3.png"
)


def main() -> None:
    """Write `digits/` and the events."""
    parser = argparse.ArgumentParser(prog="python -m examples.make_examples", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of MNIST's IDX files (default: download them)")
    test = load_mnist(parser.parse_args().data).test
    digits = [test.images[test.labels == digit][0] for digit in range(10)]
    (HERE / "digits").mkdir(exist_ok=True)
    write_pictures([Image.fromarray(pixels) for pixels in digits])
    write_events()


def write_pictures(ink: list[Image.Image]) -> None:
    """Write the ten digits, each 28x28 and bright on black, as ten kinds of file."""

    def on_paper(digit: int, side: int) -> Image.Image:
        return ImageOps.invert(ink[digit].resize((side, side), Image.Resampling.BICUBIC))

    def save(image: Image.Image, name: str, **options: Any) -> None:
        image.save(HERE / "digits" / name, **options)

    save(ink[0], "0-mnist.png")
    save(on_paper(1, 280).convert("RGB"), "1-canvas.png")
    save(on_paper(2, 448).convert("RGB"), "2-photo.jpg", quality=85)
    save(on_paper(3, 56), "3.bmp")
    save(on_paper(4, 140), "4.gif")
    save(on_paper(5, 224).convert("RGB"), "5.webp", quality=80)
    save(on_paper(6, 112), "6-progressive.jpg", progressive=True, quality=85)
    transparent = Image.new("RGBA", (200, 200), (0, 0, 0, 0))
    transparent.putalpha(ink[7].resize((200, 200), Image.Resampling.BICUBIC))
    save(transparent, "7-transparent.png")
    save(Image.fromarray(_sixteen_bits(np.asarray(on_paper(8, 84)))), "8-16bit.png")
    save(on_paper(9, 168).quantize(8), "9-palette.png")


def write_events() -> None:
    """Write the console test events, each with a picture small enough to paste."""
    seven, nine = _base64("7-transparent.png"), _base64("9-palette.png")
    _write("demo_base64", {"image_base64": seven})
    _write("demo_url", {"image_url": PUBLIC_PICTURE})
    _write("apigw_event", _gateway_event({"image_base64": _base64("0-mnist.png")}))
    _write("function_url_event", _function_url_event({"image_base64": nine, "probabilities": True}))


def _gateway_event(payload: dict[str, object]) -> dict[str, object]:
    return {
        "requestContext": {
            "serviceId": "service-f94sy04v",
            "path": "/test/{path}",
            "httpMethod": "POST",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "identity": {"secretId": "abdcdxxxxxxxsdfs"},
            "sourceIp": "10.0.2.14",
            "stage": "release",
        },
        "headers": {
            "accept": "application/json",
            "host": "service-3ei3tii4-251000691.ap-guangzhou.apigateway.myqloud.com",
        },
        "body": json.dumps(payload),
        "pathParameters": {"path": "value"},
        "queryStringParameters": {"foo": "bar"},
        "headerParameters": {"Refer": "10.0.2.14"},
        "stageVariables": {"stage": "release"},
        "path": "/test/value",
        "queryString": {"foo": "bar"},
        "httpMethod": "POST",
    }


def _function_url_event(payload: dict[str, object]) -> dict[str, object]:
    body = json.dumps(payload)
    return {
        "body": body,
        "headers": {
            "accept": "*/*",
            "content-length": str(len(body)),
            "content-type": "application/json",
            "x-scf-remote-addr": "111.206.96.145",
        },
        "httpMethod": "POST",
        "path": "/",
        "queryString": {},
    }


def _sixteen_bits(grey: NDArray[np.uint8]) -> NDArray[np.uint16]:
    return grey.astype(np.uint16) * np.uint16(257)


def _base64(name: str) -> str:
    return base64.b64encode((HERE / "digits" / name).read_bytes()).decode()


def _write(name: str, event: dict[str, object]) -> None:
    (HERE / f"{name}.json").write_text(json.dumps(event, indent=2) + "\n")


if __name__ == "__main__":
    main()
