import struct
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from mnist_infer.config import ROOT
from mnist_infer.decode import decode
from mnist_infer.errors import ImageDamaged, ImageFormatUnknown, ImageTooLarge
from testbed.costly.jpeg_files import FULL, HALF, flat, progressive
from testbed.pictures import digit_png, encode
from testbed.valid_images import bmp, bmp_header, riff, webp_chunk

LIMIT = 128_000_000
RAMP = np.arange(0, 250, dtype=np.uint8).reshape(10, 25)
"""A picture in which every pixel differs: uint8 [10, 25]."""


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "GIF"])
def test_a_format_without_loss_gives_back_its_pixels(file_format: str) -> None:
    np.testing.assert_array_equal(decode(encode(RAMP, file_format), LIMIT), RAMP)


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP"])
def test_a_format_with_loss_gives_nearly_its_pixels(file_format: str) -> None:
    picture = decode(encode(RAMP, file_format, quality=100), LIMIT)
    assert np.abs(picture.astype(int) - RAMP).max() < 12


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_becomes_grey(mode: str) -> None:
    black_and_white = np.where(RAMP > 100, np.uint8(255), np.uint8(0))
    image = Image.fromarray(black_and_white)
    image = Image.fromarray(black_and_white.astype(np.uint16) * 257) if mode == "I;16" else image.convert(mode)
    picture = decode(encode(image), LIMIT)
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, black_and_white)


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0)])
def test_behind_transparent_ink_comes_the_paper_it_stands_out_from(ink: int, paper: int) -> None:
    image = Image.new("RGBA", (4, 4), (ink, ink, ink, 0))
    image.putpixel((1, 1), (ink, ink, ink, 255))
    picture = decode(encode(image), LIMIT)
    assert picture[1, 1] == ink
    assert picture[0, 0] == paper


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("size", [(25, 10), (2500, 1000)], ids=["small", "large"])
def test_the_cameras_orientation_is_applied(file_format: str, size: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    image = Image.new("L", size, 0)
    image.paste(255, (0, 0, size[0] // 2, size[1]))  # white on the left comes to the top
    picture = decode(encode(image.convert("RGB"), file_format, exif=exif), LIMIT)
    assert picture.shape[0] > picture.shape[1]
    assert picture[2].min() > 200
    assert picture[-3].max() < 50


def test_of_an_animation_the_first_frame_is_read() -> None:
    first, second = Image.new("L", (3, 3), 10), Image.new("L", (3, 3), 200)
    animation = encode(first, "GIF", save_all=True, append_images=[second])
    assert (decode(animation, LIMIT) == 10).all()


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("file_format", ["GIF", "WEBP"])
def test_what_a_first_frame_leaves_of_its_screen_is_its_papers(file_format: str, lossless: bool) -> None:
    sheet = Image.new("RGB", (40, 30), "white")
    sheet.paste("black", (15, 10, 25, 20))
    if file_format == "GIF":
        content = encode(sheet.convert("P" if lossless else "L"), "GIF")
        at = content.index(b"\x2c\0\0\0\0\x28\0") + 1
        content = (
            content[:6] + struct.pack("<HH", 80, 90) + content[10:at] + struct.pack("<HH", 20, 40) + content[at + 4 :]
        )
    else:
        frame = encode(sheet, "WEBP", lossless=lossless)[12:]
        place = b"".join(number.to_bytes(3, "little") for number in (20 // 2, 40 // 2, 39, 29, 100)) + b"\0"
        canvas = b"\2\0\0\0" + (79).to_bytes(3, "little") + (89).to_bytes(3, "little")
        chunks = webp_chunk(b"VP8X", canvas), webp_chunk(b"ANIM", bytes(6)), webp_chunk(b"ANMF", place + frame)
        content = riff(*chunks)
    picture = decode(content, LIMIT)
    assert picture.shape == (90, 80)
    assert int(picture[0, 0]) == pytest.approx(255, abs=3)
    assert int(picture[55, 40]) == pytest.approx(0, abs=8)


@pytest.mark.parametrize("compression", [0, 3], ids=["without bit fields", "with bit fields"])
@pytest.mark.parametrize("size", [56, 108, 124])
def test_the_alpha_mask_of_a_bmp_counts_and_alpha_that_was_never_written_does_not(size: int, compression: int) -> None:
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    header = bmp_header(3, 1, 32, compression, size) + masks + bytes(size - 56)
    assert decode(bmp(header, bytes(4) + b"\0\0\0\xff" * 2), LIMIT).tolist() == [[255, 0, 0]]
    never_written = bytes(4) + b"\xff\xff\xff\0" + b"\xc8\xc8\xc8\0"
    assert decode(bmp(header, never_written), LIMIT).tolist() == [[0, 255, 200]]


def test_a_multi_picture_jpeg_of_a_phone_is_read() -> None:
    first, second = Image.new("L", (30, 20), 10), Image.new("L", (30, 20), 200)
    phone = encode(first, "MPO", save_all=True, append_images=[second])
    assert abs(int(decode(phone, LIMIT).mean()) - 10) < 3


def test_a_large_jpeg_comes_at_a_fraction_of_its_size() -> None:
    assert decode(encode(Image.new("L", (4000, 3000), 99), "JPEG"), LIMIT).shape == (750, 1000)


def test_a_picture_over_the_limit_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    content = encode(RAMP, "BMP")
    monkeypatch.setattr(ImageFile.ImageFile, "load", None)
    with pytest.raises(ImageTooLarge, match=r"0\.0 megapixels"):
        decode(content, round(249 * 9.5))


LARGEST_MEGAPIXELS = {
    ("PNG", "RGBA"): 13.4,
    ("PNG", "P"): 13.4,
    ("PNG", "I;16"): 13.4,
    ("BMP", "RGB"): 13.4,
    ("GIF", "P"): 13.4,
    ("JPEG", "RGB"): 85.3,
    ("JPEG progressive", "RGB"): 17.0,
    ("JPEG progressive", "CMYK"): 13.3,
    ("WEBP", "RGBA"): 6.4,
}

MEASURE_DECODING = """
import re, sys
from pathlib import Path
from mnist_infer.decode import decode
status = Path("/proc/self/status")
read = lambda name: int(re.search(name + r":\\s+(\\d+)", status.read_text())[1]) * 1024
content = Path(sys.argv[1]).read_bytes()
decode(Path(sys.argv[2]).read_bytes(), 128_000_000)  # imports the decoder
Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
before = read("VmRSS")
decode(content, 128_000_000)
print(read("VmHWM") - before)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "mode"), LARGEST_MEGAPIXELS)
def test_the_largest_picture_of_each_kind_adds_at_most_128_mb_and_a_larger_one_is_refused(
    kind: str, mode: str, tmp_path: Path
) -> None:
    file_format, _, progressive = kind.partition(" ")
    options: dict[str, object] = {"progressive": True, "subsampling": 0, "quality": 30} if progressive else {}
    if file_format == "WEBP":
        options = {"lossless": True, "quality": 0, "method": 0}
    height = int(LARGEST_MEGAPIXELS[kind, mode] * 1e6) // 2000

    def write(name: str, size: tuple[int, int]) -> Path:
        image = Image.linear_gradient("L").resize(size, Image.Resampling.NEAREST)
        if mode == "RGBA":
            alpha, image = image, image.convert("RGBA")
            image.putalpha(alpha)
        elif mode == "I;16":
            image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
        else:
            image = image.convert(mode)
        (tmp_path / name).write_bytes(encode(image, file_format, **options))
        return tmp_path / name

    files = [str(write("largest", (2000, height))), str(write("small", (8, 8)))]
    command = [sys.executable, "-c", MEASURE_DECODING, *files]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(child.stdout) <= 128_000_000
    if (kind, mode) != ("JPEG", "RGB"):
        with pytest.raises(ImageTooLarge, match="the most for a file of its kind"):
            decode(write("larger", (2000, round(height * 1.25))).read_bytes(), LIMIT)


@pytest.mark.parametrize(
    ("jpeg", "accepted", "refused"),
    [
        pytest.param(partial(flat, FULL), 170, 172, id="baseline"),
        pytest.param(partial(flat, HALF), 340, 342, id="baseline, colours at half the width and height"),
        pytest.param(partial(progressive, FULL, scans=10), 17, 22, id="progressive"),
        pytest.param(partial(progressive, HALF, scans=10), 40, 44, id="progressive, colours at half"),
    ],
)
def test_a_jpeg_of_as_many_megapixels_as_the_documents_say_is_read(
    jpeg: Callable[..., bytes], accepted: int, refused: int
) -> None:
    assert max(decode(jpeg(megapixels=accepted), LIMIT).shape) <= 1024
    with pytest.raises(ImageTooLarge):
        decode(jpeg(megapixels=refused), LIMIT)


@pytest.mark.parametrize("size", [(100_000, 120), (120, 100_000), (800_000, 1)])
def test_a_picture_of_any_proportions_comes_small(size: tuple[int, int]) -> None:
    assert max(decode(encode(Image.new("RGBA", size)), LIMIT).shape) <= 1024


def test_the_phones_own_12_megapixels_are_accepted_in_all_that_phones_write() -> None:
    for file_format, options in (("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {})):
        photo = encode(Image.new("RGB", (4032, 3024), (200, 190, 180)), file_format, **options)
        assert decode(photo, LIMIT).mean() == pytest.approx(192, abs=2)


LOSSLESS_16384 = webp_chunk(b"VP8L", b"\x2f\xff\xff\xff\x0f" + bytes(9))
LOSSY_16383 = webp_chunk(b"VP8 ", b"\0\0\0\x9d\x01\x2a\xff\x3f\xff\x3f" + bytes(9))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(riff(webp_chunk(b"VP8X", bytes(4) + b"\xff\x3f\0" * 2), LOSSLESS_16384), id="extended"),
        pytest.param(riff(LOSSLESS_16384), id="lossless"),
        pytest.param(riff(LOSSY_16383), id="lossy"),
    ],
)
def test_a_huge_webp_is_refused_before_its_decoder_takes_memory(content: bytes) -> None:
    with pytest.raises(ImageTooLarge):
        decode(content, LIMIT)


def test_a_jpeg_that_takes_more_passes_than_any_encoder_writes_is_refused() -> None:
    photo = encode(Image.new("RGB", (4000, 3000)), "JPEG", progressive=True)
    last = photo.rindex(b"\xff\xda")
    with pytest.raises(ImageTooLarge, match="passes"):
        decode(photo[:last] + photo[last:-2] * 100 + photo[-2:], LIMIT)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", id="HEIC"),
        pytest.param(b"II*\0\x08\0\0\0", id="TIFF"),
        pytest.param(b"MM\0*\0\0\0\x08", id="TIFF, big-endian"),
        pytest.param(b"II+\0\x08\0\0\0", id="BigTIFF"),
        pytest.param(bmp(bmp_header(4, 2, 8, 1), b"\x04\x07\0\0\0\1", bytes(1024)), id="run-length coded BMP"),
        pytest.param(
            bmp(bmp_header(2, 1, 16, 3), bytes(4), struct.pack("<III", 0xF00, 0xF0, 0xF)), id="BMP of 4 bits each"
        ),
        pytest.param(encode(RAMP, "JPEG").replace(b"\xff\xc0", b"\xff\xc9"), id="arithmetic-coded JPEG"),
    ],
)
def test_what_people_have_and_is_not_read_is_refused_with_the_advice_what_to_send(content: bytes) -> None:
    with pytest.raises(ImageFormatUnknown, match=r"send .*PNG"):
        decode(content, LIMIT)


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
        pytest.param(b"RIFF\0\0\0\0WAVEfmt ", id="WAV, which begins as WebP does"),
        pytest.param(b"GIF88a", id="no version of GIF"),
        pytest.param(b"\0\0\1\0", id="ICO"),
        pytest.param(b"\0\0\0\x0cjP  \r\n\x87\n", id="JPEG 2000"),
        pytest.param(b"8BPS\0\1", id="PSD"),
        pytest.param(b"qoif", id="QOI"),
        pytest.param(b"PK\3\4", id="ZIP"),
    ],
)
def test_what_is_no_image_of_a_known_format_is_refused(content: bytes) -> None:
    with pytest.raises(ImageFormatUnknown):
        decode(content, LIMIT)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "BMP", "GIF", "WEBP"])
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


@pytest.mark.parametrize("bug", [MemoryError, TypeError, AssertionError])
def test_what_is_no_fault_of_the_file_is_not_told_as_one(bug: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise bug

    monkeypatch.setattr("mnist_infer.decode._to_grey", fail)
    with pytest.raises(bug):
        decode(digit_png(3), LIMIT)


def test_memory_that_the_decoder_was_not_given_is_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with pytest.raises(MemoryError):
        decode(encode(RAMP, "BMP"), LIMIT)
