"""The ways that are compared, a module each, with the same two functions.

`answer_http(event, context)` is the entry point, as the platform calls it; `predict(pixels)`
is the session alone, on float32 [1, 784].
"""

TITLES = {
    "ours": "this function",
    "import_tensorflow": "import tensorflow",
    "article": "the article's way",
    "litert": "LiteRT",
    "onnx_runtime": "ONNX Runtime",
}
"""By the name of the module, in the order of the tables."""
