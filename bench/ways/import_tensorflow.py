"""The function with `import tensorflow`: an honest port of the article to today's TensorFlow.

Every step but the session is this project's own. What the log line tells less, and the
probabilities that are not fetched, are in favour of this way.
"""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mnist_infer import answers, events
from mnist_infer.config import load_settings
from mnist_infer.decode import decode
from mnist_infer.errors import ImageMissing
from mnist_infer.log import RequestLog
from mnist_infer.normalise import to_model_input
from mnist_infer.payload import InlineImage, parse_payload
from mnist_infer.pipeline import Prediction
from mnist_infer.versions import find_version

settings = load_settings()

v1 = tf.compat.v1
session = v1.Session(
    graph=tf.Graph(),
    config=v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1),
)
model = find_version(settings.model_dir, settings.model_version)
v1.saved_model.loader.load(session, [v1.saved_model.tag_constants.SERVING], str(model))
x = session.graph.get_tensor_by_name("x:0")
with session.graph.as_default():
    digit = tf.argmax(session.graph.get_tensor_by_name("y:0"), 1)  # one node, for all requests

_NOT_FETCHED = np.empty(0, np.float32)


def answer_http(event: object, context: object) -> dict[str, object]:
    """Answer an HTTP request."""
    with RequestLog("http_interface", context) as log:
        request = events.parse_event(event)
        events.check_route(request)
        payload = events.parse_body(request, settings.max_body_bytes)
        log.outcome = prediction = run(payload)
        return answers.integrated_success(prediction, context)


def run(payload: object) -> Prediction:
    """Read the digit in a payload's image."""
    source = parse_payload(payload, settings.max_image_bytes).image
    if not isinstance(source, InlineImage):
        raise ImageMissing("this way reads image_base64 only")
    picture = decode(source.content, settings.max_decode_bytes)
    pixels = to_model_input(picture)
    return Prediction(predict(pixels), _NOT_FETCHED, "base64", len(source.content), {}, wants_probabilities=False)


def predict(pixels: NDArray[np.float32]) -> int:
    """Return the digit in float32 [1, 784]."""
    return int(session.run(digit, {x: pixels})[0])
