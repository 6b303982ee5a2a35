"""The function with `import tensorflow`: an honest port of the article to today's TensorFlow."""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from bench.ways.entry import http_interface
from mnist_infer.config import load_settings
from mnist_infer.versions import find_version

v1 = tf.compat.v1


class TensorflowSession:
    """The SavedModel in TensorFlow's Python session, on one thread as in the function."""

    def __init__(self) -> None:
        settings = load_settings()
        config = v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        self._session = v1.Session(graph=tf.Graph(), config=config)
        model = find_version(settings.model_dir, settings.model_version)
        v1.saved_model.loader.load(self._session, [v1.saved_model.tag_constants.SERVING], str(model))
        self._x, self._y = (self._session.graph.get_tensor_by_name(name) for name in ("x:0", "y:0"))

    def predict(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities float32 [n, 10] for pixels float32 [n, 784]."""
        probabilities: NDArray[np.float32] = self._session.run(self._y, {self._x: pixels})
        return probabilities


_session = TensorflowSession()
answer_http = http_interface(_session)
predict = _session.predict
