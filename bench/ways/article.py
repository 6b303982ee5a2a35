"""The way of the article «使用 Serverless 进行 AI 预测推理», 2018, carried over to today's Python.

Kept as it is, because what it costs is the point: `tf.argmax` is called per request, so the graph
grows and the session plans it anew each time; the graph runs twice per request; pixels are handled
one by one. Left out are its files in `/tmp`, which would make the benchmark one of the disk.
"""

import base64
import io
import json
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from PIL import Image

from export.article import to_pixels
from mnist_infer.config import Settings
from mnist_infer.versions import find_version

v1 = tf.compat.v1
v1.disable_eager_execution()
session = v1.Session(graph=tf.Graph())
v1.saved_model.loader.load(
    session, [v1.saved_model.tag_constants.SERVING], str(find_version(Settings().model_dir, None))
)
x = session.graph.get_tensor_by_name("x:0")
y = session.graph.get_tensor_by_name("y:0")


def answer_http(event: dict[str, Any], context: object) -> dict[str, object]:  # noqa: ARG001
    """Answer an HTTP request."""
    if "requestContext" not in event:
        return {"errMsg": "request not from api gw"}
    payload = json.loads(event["body"])
    return {"result": run(base64.b64decode(payload["image_base64"]))}


def run(content: bytes) -> int:
    """Read the digit in an image file."""
    return predict([to_pixels(Image.open(io.BytesIO(content)))])


def predict(pixels: Sequence[Sequence[float]]) -> int:
    """Return the digit in [1, 784]."""
    probabilities = session.run(y, feed_dict={x: pixels})
    print(probabilities)
    result = session.run(tf.argmax(y, 1), feed_dict={x: pixels})
    return int(result[0])
