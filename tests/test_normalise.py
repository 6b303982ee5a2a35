import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from mnist_infer.background import flat_background, lit_background
from mnist_infer.errors import NoDigitFound
from mnist_infer.normalise import _resampling, to_model_input
from testbed.pictures import mnist_digits

SEVEN = mnist_digits()[0][0]


def enlarged(digit: NDArray[np.uint8], height: int, width: int | None = None) -> NDArray[np.float32]:
    """Return the digit's ink alone, enlarged to a height, float32 in 0..1."""
    rows, columns = np.flatnonzero(digit.any(1)), np.flatnonzero(digit.any(0))
    ink = Image.fromarray(digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    size = (width or round(height * ink.width / ink.height), height)
    return np.asarray(np.asarray(ink.resize(size, Image.Resampling.BICUBIC), np.float32) / 255, np.float32)


def on_paper(
    ink: NDArray[np.float32],
    shape: tuple[int, int] = (300, 400),
    at: tuple[int, int] = (60, 90),
    paper: float = 230,
    pen: float = 40,
) -> NDArray[np.float32]:
    """Return a picture with the ink at a place."""
    picture = np.full(shape, paper, np.float32)
    part = picture[at[0] : at[0] + ink.shape[0], at[1] : at[1] + ink.shape[1]]
    part += (pen - paper) * ink
    return picture


def seen(picture: NDArray[np.float32] | NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what the network sees, 28x28."""
    return to_model_input(np.rint(np.clip(picture, 0, 255)).astype(np.uint8)).reshape(28, 28)


def likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return how alike two pictures are, 1 where they are the same, about 0 for different digits."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


PLAIN = seen(on_paper(enlarged(SEVEN, 160)))


def test_mnists_own_pictures_keep_their_pixels_in_either_polarity() -> None:
    for digit in mnist_digits()[0]:
        expected = digit.reshape(1, 784) / np.float32(digit.max())
        np.testing.assert_allclose(to_model_input(digit), expected, atol=1e-6)
        np.testing.assert_allclose(to_model_input(255 - digit), expected, atol=1e-6)


def test_a_large_drawing_becomes_what_mnist_has() -> None:
    for digit in mnist_digits()[0][:50]:
        assert likeness(seen(on_paper(enlarged(digit, 160))), digit.astype(np.float32)) > 0.8


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (1, 500), (500, 1), (27, 29), (28, 28), (56, 84), (1000, 333)])
def test_every_size_becomes_one_row_of_784_in_range_or_has_no_digit(shape: tuple[int, int]) -> None:
    try:
        pixels = to_model_input(np.random.default_rng(1).integers(0, 256, shape, np.uint8))
    except NoDigitFound:
        assert min(shape) == 1
        return
    assert pixels.shape == (1, 784)
    assert pixels.dtype == np.float32
    assert pixels.min() >= 0
    assert pixels.max() == 1


@pytest.mark.parametrize("turned", [False, True])
def test_a_small_stroke_on_a_photo_that_is_narrower_than_one_reduced_pixel_is_cut_out(turned: bool) -> None:
    strip = np.linspace(250, 120, 1024)[:, None] + np.random.default_rng(2).normal(0, 1, (1024, 4))
    strip[400:460, :3] -= 90
    assert seen(np.asarray(strip.T if turned else strip, np.float32)).max() == 1


@pytest.mark.parametrize("shape", [(1, 1), (28, 28), (90, 400), (1024, 768)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_empty_picture_has_no_digit(shape: tuple[int, int], level: int) -> None:
    with pytest.raises(NoDigitFound, match="no digit was found"):
        to_model_input(np.full(shape, level, np.uint8))


def test_paper_alone_has_no_digit_however_it_is_lit() -> None:
    y, x = np.mgrid[0:1:300j, 0:1:400j]
    paper = 220 - 60 * x - 50 * y**2 + np.random.default_rng(1).normal(0, 3, x.shape)
    with pytest.raises(NoDigitFound):
        seen(paper)


def test_the_longer_side_of_the_ink_is_20_pixels_and_its_centre_of_mass_in_the_middle() -> None:
    for digit in mnist_digits()[0][:100]:
        pixels = seen(on_paper(enlarged(digit, 150)))
        rows, columns = np.flatnonzero((pixels > 0.3).any(1)), np.flatnonzero((pixels > 0.3).any(0))
        assert 19 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 21
        total = pixels.sum()
        for axis in (0, 1):
            assert (pixels.sum(axis) @ (np.arange(28) + 0.5)) / total == pytest.approx(14.5, abs=0.3)


def test_place_size_and_polarity_do_not_matter() -> None:
    for at, height in (((0, 0), 160), ((138, 250), 160), ((100, 30), 80), ((5, 100), 280)):
        ink = enlarged(SEVEN, height)
        assert likeness(seen(on_paper(ink, at=at)), PLAIN) > 0.9
        assert likeness(seen(on_paper(ink, at=at, paper=30, pen=220)), PLAIN) > 0.9


def test_the_aspect_is_kept() -> None:
    narrow, wide = (seen(on_paper(enlarged(SEVEN, 160, width))) for width in (50, 160))
    widths = [np.ptp(np.flatnonzero((pixels > 0.3).any(0))) for pixels in (narrow, wide)]
    assert widths[0] < 8
    assert widths[1] > 17


@pytest.mark.parametrize("contrast", [12, 40, 120])
def test_faint_ink_comes_out_as_strong_as_any(contrast: float) -> None:
    assert likeness(seen(on_paper(enlarged(SEVEN, 160), paper=200, pen=200 - contrast)), PLAIN) > 0.9


def test_uneven_light_shadows_noise_and_specks_do_not_count() -> None:
    y, x = np.mgrid[0:1:300j, 0:1:400j]
    random = np.random.default_rng(3)
    drawn = on_paper(enlarged(SEVEN, 160))
    specks = drawn.copy()
    for row, column in random.integers(0, (295, 395), (12, 2)):
        specks[row : row + 4, column : column + 4] = 60
    shadow = np.asarray(Image.fromarray(((x + y > 1.2) * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(4)))
    for picture in (
        drawn * (1 - 0.5 * x - 0.2 * y),
        drawn * (1 - 0.4 * shadow / 255.0),
        drawn + random.normal(0, 8, drawn.shape),
        specks,
    ):
        assert likeness(seen(np.asarray(picture, np.float32)), PLAIN) > 0.9


@pytest.mark.parametrize(("paper", "pen"), [(190, 70), (110, 250)], ids=["pencil", "chalk"])
@pytest.mark.parametrize("covered", [0.3, 0.8, 1.0])
def test_paper_in_the_light_beside_a_shadow_is_not_taken_for_ink(covered: float, paper: float, pen: float) -> None:
    shadow = np.zeros((150, 200), np.uint8)
    shadow[:120, : round(200 * covered)] = 255
    soft = np.asarray(Image.fromarray(shadow).filter(ImageFilter.GaussianBlur(3)), np.float32) / 255
    picture = on_paper(enlarged(SEVEN, 40), (150, 200), at=(100, 140), paper=paper, pen=pen)
    picture *= 1 - np.float32(0.6) * soft
    assert lit_background(picture).polarity == (1 if pen > paper else -1)


@pytest.mark.parametrize("squared", [False, True])
def test_ruled_and_squared_paper_does_not_decide_the_digits_box(squared: bool) -> None:
    drawn = on_paper(enlarged(SEVEN, 160))
    drawn[20::70] = np.minimum(drawn[20::70], 140)
    if squared:
        drawn[:, 20::70] = np.minimum(drawn[:, 20::70], 140)
    assert likeness(seen(drawn), PLAIN) > 0.9


def test_a_line_as_strong_as_the_ink_is_left_out_where_it_does_not_touch_the_digit() -> None:
    drawn = on_paper(enlarged(SEVEN, 160))
    drawn[270:274] = 40
    assert likeness(seen(drawn), PLAIN) > 0.9


def test_a_digit_in_two_strokes_keeps_both() -> None:
    ink = enlarged(SEVEN, 160)
    ink[70:78] = 0
    pixels = seen(on_paper(ink))
    assert pixels[4:10].sum() > 5
    assert pixels[16:].sum() > 10


def test_what_lies_away_from_the_digit_in_a_photo_is_no_part_of_it_however_strong() -> None:
    drawn = on_paper(enlarged(SEVEN, 160))
    light = np.linspace(1, 0.7, drawn.shape[1]) + np.random.default_rng(1).normal(0, 0.01, drawn.shape)
    alone = seen(np.asarray(drawn * light, np.float32))
    drawn[240:262, 330:352] = 40
    assert likeness(seen(np.asarray(drawn * light, np.float32)), alone) > 0.98


def test_a_drawing_in_pieces_keeps_them_all() -> None:
    ink = enlarged(SEVEN, 160)
    ink[40:110] = 0
    pixels = seen(on_paper(ink, paper=255, pen=0))
    rows = np.flatnonzero(pixels.max(1) > 0.5)
    assert rows[-1] - rows[0] >= 18


def test_a_bold_digit_is_not_taken_for_a_shadow() -> None:
    ink = np.zeros((220, 200), np.float32)
    ink[:, 60:140] = 1  # a one with a marker as wide as a third of its height
    pixels = seen(on_paper(ink, at=(40, 100)))
    assert pixels[8:20, 12:16].min() > 0.9


def pencil_five() -> NDArray[np.float32]:
    """Return a five of thin lines, float32 [130, 90] in 0..1."""
    sheet = Image.new("L", (90, 130))
    draw = ImageDraw.Draw(sheet)
    draw.line([(75, 8), (21, 10), (16, 57)], fill=255, width=6, joint="curve")
    draw.arc((6, 51, 78, 121), -110, 140, fill=255, width=6)
    return np.asarray(np.asarray(sheet, np.float32) / 255, np.float32)


@pytest.mark.parametrize(
    "left", [200, 140, 40, 75], ids=["beside", "over its right", "over its left", "over all of it"]
)
@pytest.mark.parametrize("darkness", [0.55, 0.65])
def test_a_shadow_that_is_darker_than_a_pencils_line_is_no_ink(left: int, darkness: float) -> None:
    shadow = np.full((300, 400), 255, np.uint8)
    shadow[50:, left : left + 130] = round(255 * darkness)
    soft = np.asarray(Image.fromarray(shadow).filter(ImageFilter.GaussianBlur(4)), np.float32) / 255
    drawn = on_paper(pencil_five(), paper=220, pen=120)
    light = soft * np.linspace(1, 0.85, 400, dtype=np.float32)
    noise = np.random.default_rng(1).normal(0, 2, drawn.shape)
    assert likeness(seen(np.asarray(drawn * light + noise, np.float32)), seen(drawn)) > 0.9


def test_rows_stay_rows() -> None:
    picture = np.zeros((28, 28), np.uint8)
    picture[4:24, 13] = 255
    picture[4, 13:20] = 255
    pixels = seen(picture)
    widths = (pixels > 0.3).sum(axis=1)
    assert widths.argmax() < 8
    assert widths[10:24].max() <= 2


def marker_six(pen: int) -> NDArray[np.float32]:
    """Return a six whose loop meets its stem in a knot, wider than the pen, float32 [256, 256] in 0..1."""
    sheet = Image.new("L", (256, 256))
    draw = ImageDraw.Draw(sheet)
    draw.ellipse((85, 130, 175, 220), outline=255, width=pen)
    draw.line([(160, 40), (110, 100), (92, 150), (88, 175)], fill=255, width=pen, joint="curve")
    return np.asarray(np.asarray(sheet, np.float32) / 255, np.float32)


@pytest.mark.parametrize("pen", [18, 20])
def test_where_strokes_meet_they_stay_ink_also_in_uneven_light(pen: int) -> None:
    drawn = on_paper(marker_six(pen), (256, 256), (0, 0))
    y, x = np.mgrid[0:1:256j, 0:1:256j]
    lit = drawn * (1 - 0.3 * x - 0.2 * y) + np.random.default_rng(1).normal(0, 3, drawn.shape)
    assert likeness(seen(lit), seen(drawn)) > 0.94


@pytest.mark.parametrize(("paper", "pen"), [(255, 0), (0, 255), (90, 110)])
def test_a_marker_that_fills_the_sheet_is_the_ink(paper: float, pen: float) -> None:
    zero = Image.new("L", (200, 200))
    ImageDraw.Draw(zero).ellipse((-5, 3, 205, 197), outline=255, width=40)
    pixels = seen(on_paper(np.asarray(np.asarray(zero, np.float32) / 255, np.float32), (200, 200), (0, 0), paper, pen))
    assert pixels[13:16, 13:16].max() == 0
    assert pixels[13:16, 5:7].min() > 0.95


def bordered(digit: NDArray[np.uint8], height: int, margin: int) -> NDArray[np.float32]:
    """Return the digit on white, cropped to its ink and a margin, pixels."""
    return np.pad(255 - 255 * enlarged(digit, height), margin, constant_values=255)


@pytest.mark.parametrize("height", [16, 32, 150])
def test_a_digit_that_touches_its_frame_is_seen_as_with_a_margin(height: int) -> None:
    alike = [
        likeness(seen(bordered(digit, height, 0)), seen(bordered(digit, height, height // 4))) > 0.8
        for digit in mnist_digits()[0][:100]
        if np.ptp(np.flatnonzero(digit.any(0))) > 8  # a 1 without a slant fills its frame with ink
    ]
    assert np.mean(alike) > 0.9


def test_a_bilevel_scan_that_the_digit_fills_keeps_its_holes() -> None:
    zero = (mnist_digits()[0][mnist_digits()[1] == 0][0] > 100).astype(np.uint8)
    rows, columns = np.flatnonzero(zero.any(1)), np.flatnonzero(zero.any(0))
    pixels = seen(255 - 255 * zero[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    assert pixels[13:15, 13:15].max() < 0.1


@pytest.mark.parametrize("height", [40, 60, 100])
def test_a_small_digit_is_cut_out_of_the_picture_itself(height: int) -> None:
    drawn = on_paper(enlarged(SEVEN, height), (700, 900), (400, 500))
    assert likeness(seen(drawn), PLAIN) > 0.93


@pytest.mark.parametrize("scale", [0.4, 1.0, 1.3, 1.7, 2.0, 4.5])
def test_resampling_leaves_no_grid(scale: float) -> None:
    weights = _resampling(400, 200.3, scale)
    assert weights.sum(1) == pytest.approx(1, abs=1e-5)
    assert weights.min() >= 0


def test_a_drawing_is_told_from_a_photo_by_its_levels() -> None:
    drawn = on_paper(enlarged(SEVEN, 60), (100, 100), (20, 30))
    y, x = np.mgrid[0:1:100j, 0:1:100j]
    lit = drawn * (1 - 0.3 * x - 0.2 * y)
    half_in_shadow = np.where(x + y > 0.9, drawn * 0.6, drawn)
    assert flat_background(drawn) is not None
    assert flat_background(np.rint(lit).astype(np.float32)) is None
    assert flat_background(np.rint(half_in_shadow).astype(np.float32)) is None
