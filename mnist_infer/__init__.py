"""Reads handwritten digits in a cloud function, with a TensorFlow SavedModel.

The modules stand in the order of a request's path: `events`, `payload`, `download`, `decode`,
`normalise`, `session`, `answers`; `pipeline.run` is that path from the payload to the prediction.
`decode` begins with the package `image_file`, which leaves of a file only its picture. `session` asks any
model of digits, as `signature` finds in its file, and makes probabilities of what it answers with `scores`.
"""

import os

# Both are read once, by NumPy's and by TensorFlow's C code when they are loaded, so they are set
# before any other module of the package runs. One BLAS thread: its pool costs 70 ms of CPU at
# import, and nothing here is large enough to use it. TensorFlow: errors only, on stderr.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

__version__ = "0.1.0"
