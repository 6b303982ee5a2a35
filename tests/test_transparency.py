"""What is laid behind a transparent picture: the paper that it brings along, or what its ink stands out from."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from mnist_infer.decode import decode
from testbed.pictures import encode, mnist_digits

LIMIT = 128_000_000
PAPERS = [(0, 255), (255, 0), (60, 235), (235, 45)]
"""Grey levels of ink and paper."""


def digit(number: int) -> Image.Image:
    """Return how much ink there is at each pixel: 112 x 112, mode L."""
    return Image.fromarray(mnist_digits()[0][number]).resize((112, 112), Image.Resampling.BICUBIC)


def in_grey(level: int, alpha: Image.Image) -> Image.Image:
    picture = Image.new("RGBA", alpha.size, (level, level, level))
    picture.putalpha(alpha)
    return picture


def sheet(number: int, ink: int, paper: int) -> Image.Image:
    opaque = Image.new("L", (112, 112), 255)
    return Image.composite(in_grey(ink, opaque), in_grey(paper, opaque), digit(number))


def margin(picture: Image.Image, pixels: int) -> Image.Image:
    larger = Image.new("RGBA", (picture.width + 2 * pixels, picture.height + 2 * pixels))
    larger.paste(picture, (pixels, pixels))
    return larger


def turned(picture: Image.Image, degrees: float) -> Image.Image:
    return picture.convert("RGBa").rotate(degrees, Image.Resampling.BICUBIC, expand=True).convert("RGBA")


def rounded(picture: Image.Image, radius: int) -> Image.Image:
    corners = Image.new("L", picture.size)
    ImageDraw.Draw(corners).rounded_rectangle((0, 0, picture.width - 1, picture.height - 1), radius, 255)
    picture = picture.copy()
    picture.putalpha(corners)
    return picture


def window(picture: Image.Image) -> Image.Image:
    """Return a window's shot: round corners, and a soft shadow around it."""
    shot = margin(rounded(picture, 6), 50)
    shadow = ImageChops.offset(shot.getchannel("A"), 0, 8).filter(ImageFilter.GaussianBlur(15))
    return Image.alpha_composite(in_grey(0, shadow.point(lambda alpha: alpha // 2)), shot)


def faded(picture: Image.Image, share: float) -> Image.Image:
    picture = picture.copy()
    picture.putalpha(picture.getchannel("A").point(lambda alpha: int(alpha * share)))
    return picture


def sticker(picture: Image.Image) -> Image.Image:
    """Return a digit that is cut out along its outline."""
    ink = digit(0).point(lambda value: 255 if value > 60 else 0)
    picture = picture.copy()
    picture.putalpha(ink.filter(ImageFilter.MaxFilter(19)))
    return margin(picture, 5)


WAYS: dict[str, Callable[[Image.Image], Image.Image]] = {
    **{f"margin of {pixels}": partial(margin, pixels=pixels) for pixels in (1, 4, 16, 40)},
    **{f"turn of {degrees}": partial(turned, degrees=degrees) for degrees in (2, 4, 10, 30)},
    "window": window,
    "round corners": lambda picture: rounded(picture, 30),
    "disc": lambda picture: rounded(picture, 56),
    "semi-transparent": lambda picture: margin(faded(picture, 0.4), 16),
    "layer of a larger picture": lambda picture: margin(picture, 50).crop((40, 20, 212, 162)),
    "sticker": sticker,
}


@pytest.mark.parametrize(("ink", "paper"), PAPERS)
@pytest.mark.parametrize("way", WAYS)
def test_a_picture_that_brings_its_own_paper_is_laid_on_that(way: str, ink: int, paper: int) -> None:
    picture = WAYS[way](sheet(0, ink, paper))
    on_paper = Image.alpha_composite(in_grey(paper, Image.new("L", picture.size, 255)), picture).convert("L")
    difference = decode(encode(picture), LIMIT).astype(int) - np.asarray(on_paper)
    assert np.abs(difference).max() <= 2


@pytest.mark.parametrize("paper_alpha", [0.1, 0.6])
def test_opaque_ink_on_paper_that_shines_through_is_dark_on_light(paper_alpha: float) -> None:
    paper = margin(faded(sheet(0, 255, 255), paper_alpha), 16)
    picture = decode(encode(Image.alpha_composite(paper, margin(in_grey(0, digit(0)), 16))), LIMIT)
    assert picture[0, 0] == 255
    assert picture.min() == 0


def grainy(ink: Image.Image) -> Image.Image:
    pixels = np.array(ink)
    grain = np.random.default_rng(1).normal(0, 30, pixels.shape[:2])
    pixels[..., :3] = np.clip(pixels[..., :3] + grain[..., None], 0, 255)
    return Image.fromarray(pixels)


def outlined(ink: Image.Image) -> Image.Image:
    level = 255 - np.asarray(ink)[0, 0, 0]
    return Image.alpha_composite(in_grey(int(level), ink.getchannel("A").filter(ImageFilter.MaxFilter(5))), ink)


@pytest.mark.parametrize("way", [lambda ink: ink, grainy, outlined], ids=["plain", "grainy", "outlined"])
@pytest.mark.parametrize(("level", "ground"), [(0, 255), (60, 255), (200, 0), (255, 0)])
@pytest.mark.parametrize("number", range(12))
def test_ink_alone_is_laid_on_what_it_stands_out_from(
    number: int, level: int, ground: int, way: Callable[[Image.Image], Image.Image]
) -> None:
    assert decode(encode(way(in_grey(level, digit(number)))), LIMIT)[0, 0] == ground


def test_a_picture_of_which_nothing_is_visible_is_white() -> None:
    assert (decode(encode(Image.new("RGBA", (5, 4))), LIMIT) == 255).all()
