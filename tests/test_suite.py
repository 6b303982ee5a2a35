"""The user-picture suite: the same bytes every time, and pictures that are what their kind says."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from export.mnist import Digits
from export.suite import KINDS, NoPenPath, make_picture, make_pictures
from export.suite.makers import SCAN
from export.suite.pen import choose_view
from export.suite.strokes import outline, strokes
from mnist_infer.decode import decode
from testbed.pictures import mnist_digits

pytestmark = pytest.mark.train

DIGITS = Digits(*mnist_digits())
SOME = 3
LIGHT_INK = {"mnist", "transparent_white", "chalk"}
FRAMED = {name for name in KINDS if name.startswith(("crop", "scan"))}
EITHER_INK = {"low_contrast", "sixteen_bits", "palette", *FRAMED}
FORMATS = {"chalk": {"JPEG"}, "photo_pencil": {"JPEG"}, "photo_ball_pen": {"JPEG"}, "palette": {"PNG", "GIF"}}


def pixels(content: bytes) -> NDArray[np.float64]:
    return decode(content, 10**9).astype(np.float64)


@pytest.mark.parametrize("name", KINDS)
def test_a_picture_has_the_same_bytes_whatever_was_made_before_it(name: str) -> None:
    in_order = make_pictures(name, DIGITS, SOME)
    assert [make_picture(name, DIGITS, index) for index in reversed(range(SOME))] == in_order[::-1]
    assert len({picture.content for picture in in_order}) == SOME


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_an_image_file_whose_sides_are_in_range(name: str) -> None:
    low, high = KINDS[name].side
    if name in ("ruled", "squared"):
        low, high = min(low, SCAN["side"][0]), max(high, SCAN["side"][1])
    if name.startswith("crop"):
        low, high = 0, (high + 2) * (1 + 2 * KINDS[name].margin[1])
    for picture in make_pictures(name, DIGITS, SOME):
        image = Image.open(io.BytesIO(picture.content))
        assert low <= min(image.size)
        assert max(image.size) <= high
        assert image.format in FORMATS.get(name, {"PNG", "JPEG"})
        assert np.ptp(pixels(picture.content)) > 15


@pytest.mark.parametrize("name", sorted(KINDS.keys() - EITHER_INK))
def test_the_ink_is_light_or_dark_as_the_kind_says(name: str) -> None:
    for picture in make_pictures(name, DIGITS, SOME):
        grey = pixels(picture.content)
        darker, lighter = np.median(grey) - np.percentile(grey, 0.1), np.percentile(grey, 99.9) - np.median(grey)
        assert (lighter > darker) == (name in LIGHT_INK)


def test_the_label_is_that_of_the_digit_which_is_drawn() -> None:
    for picture in make_pictures("mnist", DIGITS, 20):
        image = np.asarray(Image.open(io.BytesIO(picture.content)))
        (which,) = np.flatnonzero((image == DIGITS.images).all((1, 2)))
        assert picture.label == DIGITS.labels[which]


def test_every_digit_is_sent_once_as_it_is() -> None:
    digits = Digits(DIGITS.images[:50], DIGITS.labels[:50])
    sent = {picture.content for picture in make_pictures("mnist", digits, 50)}
    assert len(sent) == 50


@pytest.mark.parametrize("name", ["canvas", "canvas_stretched", "transparent_black"])
def test_the_digit_lies_wholly_in_the_picture_and_is_as_large_as_the_kind_says(name: str) -> None:
    kind = KINDS[name]
    for picture in make_pictures(name, DIGITS, 10):
        ink = pixels(picture.content) < 200
        rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
        assert not np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]]).any()
        longer = max(np.ptp(rows), np.ptp(columns))
        assert longer >= kind.digit[0] * min(ink.shape) * min(kind.stretch[0], 1) * 0.85


def test_one_pixel_strokes_have_no_grey() -> None:
    for picture in make_pictures("one_pixel", DIGITS, 10):
        assert set(np.unique(pixels(picture.content))) == {0, 255}


def test_a_stretched_view_is_wider_or_narrower_by_what_was_chosen() -> None:
    random = np.random.default_rng(1)
    square = [np.array([[-0.5, -0.5], [0.5, 0.5]])]
    kind = KINDS["canvas_stretched"]
    ratios = []
    for _ in range(200):
        view = choose_view(kind, random, square, lambda _: 3)
        ratios.append(np.linalg.norm(view.matrix[:, 0]) / np.linalg.norm(view.matrix[:, 1]))
    assert 0.6 <= min(ratios) < 0.7
    assert 1.5 < max(ratios) <= 1.6


def ring() -> NDArray[np.uint8]:
    y, x = np.mgrid[:28, :28] - 13.5
    return np.where(np.abs(np.hypot(x, y) - 7) < 1.5, np.uint8(255), np.uint8(0))


def test_the_stroke_of_a_ring_is_closed_and_round() -> None:
    (path,) = strokes(ring())
    assert (path[0] == path[-1]).all()
    assert np.hypot(*path.T) == pytest.approx(0.5, abs=0.05)


def test_the_strokes_of_a_cross_reach_to_the_ends_of_its_bars() -> None:
    cross = np.zeros((28, 28), np.uint8)
    cross[4:24, 12:16] = 255
    cross[12:16, 7:21] = 255
    every = np.concatenate(strokes(cross))
    assert np.ptp(every[:, 1]) == pytest.approx(1)
    assert np.ptp(every[:, 0]) == pytest.approx(13 / 19, abs=0.03)  # with ends half a stroke short: 10 / 16


def bar(degrees: float, width: float) -> NDArray[np.uint8]:
    """Return a straight stroke with square ends, 20 pixels long."""
    fine = 8
    turn = np.radians(degrees)
    along, across = np.array([np.sin(turn), np.cos(turn)]) * 10, np.array([np.cos(turn), -np.sin(turn)]) * width / 2
    corners = [(14 + end) * fine for end in (along + across, along - across, -along - across, across - along)]
    sheet = Image.new("L", (28 * fine, 28 * fine))
    ImageDraw.Draw(sheet).polygon([(float(x), float(y)) for x, y in corners], fill=255)
    return np.asarray(sheet.reduce(fine))


@pytest.mark.parametrize("degrees", range(0, 45, 5))
def test_a_thick_stroke_is_straight_up_to_its_ends(degrees: int) -> None:
    (path,) = strokes(bar(degrees, 5))
    turn = np.radians(degrees)
    assert np.ptp(path @ [np.cos(turn), -np.sin(turn)]) < 0.06
    assert np.ptp(path @ [np.sin(turn), np.cos(turn)]) * np.cos(turn) == pytest.approx(1, abs=0.03)


def test_a_loop_that_grey_has_nearly_filled_is_open_in_the_stroke() -> None:
    y, x = np.mgrid[:28, :28] - 13.5
    filled = np.where(np.hypot(x, y) < 8, 255, 0)
    filled[np.hypot(x, y) < 4] = 130
    (path,) = strokes(filled.astype(np.uint8))
    assert (path[0] == path[-1]).all()


def test_a_digit_without_a_path_gives_way_to_the_next() -> None:
    y, x = np.mgrid[:28, :28]
    blot = np.where(np.hypot(x - 13, y - 18) < 7, 255, 0).astype(np.uint8)
    blot[2:14, 12:15] = 255
    with pytest.raises(NoPenPath):
        strokes(blot)
    digits = Digits(np.stack([blot, ring()]), np.array([6, 0], np.uint8))
    assert [picture.label for picture in make_pictures("canvas", digits, 4)] == [0] * 4
    with pytest.raises(ValueError, match="no digit can be drawn"):
        make_picture("canvas", Digits(digits.images[:1], digits.labels[:1]), 0)


def test_ink_wider_than_a_third_of_the_digit_has_no_path() -> None:
    assert strokes(bar(0, 6))
    with pytest.raises(NoPenPath):
        strokes(bar(0, 8))


def test_the_outline_is_cropped_to_the_ink() -> None:
    shape = outline(ring())
    assert shape[0].any()
    assert shape[:, 0].any()
    assert max(shape.shape) == pytest.approx(17 * 4, abs=4)
