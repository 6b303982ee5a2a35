"""The evaluation's figures, and what the card makes of them."""

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export import evaluate, foreign
from export import figures as measuring
from export import reader as reader_module
from export.card import card_text
from export.charts import draw_suite
from export.figures import calibration, confusion, measure_kind, measure_normaliser, measure_not_digits, wilson, worst
from export.mnist import Digits, Mnist
from export.reader import Reader, Reading
from export.suite import HANDS, KINDS, make_pictures
from mnist_infer.config import Settings
from mnist_infer.pipeline import run
from testbed.pictures import MODEL_DIR, mnist_digits

pytestmark = pytest.mark.train

DIGITS = Digits(*mnist_digits())


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(MODEL_DIR)


def reading(label: int, read: int | None, sure: float = 0.9, by_article: int = 0) -> Reading:
    if read is None:
        return Reading(0, label, None, "image_damaged", by_article)
    probabilities = [(1 - sure) / 9] * 10
    probabilities[read] = sure
    return Reading(0, label, probabilities, None, by_article)


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (9970, 10_000, 0.99572, 0.99790)],
)
def test_wilson_gives_the_intervals_of_the_books(right: int, n: int, low: float, high: float) -> None:
    assert wilson(right, n) == pytest.approx((low, high), abs=5e-5)


def test_a_picture_is_read_as_the_function_reads_it(reader: Reader) -> None:
    (picture,) = make_pictures("canvas", DIGITS, 1)
    answer = run({"image_base64": base64.b64encode(picture.content).decode()}, reader.session, Settings())
    assert reader.read(3, picture).probabilities == answer.probabilities.tolist()


def test_a_refused_picture_is_wrong_and_counted_apart(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    from mnist_infer.errors import ImageDamaged

    def refuse(*_: object) -> object:
        raise ImageDamaged("refused")

    monkeypatch.setattr(reader_module, "run", refuse)
    (picture,) = make_pictures("mnist", DIGITS, 1)
    refused = reader.read(0, picture)
    assert (refused.digit, refused.refusal, refused.is_right) == (None, "image_damaged", False)
    figures = measure_kind("mnist", KINDS["mnist"], [refused, reading(1, 1)])
    assert figures["calibration_error"] == pytest.approx(0.1)
    assert (figures["n"], figures["refused"], figures["accuracy"]) == (2, 1, 0.5)


@pytest.mark.parametrize(
    ("name", "easy"), [("canvas", True), ("photo_pencil", True), ("bold", False)], ids=["canvas", "photo", "other"]
)
def test_only_a_canvas_or_photo_can_be_too_easy(name: str, easy: bool) -> None:
    assert measure_kind(name, KINDS[name], [reading(1, 1, by_article=1)])["too_easy"] is easy
    assert measure_kind(name, KINDS[name], [reading(1, 1, by_article=2)])["too_easy"] is False


def test_every_answer_is_in_its_cell_of_the_confusion_matrix() -> None:
    counts = confusion([reading(3, 5), reading(3, 5), reading(3, 3), reading(3, None)])
    assert (counts[3, 5], counts[3, 3], counts.sum()) == (2, 1, 3)


def test_the_surest_mistakes_come_first_and_nothing_else_comes() -> None:
    rows = worst([reading(1, 1, 0.99), reading(1, 7, 0.6), reading(4, 9, 0.95), reading(2, None)], 9)
    assert [(row["label"], row["read"]) for row in rows] == [(4, 9), (1, 7)]
    assert rows[0]["probability_read"] == 0.95
    assert rows[0]["probability_label"] == pytest.approx(0.05 / 9)


def test_calibration_is_zero_where_what_is_stated_is_true() -> None:
    readings = [reading(1, 1, 0.75)] * 3 + [reading(1, 2, 0.75)]
    assert calibration(readings)["error"] == pytest.approx(0)
    too_sure = calibration([reading(1, 1, 1.0), reading(1, 2, 1.0)])
    assert too_sure["error"] == pytest.approx(0.5)
    assert [row["n"] for row in too_sure["bins"]] == [2]


def test_the_article_is_read_on_the_same_network(reader: Reader) -> None:
    pictures = make_pictures("mnist", DIGITS, 20)
    assert sum(reader.read(0, picture).article == picture.label for picture in pictures) >= 19


def test_the_normaliser_is_measured_in_both_polarities(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    digits = Digits(DIGITS.images[:10], DIGITS.labels[:10])
    monkeypatch.setattr(measuring, "to_model_input", lambda sent: (sent[None].astype(np.float32) / 255).reshape(1, 784))
    figures = measure_normaliser(reader, digits, [reading(1, 1)])
    assert figures["change_light_on_dark"] == pytest.approx(0, abs=1e-4)
    assert figures["change_dark_on_light"] > 100


def test_foreign_pictures_are_dark_on_white(reader: Reader) -> None:
    pytest.importorskip("sklearn")
    pictures = foreign.foreign_pictures(foreign.FOREIGN[0][1])
    assert len(pictures) == 1797
    assert reader.read(0, pictures[0]).label == 0


def test_digits_that_the_suite_misses_are_shown_as_missed() -> None:
    text = card_text(_figures(), has_log=False)
    (canvas,) = (line for line in text.splitlines() if line.startswith("| drawing canvas |"))
    assert "**missed**" in canvas
    (palette,) = (line for line in text.splitlines() if line.startswith("| palette"))
    assert "reached" in palette
    assert "**Missed: drawing canvas.**" in text
    assert "Too easy, the article's way reads over 60 %: photo of paper, pencil." in text
    assert "training.png" not in text


def test_every_kind_has_its_row_and_its_bar() -> None:
    figures = _figures()
    lines = card_text(figures, has_log=True).splitlines()
    assert all(any(line.startswith(f"| {kind.title} |") for line in lines) for kind in KINDS.values())
    (axes,) = draw_suite(figures["kinds"]).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [kind.title for kind in KINDS.values()]


def _figures() -> dict[str, Any]:
    kinds = []
    for name, kind in KINDS.items():
        right = [reading(1, 1, by_article=1 if name == "photo_pencil" else 0)] * 10
        kinds.append(measure_kind(name, kind, right + [reading(1, 2)] * (name == "canvas")))
    foreign = {"title": "as they are", "n": 2, "accuracy": 0.5, "low": 0.1, "high": 0.9, "refused": 0, "article": 0.5}
    return {
        "model": {"version": "7", "bytes": 1_000_000, "seed": 1},
        "digits": {"set": "test", "count": 10},
        "kinds": kinds,
        "hands": [measure_kind(name, kind, [reading(kind.label or 0, 7)] * 4) for name, kind in HANDS.items()],
        "not_digits": [measure_not_digits("scribbles", [reading(-1, 2, 0.95), reading(-1, None)])],
        "digits_as_sure": measure_not_digits("digits, all kinds", [reading(1, 1, 0.995)]),
        "normaliser_on_mnist": dict.fromkeys(
            ("change_light_on_dark", "change_dark_on_light", "accuracy_with", "accuracy_without"), 0.5
        ),
        "confusion": np.eye(10, dtype=int).tolist(),
        "worst": [],
        "calibration": calibration([reading(1, 1)]),
        "foreign": [foreign | {"misread": [{"label": 8, "read": None, "n": 1}], "worst": []}],
    }


def test_pictures_are_read_in_processes_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "CHUNK", 2)
    digits = Digits(DIGITS.images[:5], DIGITS.labels[:5])
    readings = reader_module.read_suite(MODEL_DIR, digits, {"mnist": 5, "one_pixel": 3}, processes=2)
    assert [row.index for row in readings["mnist"]] == list(range(5))
    assert [row.index for row in readings["one_pixel"]] == list(range(3))
    assert [row.label for row in readings["mnist"]] == [p.label for p in make_pictures("mnist", digits, 5)]


def test_the_committed_card_is_what_the_committed_figures_are_rendered_to(tmp_path: Path) -> None:
    figures = MODEL_DIR.parent / "card" / "figures.json"
    assert json.loads(figures.read_text())["model"]["version"] == MODEL_DIR.name
    (tmp_path / "card").mkdir()
    shutil.copy(figures, tmp_path / "card")
    assert evaluate.main(["--render", "--output", str(tmp_path)]) == 0
    assert (tmp_path / "README.md").read_bytes() == (MODEL_DIR.parent / "README.md").read_bytes()


def test_a_card_tells_of_no_training_that_is_not_recorded() -> None:
    figures = _figures()
    assert "how it was trained is not recorded" in card_text(figures, has_log=False)
    for record, drawn in (({"epochs": 1}, False), ({"epochs": 1, "hands": 3}, True)):
        text = card_text(figures | {"model": figures["model"] | record}, has_log=False)
        assert "but for the last 5000" in text
        assert ("and digits of other hands that a program draws" in text) is drawn


def test_the_card_says_how_sure_the_answers_to_no_digit_are() -> None:
    text = card_text(_figures(), has_log=False)
    assert "| scribbles | 2 | 50.0% | 50.0% | 50.0% | 0.0% |" in text
    assert "| digits, all kinds | 1 | 0.0% | 100.0% | 100.0% | 100.0% |" in text


def test_the_card_has_every_shape_of_other_hands_with_its_share() -> None:
    lines = card_text(_figures(), has_log=False).splitlines()
    for kind in HANDS.values():
        share = "100.00%" if kind.label == 7 else "0.00%"
        assert any(line.startswith(f"| {kind.title} | 4 | {share} |") for line in lines)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        pytest.param("figures.json", "", "figures.json cannot be read: export the version again", id="an empty record"),
        pytest.param("training.csv", "epoch,loss\n0,1\n1,", "training.csv is no whole log", id="a log that is cut off"),
    ],
)
def test_a_damaged_file_beside_the_model_is_named_before_anything_is_measured(
    name: str,
    content: str,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(evaluate, "load_mnist", lambda _: Mnist(DIGITS, DIGITS, DIGITS))
    model = tmp_path / "9"
    shutil.copytree(MODEL_DIR, model)
    (model / name).write_text(content)
    assert evaluate.main(["--model", str(model), "--output", str(tmp_path)]) == 1
    assert sentence in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["9"]


def test_figures_that_cannot_be_read_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "card").mkdir()
    (tmp_path / evaluate.FIGURES).write_text('{"model": {')
    assert evaluate.main(["--render", "--output", str(tmp_path)]) == 1
    assert "figures.json cannot be read: measure again, without --render" in capsys.readouterr().err
