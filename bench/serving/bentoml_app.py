"""BentoML: a service with two workers, each a process."""

import bentoml

from mnist_infer.config import load_settings
from mnist_infer.model import load_model
from mnist_infer.pipeline import run


@bentoml.service(workers=2)
class Digits:
    """The service."""

    def __init__(self) -> None:
        self.settings = load_settings()
        self.session = load_model(self.settings).session

    @bentoml.api
    def predict(self, image_base64: str) -> dict[str, int]:
        """Answer a request."""
        return {"result": run({"image_base64": image_base64}, self.session, self.settings).digit}
