"""The function with ONNX Runtime, on the same network as `convert` writes it."""

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from bench.ways.entry import http_interface
from bench.ways.models import ONNX


class OnnxSession:
    """The network in ONNX Runtime's session, on one thread."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(ONNX), options, providers=["CPUExecutionProvider"])

    def predict(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities float32 [n, 10] for pixels float32 [n, 784]."""
        probabilities: NDArray[np.float32] = self._session.run(["y"], {"x": pixels})[0]
        return probabilities


_session = OnnxSession()
answer_http = http_interface(_session)
predict = _session.predict
