"""Where the network is in the peers' formats, in a checkout and in a package that is made of it."""

from mnist_infer.config import ROOT

_FOLDER = ROOT / ".cache" / "bench" / "models"
TFLITE = _FOLDER / "tflite" / "model.tflite"
ONNX = _FOLDER / "onnx" / "model.onnx"
