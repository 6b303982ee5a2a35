"""Digits of other hands: what the training draws, and what the suite draws without it."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from export import augment, hands
from export.mnist import Digits
from export.suite import HANDS, NOT_DIGITS, make_picture
from export.suite.kind import NO_DIGIT
from mnist_infer.config import ROOT
from mnist_infer.decode import decode
from mnist_infer.errors import NoDigitFound
from mnist_infer.normalise import to_model_input
from testbed.pictures import mnist_digits
from tests.imports import imported

pytestmark = pytest.mark.train

DIGITS = Digits(*mnist_digits())


@pytest.mark.parametrize("name", hands.SHAPES)
def test_a_shape_is_drawn_within_its_square_and_anew_each_time(name: str) -> None:
    first, again, other = (hands.draw_shape(name, 60, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.shape == (60, 60)
    assert first.min() == 0
    assert first.max() > 0.9
    rows, columns = np.flatnonzero(first.any(1)), np.flatnonzero(first.any(0))
    assert max(np.ptp(rows), np.ptp(columns)) >= 0.4 * 60


def upper_stroke(name: str, seed: int) -> NDArray[np.float64]:
    """Return the way from the end of a 1's flag to its apex, or along a 7's upper stroke."""
    strokes = hands.SHAPES[name][1](np.random.default_rng(seed))
    if name.startswith("1"):
        return np.asarray(strokes[1][-1] - strokes[1][0])
    return np.asarray(strokes[0][strokes[0][:, 0].argmax()] - strokes[0][0])


def test_a_flag_is_short_or_steep_and_the_upper_stroke_of_a_seven_long_and_level() -> None:
    for seed in range(200):
        x, y = upper_stroke("1 with a flag", seed)
        assert np.hypot(x, y) < 0.45 or np.degrees(np.arctan2(-y, x)) > 28
        x, y = upper_stroke("7 plain", seed)
        assert np.hypot(x, y) > 0.35
        assert abs(np.degrees(np.arctan2(-y, x))) < 25


@pytest.mark.parametrize("name", HANDS)
def test_the_suites_shapes_are_pictures_with_ink_and_their_own_label(name: str) -> None:
    pictures = [make_picture(name, DIGITS, index) for index in range(3)]
    assert {picture.label for picture in pictures} == {HANDS[name].label}
    assert len({picture.content for picture in pictures}) == 3
    assert all(to_model_input(decode(picture.content, 10**9)).max() == 1 for picture in pictures)


@pytest.mark.parametrize("name", NOT_DIGITS)
def test_pictures_of_no_digit_have_no_label_and_only_an_empty_canvas_has_no_ink(name: str) -> None:
    picture = make_picture(name, DIGITS, 1)
    assert picture.label == NO_DIGIT
    if name == "blank_canvas":
        with pytest.raises(NoDigitFound):
            to_model_input(decode(picture.content, 10**9))
    elif name != "blank_paper":
        assert to_model_input(decode(picture.content, 10**9)).max() == 1


def test_the_suite_shares_no_code_with_the_training() -> None:
    for path in (ROOT / "export" / "suite").glob("*.py"):
        assert not any(name.startswith(("export.augment", "export.hands", "export.train")) for name in imported(path))
    for name in ("augment", "hands", "train"):
        assert not any(name.startswith("export.suite") for name in imported(ROOT / "export" / f"{name}.py"))


def test_pictures_that_a_stopped_run_has_made_are_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(augment, "_CHUNK", 3)
    made = augment.make_hands(7, seed=1, folder=tmp_path)
    assert made.images.shape == (7, 28, 28)
    assert made.labels.tolist() == [label for label, _ in list(hands.SHAPES.values())[:7]]
    (part, *others) = sorted((tmp_path / "hands").iterdir())
    kept = np.full_like(np.load(part), 7)
    np.save(part, kept)
    others[0].unlink()
    again = augment.make_hands(7, seed=1, folder=tmp_path)
    np.testing.assert_array_equal(again.images[: len(kept)], kept)
    np.testing.assert_array_equal(again.images[len(kept) :], made.images[len(kept) :])


def test_distorted_digits_keep_their_labels_and_go_round(tmp_path: Path) -> None:
    digits = Digits(DIGITS.images[:4], DIGITS.labels[:4])
    made = augment.make_distorted(digits, 6, seed=1, folder=tmp_path)
    assert made.labels.tolist() == [*digits.labels, *digits.labels[:2]]
    assert made.images.max(axis=(1, 2)).min() == 255
    assert not np.array_equal(made.images[0], made.images[4])
