"""The function with LiteRT, formerly TensorFlow Lite, on the same network as `convert` writes it."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from bench.ways.entry import http_interface
from bench.ways.models import TFLITE


class LitertSession:
    """The network in LiteRT's interpreter, on one thread, a picture at a time."""

    def __init__(self) -> None:
        self._interpreter = Interpreter(str(TFLITE), num_threads=1)
        self._interpreter.allocate_tensors()
        self._x = self._interpreter.get_input_details()[0]["index"]
        self._y = self._interpreter.get_output_details()[0]["index"]

    def predict(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities float32 [1, 10] for pixels float32 [1, 784]."""
        self._interpreter.set_tensor(self._x, pixels)
        self._interpreter.invoke()
        probabilities: NDArray[np.float32] = self._interpreter.get_tensor(self._y)
        return probabilities


_session = LitertSession()
answer_http = http_interface(_session)
predict = _session.predict
