import numpy as np
import pytest
from PIL import Image, ImageFile

from mnist_infer.decode import decode
from mnist_infer.errors import ImageDamaged, ImageFormatUnknown, ImageTooLarge
from tests.pictures import digit_png, encode

LIMIT = 128_000_000
RAMP = np.arange(0, 250, dtype=np.uint8).reshape(10, 25)
"""A picture in which every pixel differs: uint8 [10, 25]."""


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "GIF", "TIFF"])
def test_a_format_without_loss_gives_back_its_pixels(file_format: str) -> None:
    np.testing.assert_array_equal(decode(encode(RAMP, file_format), LIMIT), RAMP)


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP"])
def test_a_format_with_loss_gives_nearly_its_pixels(file_format: str) -> None:
    picture = decode(encode(RAMP, file_format, quality=100), LIMIT)
    assert np.abs(picture.astype(int) - RAMP).max() < 12


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_mode_becomes_grey(mode: str) -> None:
    black_and_white = np.where(RAMP > 100, np.uint8(255), np.uint8(0))
    image = Image.fromarray(black_and_white)
    image = Image.fromarray(black_and_white.astype(np.uint16) * 257) if mode == "I;16" else image.convert(mode)
    picture = decode(encode(image, "TIFF" if mode in ("CMYK", "I", "F") else "PNG"), LIMIT)
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, black_and_white)


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0)])
def test_behind_transparent_ink_comes_the_paper_it_stands_out_from(ink: int, paper: int) -> None:
    image = Image.new("RGBA", (4, 4), (ink, ink, ink, 0))
    image.putpixel((1, 1), (ink, ink, ink, 255))
    picture = decode(encode(image), LIMIT)
    assert picture[1, 1] == ink
    assert picture[0, 0] == paper


def test_the_cameras_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    assert decode(encode(RAMP, "JPEG", exif=exif), LIMIT).shape == (25, 10)


def test_of_an_animation_the_first_frame_is_read() -> None:
    first, second = Image.new("L", (3, 3), 10), Image.new("L", (3, 3), 200)
    animation = encode(first, "GIF", save_all=True, append_images=[second])
    assert (decode(animation, LIMIT) == 10).all()


def test_a_multi_picture_jpeg_of_a_phone_is_read() -> None:
    first, second = Image.new("L", (30, 20), 10), Image.new("L", (30, 20), 200)
    phone = encode(first, "MPO", save_all=True, append_images=[second])
    assert abs(int(decode(phone, LIMIT).mean()) - 10) < 3


def test_a_large_jpeg_comes_at_a_fraction_of_its_size() -> None:
    assert decode(encode(Image.new("L", (4000, 3000), 99), "JPEG"), LIMIT).shape == (750, 1000)


def test_a_picture_over_the_limit_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    content = encode(RAMP, "BMP")
    monkeypatch.setattr(ImageFile.ImageFile, "load", None)
    with pytest.raises(ImageTooLarge, match="249 pixels"):
        decode(content, 249 * 9.5)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"hello", id="text"),
        pytest.param(b"\x89PNG", id="half a signature"),
        pytest.param(b"%PDF-1.7 ...", id="PDF"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", id="SVG"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n", id="EPS, for which Pillow would start Ghostscript"),
        pytest.param(b"P5 1 1 255 \0", id="PGM"),
        pytest.param(b"\0\0\0\x18ftypheic", id="HEIC"),
    ],
)
def test_what_is_no_image_of_a_known_format_is_refused(content: bytes) -> None:
    with pytest.raises(ImageFormatUnknown):
        decode(content, LIMIT)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_damaged(file_format: str, share: float) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (40, 40), np.uint8)
    content = encode(noise, file_format)
    with pytest.raises((ImageDamaged, ImageFormatUnknown)):
        decode(content[: int(len(content) * share)], LIMIT)


def test_a_png_whose_data_does_not_match_its_checksum_is_damaged() -> None:
    content = bytearray(digit_png(3))
    content[20] ^= 1  # in the header, so that the size is another
    with pytest.raises(ImageDamaged):
        decode(bytes(content), LIMIT)


def test_pixels_that_are_not_numbers_are_damage() -> None:
    with pytest.raises(ImageDamaged):
        decode(encode(np.full((3, 3), np.nan, np.float32), "TIFF"), LIMIT)
