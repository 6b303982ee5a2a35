"""LitServe: `python -m bench.serving.litserve_app PORT`, with two workers on the CPU."""

import sys
from typing import Any

import litserve

from mnist_infer.config import load_settings
from mnist_infer.model import load_model
from mnist_infer.pipeline import run


class DigitApi(litserve.LitAPI):
    """The four steps of a LitServe API."""

    def setup(self, device: str) -> None:  # noqa: ARG002
        """Load the model, in each worker."""
        self.settings = load_settings()
        self.session = load_model(self.settings).session

    def decode_request(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the payload."""
        return request

    def predict(self, payload: dict[str, Any]) -> int:
        """Return the digit."""
        return run(payload, self.session, self.settings).digit

    def encode_response(self, digit: int) -> dict[str, int]:
        """Return the answer."""
        return {"result": digit}


if __name__ == "__main__":
    server = litserve.LitServer(DigitApi(), accelerator="cpu", devices=1, workers_per_device=2)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False)
