"""The function's entry point around another session: all that differs between the peers is what runs the network."""

from collections.abc import Callable
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from mnist_infer import answers, events
from mnist_infer.config import load_settings
from mnist_infer.log import RequestLog
from mnist_infer.pipeline import run
from mnist_infer.session import SavedModelSession


class Session(Protocol):
    """What a way brings."""

    def predict(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities float32 [n, 10] for pixels float32 [n, 784]."""


def http_interface(session: Session) -> Callable[[object, object], dict[str, object]]:
    """Return `handler.http_interface` for a POST, with another session in it."""
    settings = load_settings()
    model = cast(SavedModelSession, session)  # of which run() needs predict alone

    def answer_http(event: object, context: object) -> dict[str, object]:
        with RequestLog("http_interface", context) as log:
            request = events.parse_event(event)
            events.check_route(request)
            payload = events.parse_body(request, settings.max_body_bytes)
            log.outcome = prediction = run(payload, model, events.within_time_limit(settings, context))
            return answers.integrated_success(prediction, context)

    return answer_http
