"""How a model is asked, read from the file that exporters write; here the file is written by hand."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_infer import scores
from mnist_infer.errors import ModelUnavailable
from mnist_infer.saved_model import operations_of, read_meta_graphs
from mnist_infer.session_config import _field
from mnist_infer.signature import Interface, read_interface
from testbed.pictures import FIXTURES, MODEL_DIR

FLOAT32, FLOAT64, INT32, UINT8, STRING, INT64, FLOAT16 = 1, 2, 3, 4, 7, 9, 19
Shape = tuple[int, ...] | None
PICTURE = {"image": (FLOAT32, (-1, 784))}
SCORES = {"scores": (FLOAT32, (-1, 10))}


def tensor(name: str, dtype: int, shape: Shape) -> bytes:
    sizes = _field(3, 1) if shape is None else b"".join(_field(2, _field(1, size)) for size in shape)
    return _field(1, f"{name}:0".encode()) + _field(2, dtype) + _field(3, sizes)


def entry(key: str, value: bytes) -> bytes:
    return _field(1, key.encode()) + _field(2, value)


def signature(inputs: Mapping[str, tuple[int, Shape]], outputs: Mapping[str, tuple[int, Shape]]) -> bytes:
    return b"".join(
        _field(field, entry(name, tensor(name, *what)))
        for field, side in ((1, inputs), (2, outputs))
        for name, what in side.items()
    )


def graph(*tags: str, **signatures: bytes) -> bytes:
    info = b"".join(_field(4, tag.encode()) for tag in tags)
    return _field(2, _field(1, info) + b"".join(_field(5, entry(*item)) for item in signatures.items()))


def written(folder: Path, *graphs: bytes) -> Path:
    (folder / "saved_model.pb").write_bytes(_field(1, 1) + b"".join(graphs))
    return folder


def asked(folder: Path, **signatures: bytes) -> Interface:
    return read_interface(written(folder, graph("serve", **signatures)))


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64, FLOAT16, UINT8])
@pytest.mark.parametrize(
    ("shape", "picture"),
    [
        ((-1, 784), (784,)),
        ((1, 784), (784,)),
        ((-1, 28, 28), (28, 28)),
        ((-1, 28, 28, 1), (28, 28, 1)),
        ((1, 1, 28, 28), (1, 28, 28)),
        ((-1, 784, 1), (784, 1)),
        ((-1, -1), (784,)),
        ((-1, -1, -1), (28, 28)),
        ((-1, -1, -1, 1), (28, 28, 1)),
        ((-1, 1, -1, -1), (1, 28, 28)),
    ],
)
def test_a_picture_may_have_any_shape_of_784_pixels(
    shape: tuple[int, ...], picture: tuple[int, ...], dtype: int, tmp_path: Path
) -> None:
    expected = Interface(("serve",), "image:0", picture, shape[0] == -1, ("scores:0",))
    assert asked(tmp_path, serving_default=signature({"image": (dtype, shape)}, SCORES)) == expected


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [
        (FLOAT32, (784,)),
        (FLOAT32, (784, 1)),
        (FLOAT32, (32, 784)),
        (FLOAT32, (-1, 28, 28, 3)),
        (FLOAT32, (-1, 32, 32, 1)),
        (FLOAT32, (-1, -1, -1, 3)),
        (FLOAT32, ()),
        (FLOAT32, None),
        (INT32, (-1, 784)),
        (STRING, (-1,)),
    ],
)
def test_other_inputs_are_no_pictures(dtype: int, shape: Shape, tmp_path: Path) -> None:
    found = asked(tmp_path, serving_default=signature({"image": (dtype, shape)}, SCORES))
    assert (found.input, found.outputs) == ("x:0", ("y:0",))
    assert found.others.startswith("serving_default: image ")


def test_serving_default_comes_first_and_then_the_others_by_name(tmp_path: Path) -> None:
    fitting = {name: signature({name: (FLOAT32, (-1, 784))}, SCORES) for name in ("b", "serving_default", "a")}
    assert asked(tmp_path, **fitting).input == "serving_default:0"
    of_texts = signature({"texts": (STRING, (-1,))}, SCORES)
    assert asked(tmp_path, **fitting | {"serving_default": of_texts}).input == "a:0"
    of_two = signature({**PICTURE, "keep_prob": (FLOAT32, ())}, SCORES)
    assert asked(tmp_path, **fitting | {"serving_default": of_two, "a": of_texts}).input == "b:0"


def test_all_outputs_of_ten_floats_are_candidates_in_the_order_of_their_names(tmp_path: Path) -> None:
    outputs = {
        "probabilities": (FLOAT16, (-1, 10)),
        "classes": (INT64, (-1,)),
        "one_hot": (INT64, (-1, 10)),
        "a_guess": (FLOAT64, None),
        "features": (FLOAT32, (-1, 128)),
        "logits": (FLOAT32, (1, -1)),
        "maps": (FLOAT32, (-1, 10, 1)),
    }
    found = asked(tmp_path, predict=signature(PICTURE, outputs))
    assert found.outputs == ("a_guess:0", "logits:0", "probabilities:0")
    assert asked(tmp_path, predict=signature(PICTURE, {"classes": (INT64, (-1,))})).outputs == ("y:0",)


def test_without_a_signature_the_tensors_are_x_and_y() -> None:
    assert read_interface(MODEL_DIR) == Interface(
        ("serve",), "x:0", (784,), True, ("y:0",), read_interface(MODEL_DIR).others
    )
    assert read_interface(FIXTURES / "tensorflow_1").input == "x:0"


def test_signatures_that_do_not_fit_are_told_in_words(tmp_path: Path) -> None:
    odd = signature({"x": (FLOAT32, (-1, 32, 32, 3)), "n": (99, None)}, {"y": (INT64, (-1,))})
    found = asked(tmp_path, serving_default=odd, b=signature({}, {}), __saved_model_init_op=signature({}, {}))
    assert found.others == (
        "serving_default: x float32 [?, 32, 32, 3], n type 99 of any shape -> y int64 [?]; b: nothing -> nothing"
    )


def test_of_several_graphs_the_one_with_the_tag_serve_is_asked(tmp_path: Path) -> None:
    graphs = [graph(*tags, s=signature({"-".join(tags) or "none": (UINT8, (-1, 784))}, SCORES))
              for tags in (("serve", "gpu"), ("serve",), ("train",))]  # fmt: skip
    assert read_interface(written(tmp_path, *graphs)).input == "serve:0"
    assert read_interface(written(tmp_path, graphs[2])).tags == ("train",)
    with pytest.raises(ModelUnavailable, match=r"no graph with the one tag `serve`: serve\+gpu; train"):
        read_interface(written(tmp_path, graphs[0], graphs[2]))
    with pytest.raises(ModelUnavailable, match="no graph with the one tag `serve`: no graph"):
        read_interface(written(tmp_path))


def node(name: str, operation: str, *inputs: str, calls: str = "", lists: str = "") -> bytes:
    parts = _field(1, name.encode()) + _field(2, operation.encode())
    parts += b"".join(_field(3, each.encode()) for each in inputs)
    parts += _field(5, entry("f", _field(10, _field(1, calls.encode())))) if calls else b""
    return parts + (_field(5, entry("branches", _field(1, _field(9, _field(1, lists.encode()))))) if lists else b"")


def body(name: str, *nodes: bytes) -> bytes:
    return _field(2, _field(1, _field(1, _field(1, name.encode())) + b"".join(_field(3, each) for each in nodes)))


def test_the_operations_are_those_that_loading_and_asking_come_to(tmp_path: Path) -> None:
    nodes = [
        node("image", "PlaceholderWithDefault", "queue:0"),
        node("queue", "QueueDequeueV2"),  # what would be fed otherwise
        node("weights", "VariableV2"),
        node("scores", "Caller", "image:0", "weights", "^watched", calls="called"),
        node("watched", "Assert"),
        node("loss", "L2Loss", "scores"),
        node("restore", "NoOp", "^assigned"),
        node("assigned", "Assign", "weights"),
        node("tables", "InitializeTableV2"),
        node("train", "ApplyAdam", "weights", "loss"),
        node("y", "Softmax", "x:0"),
        node("x", "Cast", "before"),
        node("before", "DecodePng"),
    ]
    functions = [
        body("called", node("a", "If", lists="branch"), node("b", "other")),
        body("branch", node("queue", "Relu")),
        body("other", node("a", "MatMul"), node("b", "called")),
        body("gradient", node("a", "ReluGrad")),
    ]
    collections = [
        _field(4, entry(name, _field(1, _field(1, operation))))
        for name, operation in (("legacy_init_op", b"tables"), ("train_op", b"train"))
    ]
    graph_def = b"".join(_field(1, each) for each in nodes) + b"".join(functions)
    meta_graph = _field(2, graph_def) + _field(3, _field(3, b"restore")) + b"".join(collections)
    asked_for = _field(5, entry("s", signature(PICTURE, SCORES)))
    assert operations_of(written(tmp_path, _field(2, meta_graph + asked_for))) == {
        *("PlaceholderWithDefault", "VariableV2", "Caller", "Assert", "If", "Relu", "MatMul"),
        *("NoOp", "Assign", "InitializeTableV2", "Softmax", "Cast"),
    }


def test_a_damaged_file_is_refused_wherever_it_is_cut(tmp_path: Path) -> None:
    content = (written(tmp_path, graph("serve", a=signature(PICTURE, SCORES))) / "saved_model.pb").read_bytes()
    for end in range(3, len(content)):
        (tmp_path / "saved_model.pb").write_bytes(content[:end])
        with pytest.raises(ModelUnavailable, match=r"saved_model.pb is damaged, or no SavedModel"):
            read_meta_graphs(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"\x13no protobuf")
    with pytest.raises(ModelUnavailable, match=r"saved_model.pb is damaged, or no SavedModel"):
        operations_of(tmp_path)


LOGITS = np.array([[-3, 0, 1, 2, 0, 0, 9, -1, 0, 4]], np.float32)
SOFTMAX = np.exp(LOGITS) / np.exp(LOGITS).sum()
SIGMOIDS = 1 / (1 + np.exp(-LOGITS))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(LOGITS, SOFTMAX, id="logits"),
        pytest.param(LOGITS * 1000, np.eye(10, dtype=np.float32)[[6]], id="large logits"),
        pytest.param(np.log(SOFTMAX), SOFTMAX, id="logarithms of probabilities"),
        pytest.param(SOFTMAX, SOFTMAX, id="probabilities"),
        pytest.param(SIGMOIDS, SIGMOIDS / SIGMOIDS.sum(), id="sigmoids"),
        pytest.param(np.zeros((1, 10), np.float32), np.full((1, 10), 0.1), id="sigmoids that are all 0"),
    ],
)
def test_scores_become_probabilities(given: NDArray[np.float32], expected: NDArray[np.float32]) -> None:
    made = scores.choose(given)(given)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, expected, atol=1e-6)
    assert made.sum() == pytest.approx(1, abs=1e-5)
