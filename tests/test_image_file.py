"""The walk over image files: what it hands on, and that a decoder reads the same in it."""

import io
import struct
import warnings
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pytest
from PIL import Image

from mnist_infer.errors import ImageDamaged, ImageFormatUnknown
from mnist_infer.image_file import extract_picture
from mnist_infer.image_file.exif import read_orientation
from mnist_infer.image_file.webp_lossless import lossless_table_bytes
from testbed.costly.making import exif_files
from testbed.costly.webp_files import many_codes
from testbed.pictures import EXAMPLES, encode
from testbed.valid_images import bmp, bmp_header, chunk, png, png_header, riff, valid_images, webp_chunk

ADDED_BYTES = 100
"""What a walk may add to a file: headers that are written anew."""


def picture_of(content: bytes) -> tuple[str, tuple[int, int], bytes]:
    """Return what Pillow reads: mode, size and pixels, transparency included."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of what the walk leaves out
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            if image.has_transparency_data:
                return image.mode, image.size, image.convert("RGBA").tobytes()
            return image.mode, image.size, (image if image.mode.startswith("I") else image.convert("RGB")).tobytes()


def noise(mode: str, size: tuple[int, int]) -> Image.Image:
    """Return a picture of noise, some of it transparent where its mode can be."""
    pixels = np.random.default_rng(sum(size)).integers(0, 256, (size[1], size[0], 4), np.uint8)
    if mode == "I;16":
        return Image.fromarray(pixels.view(np.uint16)[..., 0].copy())
    return Image.fromarray(pixels).convert(mode)


def encoded(mode: str, size: tuple[int, int], file_format: str, options: dict[str, object]) -> bytes:
    return encode(noise(mode, size), file_format, **options)


WAYS: dict[str, tuple[str, dict[str, dict[str, object]]]] = {
    "PNG": (
        "1 L LA P RGB RGBA I;16",
        {
            "": {},
            "optimised": {"optimize": True},
            "stored": {"compress_level": 0},
            "profile": {"icc_profile": bytes(99)},
        },
    ),
    "JPEG": (
        "L RGB CMYK",
        {
            "": {},
            "progressive": {"progressive": True},
            "full": {"subsampling": 0},
            "half": {"subsampling": 1, "quality": 95},
            "profile": {"icc_profile": bytes(200_000)},
            "restarts": {"restart_marker_blocks": 1, "optimize": True},
            "comment": {"comment": b"three" * 99, "keep_rgb": True},
        },
    ),
    "WEBP": (
        "L RGB RGBA",
        {
            "": {},
            "lossless": {"lossless": True},
            "near": {"lossless": True, "quality": 100, "method": 6},
            "fast": {"lossless": True, "quality": 0, "method": 0},
            "exact": {"alpha_quality": 50, "exact": True},
            "profile": {"icc_profile": bytes(99), "exif": b"Exif\0\0II*\0"},
        },
    ),
    "GIF": ("1 L P RGBA", {"": {}, "interlaced": {"interlace": 1}, "comment": {"comment": b"three" * 99}}),
    "BMP": ("1 L P RGB RGBA", {"": {}}),
}
SIZES = ((1, 1), (7, 5), (64, 48), (67, 131), (1, 300), (300, 1))


def honest_files() -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Give files as encoders write them: every mode, size and way of packing that Pillow has for a format."""
    for file_format, (modes, ways) in WAYS.items():
        for mode in modes.split():
            for size in SIZES:
                for name, options in ways.items():
                    title = f"{file_format}-{mode}-{size[0]}x{size[1]}-{name}"
                    yield title, partial(encoded, mode, size, file_format, options)
    for name, content in valid_images().items():
        yield name, partial(bytes, content)
    for path in sorted((EXAMPLES / "digits").iterdir()):
        yield path.name, path.read_bytes


HONEST_FILES = dict(honest_files())


@pytest.mark.parametrize("name", HONEST_FILES)
def test_pillow_reads_the_same_before_and_after_the_walk(name: str) -> None:
    content = HONEST_FILES[name]()
    picture = extract_picture(content)
    assert picture_of(picture.content) == picture_of(content)
    assert len(picture.content) <= len(content) + ADDED_BYTES
    assert extract_picture(picture.content).content == picture.content  # there is no more to leave out


def exif(orientation: int) -> bytes:
    fields = Image.Exif()
    fields[0x010F], fields[0x0112] = "a camera", orientation
    return fields.tobytes()


def oriented(kind: str, content: bytes) -> bytes:
    """Return a file with Exif, in one of the places where it may stand."""
    small, header, end = Image.new("RGB", (4, 2)), png_header(4, 2, 8, 2), chunk(b"IEND", b"")
    if kind == "JPEG":
        return encode(small, "JPEG", exif=content)
    if kind == "WebP":
        return encode(small, "WEBP", exif=content)
    pixels = encode(small)[len(png(header)) : -len(end)]
    field = chunk(b"eXIf", content.removeprefix(b"Exif\0\0"))
    return png(header, *((field, pixels) if kind == "PNG, before the pixels" else (pixels, field)), end)


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("kind", ["JPEG", "WebP", "PNG, before the pixels", "PNG, behind the pixels"])
def test_the_orientation_is_read_and_one_that_does_not_exist_is_upright(kind: str, orientation: int) -> None:
    expected = orientation if 1 <= orientation <= 8 else 1
    assert extract_picture(oriented(kind, exif(orientation))).orientation == expected


@pytest.mark.parametrize("kind", ["JPEG", "WebP", "PNG, before the pixels", "PNG, behind the pixels"])
@pytest.mark.parametrize("name", exif_files())
def test_broken_exif_on_a_sound_picture_does_not_matter(kind: str, name: str) -> None:
    content = b"Exif\0\0" + exif_files()[name]()[:60_000]
    assert extract_picture(oriented(kind, content)).width == 4


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_orientation_is_one_short_number_among_other_fields(order: str) -> None:
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "IH", 8, 2)

    def fields(kind: int = 3, count: int = 1) -> bytes:
        first = struct.pack(order + "HHII", 0x0110, 2, 4, 0)
        return head + first + struct.pack(order + "HHIHH", 0x0112, kind, count, 6, 0)

    assert read_orientation(fields()) == 6
    assert read_orientation(fields(kind=4)) == read_orientation(fields(count=2)) == 1
    assert read_orientation(fields()[:-3]) == read_orientation(b"") == read_orientation(head) == 1


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


JPEG, PROGRESSIVE = valid_images()["jpeg-RGB"], valid_images()["jpeg-RGB-progressive"]
VIDEO = b"\0\0\0\x18ftypmp42" + bytes(range(255, -1, -1)) * 999


@pytest.mark.parametrize(
    ("content", "as_good_as"),
    [
        pytest.param(JPEG + VIDEO, JPEG, id="a motion photo"),
        pytest.param(JPEG + JPEG, JPEG, id="a second picture"),
        pytest.param(JPEG[:-2] + b"\xff\xe0\0\0", JPEG, id="no end, and a segment without a length"),
        pytest.param(JPEG[:-2] + b"\xff\x01" + VIDEO, JPEG, id="no end, and a marker out of its place"),
        pytest.param(JPEG[:-2] + JPEG, JPEG, id="no end, and a second picture"),
        pytest.param(JPEG[:2] + b"\xff\xe5\0\0" + JPEG[2:], JPEG, id="a skipped segment of length 0"),
        pytest.param(JPEG[:2] + b"\xff\xfe\0\1" + JPEG[2:], JPEG, id="a comment of length 1"),
        pytest.param(PROGRESSIVE + VIDEO, PROGRESSIVE, id="a progressive motion photo"),
        pytest.param(PROGRESSIVE + JPEG, PROGRESSIVE, id="a second picture behind a progressive one"),
        pytest.param(
            JPEG[:2] + segment(0xE2, b"ICC_PROFILE\0\1\1" + b"\xff\xda" * 30_000) * 9 + JPEG[2:], JPEG, id="profile"
        ),
        pytest.param(JPEG[:2] + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>") + JPEG[2:], JPEG, id="XMP"),
        pytest.param(JPEG[:2] + segment(0xFE, b"three") + JPEG[2:], JPEG, id="a comment"),
        pytest.param(JPEG[:2] + b"\xff" * 99 + JPEG[2:], JPEG, id="fill bytes"),
        pytest.param(PROGRESSIVE[:-2] + segment(0xFE, b"three") + PROGRESSIVE[-2:], PROGRESSIVE, id="between scans"),
    ],
)
def test_what_is_not_the_picture_is_left_out_of_a_jpeg(content: bytes, as_good_as: bytes) -> None:
    assert extract_picture(content).content == extract_picture(as_good_as).content


@pytest.mark.parametrize("size", [2**16 - 1, 2**16, 2**16 + 1, 2**18 - 1, 2**18])
def test_a_scan_ends_at_its_marker_wherever_that_stands(size: int) -> None:
    start = JPEG[: JPEG.index(b"\xff\xda") + 14]
    scan = (b"\xff\0\xff\xd0" * size)[:size]
    scan = scan[:-1] + b"\1" if scan[-1] == 0xFF else scan
    content = start + scan + b"\xff\xd9"
    assert extract_picture(content + VIDEO).content == extract_picture(content).content
    assert extract_picture(content).content.endswith(scan + b"\xff\xd9")


def test_a_jpegs_thumbnail_is_left_out_and_what_its_colours_hang_on_is_kept() -> None:
    jfif = segment(0xE0, b"JFIF\0\1\2\1\0\x48\0\x48\2\2" + bytes(12))
    content = extract_picture(b"\xff\xd8" + jfif + segment(0xEE, b"Adobe\0\x64\0\0\0\0\0 and more") + JPEG[20:]).content
    assert content.startswith(b"\xff\xd8" + segment(0xE0, b"JFIF\0\1\2\1\0\x48\0\x48\0\0"))
    assert segment(0xEE, b"Adobe\0\x64\0\0\0\0\0") in content


def test_of_a_png_only_what_makes_the_pixels_is_kept_and_the_pixels_come_in_one_chunk() -> None:
    content = valid_images()["png-P-transparent"]
    pixels = content[content.index(b"IDAT") - 4 : content.index(b"IEND") - 4]
    pieces = b"".join(chunk(b"IDAT", pixels[8:-4][i : i + 1]) for i in range(len(pixels) - 12))
    extra = chunk(b"tEXt", b"a\0b") + chunk(b"iCCP", b"x") + chunk(b"gAMA", bytes(4))
    start = content.index(b"PLTE") - 4
    decorated = content[:start] + extra + content[start:].replace(pixels, extra + pieces + extra)
    assert extract_picture(decorated + b"and more").content == extract_picture(content).content == content


@pytest.mark.parametrize("planes", [0, 3])
def test_the_planes_of_a_bmp_do_not_matter(planes: int) -> None:
    content = ONE_ROW[:26] + struct.pack("<H", planes) + ONE_ROW[28:]
    assert picture_of(extract_picture(content).content) == picture_of(ONE_ROW)


@pytest.mark.parametrize("end", [b"\0\0\0\5IEND", b"\0\0\0\0IEND", b"\0\0\0\0IEND\xae"])
def test_a_png_may_end_in_an_end_that_is_not_whole(end: bytes) -> None:
    content = valid_images()["png-L"]
    assert extract_picture(content[:-12] + end).content == content


@pytest.mark.parametrize("name", ["gif-animated", "webp-animated", "png-animated"])
def test_of_an_animation_the_first_frame_is_kept(name: str) -> None:
    content = valid_images()[name]
    with Image.open(io.BytesIO(extract_picture(content).content)) as image:
        assert getattr(image, "n_frames", 1) == 1
    assert picture_of(extract_picture(content).content) == picture_of(content)


PIXELS = chunk(b"IDAT", b"x")
ONE_ROW = bmp(bmp_header(4, 1, 24), bytes(12))
LOSSY = valid_images()["webp-L"][20:]  # the data of its one chunk


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(png(png_header(2, 2), png_header(4, 4), PIXELS), id="PNG, two headers"),
        pytest.param(png(PIXELS, png_header(2, 2)), id="PNG, the header last"),
        pytest.param(png(chunk(b"CgBI", bytes(4)), png_header(2, 2), PIXELS), id="PNG, of an iPhone's application"),
        pytest.param(png(png_header(2, 2)[:-1] + b"\0", PIXELS), id="PNG, a wrong checksum"),
        pytest.param(png(png_header(2, 2, 8, 3), PIXELS), id="PNG, no palette"),
        pytest.param(png(png_header(2, 2, 8, 3), chunk(b"PLTE", bytes(257 * 3)), PIXELS), id="PNG, 257 colours"),
        pytest.param(png(png_header(2, 2, 3, 0), PIXELS), id="PNG, three bits"),
        pytest.param(png(png_header(2**31, 1), PIXELS), id="PNG, a negative width"),
        pytest.param(png(png_header(2, 2), PIXELS[:-5]), id="PNG, a chunk longer than the file"),
        pytest.param(JPEG.replace(b"\xff\xda", b"\xff\xc0\0\x0b\x08\0\1\0\1\1\1\x11\0\xff\xda"), id="JPEG, two frames"),
        pytest.param(JPEG[: JPEG.index(b"\xff\xda") + 40] + JPEG[JPEG.index(b"\xff\xc0") :], id="JPEG, half a scan"),
        pytest.param(b"\xff\xd8" + JPEG, id="JPEG, two starts"),
        pytest.param(JPEG[:2] + JPEG[JPEG.index(b"\xff\xda") :], id="JPEG, no frame"),
        pytest.param(JPEG.replace(b"\xff\xdb\0\x43", b"\xff\xdb\0\1", 1), id="JPEG, tables of one byte"),
        pytest.param(JPEG[:2] + segment(0xDB, bytes(65 * 9)) + JPEG[2:], id="JPEG, nine tables in a segment"),
        pytest.param(valid_images()["gif-L"][:13], id="GIF, no colours"),
        pytest.param(b"GIF89a" + bytes(7) + b"!\xf9\0" * 2**18, id="GIF, many empty blocks"),
        pytest.param(riff(webp_chunk(b"EXIF", exif(6))), id="WebP, no pixels"),
        pytest.param(riff(webp_chunk(b"VP8 ", LOSSY[:6] + bytes(2) + LOSSY[8:])), id="WebP, no width"),
        pytest.param(riff(webp_chunk(b"VP8 ", LOSSY[:8] + bytes(2) + LOSSY[10:])), id="WebP, no height"),
        pytest.param(riff(webp_chunk(b"VP8X", bytes(9)), valid_images()["webp-L"][12:]), id="WebP, a short header"),
        pytest.param(riff(webp_chunk(b"VP8X", bytes(10)), valid_images()["webp-L"][12:]), id="WebP, two sizes"),
        pytest.param(ONE_ROW[:-1], id="BMP, a byte short"),
        pytest.param(ONE_ROW[:10] + b"\x0d" + ONE_ROW[11:], id="BMP, pixels in the header"),
        pytest.param(
            bmp(bmp_header(4, 1, 8)[:-8] + struct.pack("<II", 257, 0), bytes(4), bytes(1028)), id="BMP, colours"
        ),
    ],
)
def test_a_file_that_breaks_a_rule_of_its_format_is_damaged(content: bytes) -> None:
    with pytest.raises(ImageDamaged):
        extract_picture(content)


@pytest.mark.parametrize("kind", [0xC3, 0xC5, 0xC9, 0xCA, 0xCF])
def test_a_jpeg_of_another_process_is_not_read(kind: int) -> None:
    with pytest.raises(ImageFormatUnknown, match=r"send .*PNG"):
        extract_picture(JPEG.replace(b"\xff\xc0", bytes((0xFF, kind))))


@pytest.mark.parametrize("wide", [False, True])
def test_the_tables_of_a_lossless_webp_are_counted(wide: bool) -> None:
    colours = 2**11 if wide else 0
    blocks = 10 * 8  # of 4x4 pixels
    expected = blocks * ((2956 + colours) * 4 + 600)
    assert lossless_table_bytes(memoryview(many_codes(40, 32, wide)), 40, 40, 32) == expected


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"quality": 0, "method": 0}, {"quality": 100, "method": 6}], ids=str)
@pytest.mark.parametrize("size", [(400, 300), (1000, 700)])
def test_an_encoders_tables_for_a_photo_are_a_small_part_of_the_budget(
    size: tuple[int, int], options: dict[str, object]
) -> None:
    photo = Image.open(EXAMPLES / "digits" / "2-photo.jpg").convert("RGB").resize(size, Image.Resampling.BICUBIC)
    assert 0 < extract_picture(encode(photo, "WEBP", lossless=True, **options)).decoder_bytes < 5_000_000
