"""Write a trained network as a SavedModel: `python -m export.export --version N --data DIR`.

The SavedModel goes to `export/<version>/` only after it was loaded back through the function's
own session, gave the answers of the trained network, and read enough of the held-back digits, as MNIST
has them and as people would have sent them.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf

from export.files import FileError, load_log, load_record
from export.gate import ExportError, check_accuracy
from export.mnist import DataError, Digits, load_mnist
from export.network import Layer, count_multiply_adds, inference_graph, trained_layers
from export.reader import predict_digits, read_suite
from export.suite import KINDS
from export.train import TRAINING
from mnist_infer.session import SavedModelSession
from mnist_infer.session_config import session_config
from mnist_infer.signature import PIXELS

HERE = Path(__file__).parent
AGREEMENT = 1e-5
"""Largest difference in a probability between the trained network and the exported one."""


def main() -> int:
    """Export with the settings of the command line."""
    options = _parser().parse_args()
    training, output = options.training / str(options.version), options.output / str(options.version)
    partial = output.with_name(f"{options.version}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        mnist = load_mnist(options.data)
        network, run = read_training(training, f"`make train VERSION={options.version}`")
        write_saved_model(trained_layers(network), partial)
        figures = measure(network, partial, mnist.held_back, mnist.test)
        figures["held_back_suite_accuracy"] = measure_suite(partial, mnist.held_back, options.per_kind)
        check_accuracy(figures)
        figures |= run
        (partial / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")
        shutil.copyfile(training / "log.csv", partial / "training.csv")
        shutil.rmtree(output, ignore_errors=True)
        partial.rename(output)
    except (DataError, ExportError, FileError, OSError, tf.errors.OpError) as error:  # the last: a full disk
        print(f"not exported: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    print(f"{output}: {json.dumps(figures)}")
    return 0


def read_training(folder: Path, remedy: str) -> tuple[tf.keras.Model, dict[str, Any]]:
    """Return a trained network and what it was made with; the log is looked at as well, before hours of measuring.

    Args:
        folder: of the training.
        remedy: the command that makes the network.

    Raises:
        ExportError: there is no network, or it cannot be read.
        FileError: a file beside it is missing or damaged.
    """
    file = folder / "model.keras"
    if not file.is_file():
        raise ExportError(f"{folder} has no model.keras: {remedy} comes first")
    run = load_record(folder / "run.json", f"{remedy} writes it, in another folder or after {folder} is deleted")
    load_log(folder / "log.csv")
    try:
        return tf.keras.models.load_model(file), run
    except Exception as error:  # Keras raises what the zip, the JSON or the HDF5 in it raise
        raise ExportError(f"{file} cannot be read: delete it, and {remedy} makes it again") from error


def write_saved_model(layers: Sequence[Layer], folder: Path) -> None:
    """Write the network with the tensors `x:0` and `y:0` and a `serving_default` signature.

    Args:
        layers: trained, see `trained_layers`.
        folder: must not exist.
    """
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, PIXELS], name="x")
        y = tf.nn.softmax(inference_graph(x, layers), name="y")
        signature = v1.saved_model.predict_signature_def({"x": x}, {"y": y})
        builder = v1.saved_model.Builder(str(folder))
        # Without the defaults that a newer TensorFlow writes, an older one can read the graph.
        builder.add_meta_graph_and_variables(
            session, ["serve"], {"serving_default": signature}, strip_default_attrs=True
        )
        builder.save()
    (folder / "variables").rmdir()  # there are none: what was learnt stands in the graph


def measure(network: tf.keras.Model, folder: Path, held_back: Digits, test: Digits) -> dict[str, float]:
    """Load a SavedModel through the function's session, and return how well it reads.

    Raises:
        ExportError: it does not give the answers of the network that it was made from.
    """
    config = session_config(intra_op_threads=1, inter_op_threads=0, hide_gpus=True)
    session = SavedModelSession(folder, config)

    def accuracy(digits: Digits) -> float:
        return float((predict_digits(session, digits).argmax(1) == digits.labels).mean())

    logits = network.predict(held_back.images[..., None].astype(np.float32) / 255, verbose=0)
    expected = tf.nn.softmax(logits).numpy()
    difference = float(np.abs(predict_digits(session, held_back) - expected).max())
    if not difference <= AGREEMENT:
        raise ExportError(f"a probability differs by {difference:.1e} from the trained network's")
    return {
        "held_back_accuracy": accuracy(held_back),
        "test_accuracy": accuracy(test),
        "largest_difference_to_trained_network": difference,
        "parameters": network.count_params() - sum(int(np.prod(w.shape)) for w in network.non_trainable_weights),
        "multiply_adds": count_multiply_adds(),
    }


def measure_suite(folder: Path, held_back: Digits, per_kind: int) -> float:
    """Return the share of user pictures of held-back digits that a SavedModel reads, each kind counting alike."""
    readings = read_suite(folder, held_back, dict.fromkeys(KINDS, per_kind), os.cpu_count() or 1)
    return float(np.mean([np.mean([reading.is_right for reading in kind]) for kind in readings.values()]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m export.export", description="Write the trained network.")
    parser.add_argument("--data", type=Path, help="folder of MNIST's IDX files (default: download them)")
    parser.add_argument("--version", type=int, required=True, help="the model's version, as it was trained")
    parser.add_argument("--training", type=Path, default=TRAINING, help="folder of what was trained: %(default)s")
    parser.add_argument("--output", type=Path, default=HERE, help="folder of the versions, default: %(default)s")
    parser.add_argument("--per-kind", type=int, default=200, help="user pictures of each kind, default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
