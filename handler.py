"""Entry points of the cloud function: `demo`, `apigw_interface` and `http_interface`."""

from mnist_infer import answers, events
from mnist_infer.config import load_settings
from mnist_infer.errors import MnistInferError
from mnist_infer.log import RequestLog, log_cold_start
from mnist_infer.model import load_model
from mnist_infer.pipeline import run

settings = load_settings()
model = load_model(settings)  # once per container: warm requests find it loaded
log_cold_start(model)


def demo(event: object, context: object) -> int:
    """Answer a console test or an SDK call: the event is the payload, the return value the digit or -1."""
    with RequestLog("demo", context) as log:
        try:
            log.outcome = prediction = run(event, model.session, events.within_time_limit(settings, context))
            return prediction.digit
        except MnistInferError as error:
            log.outcome = error
            return answers.NO_DIGIT


def apigw_interface(event: object, context: object) -> dict[str, object]:
    """Answer an HTTP request, from an API gateway in pass-through mode or from a function URL."""
    with RequestLog("apigw_interface", context) as log:
        try:
            payload = events.parse_body(events.parse_event(event), settings.max_body_bytes)
            log.outcome = prediction = run(payload, model.session, events.within_time_limit(settings, context))
            return answers.success(prediction)
        except Exception as error:  # also a bug: the platform would show its trace to the caller
            log.outcome = error
            return answers.failure(error)


def http_interface(event: object, context: object) -> dict[str, object]:
    """Answer an HTTP request with status and headers, from a function URL or from a gateway in integrated mode."""
    with RequestLog("http_interface", context) as log:
        try:
            request = events.parse_event(event)
            events.check_route(request)
            if request.method in events.PAGE_METHODS:
                log.outcome = "page"
                return answers.integrated_page(request.method, context)
            payload = events.parse_body(request, settings.max_body_bytes)
            log.outcome = prediction = run(payload, model.session, events.within_time_limit(settings, context))
            return answers.integrated_success(prediction, context)
        except Exception as error:  # also a bug: the platform would show its trace to the caller
            log.outcome = error
            return answers.integrated_failure(error, context)
