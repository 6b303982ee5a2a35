"""Image files of the kinds that have broken decoders: false lengths, sizes and offsets, bombs, loops."""

import struct
import zlib
from collections.abc import Iterator

from testbed.valid_images import (
    GREY,
    HEIGHT,
    WIDTH,
    bmp,
    bmp_header,
    chunk,
    png,
    png_header,
    riff,
    valid_images,
    webp_chunk,
)

BOMB = zlib.compress(bytes(3_000_000), 9)
ROWS = zlib.compress(b"".join(b"\0" + row.tobytes() for row in GREY))
HUGE = 2**31 - 1


def broken_images() -> dict[str, bytes]:
    """Return the files by their names."""
    return dict([*_truncated(), *_png(), *_jpeg(), *_gif(), *_webp(), *_bmp()])


def _truncated() -> Iterator[tuple[str, bytes]]:
    for name in (
        "png-RGBA",
        "png-animated",
        "jpeg-RGB-progressive",
        "gif-animated",
        "webp-exif",
        "bmp-P",
    ):
        content = valid_images()[name]
        for eighth in range(8):
            yield f"{name}-truncated-{eighth}", content[: 12 + (len(content) - 12) * eighth // 8]


def _png() -> Iterator[tuple[str, bytes]]:
    data, end, header = chunk(b"IDAT", ROWS), chunk(b"IEND", b""), png_header(WIDTH, HEIGHT)
    for width, height in ((0, 0), (0, 5), (5, 0), (65535, 65535), (HUGE, 1), (1, HUGE), (2**32 - 1, 2**32 - 1)):
        yield f"png-{width}x{height}", png(png_header(width, height), data, end)
    for depth, colour in ((0, 0), (3, 0), (16, 3), (1, 2), (255, 255)):
        yield f"png-depth-{depth}-{colour}", png(png_header(WIDTH, HEIGHT, depth, colour), data, end)
    for width, height in (
        (1, 12_000_000),
        (12_000_000, 1),
        (2, 4_000_000),
        (2_500_000, 2),
        (1, 3_000_000),
        (3_000_000, 1),
    ):
        yield f"png-narrow-{width}x{height}", png(png_header(width, height, 16, 6), data, end)
    for height in (HEIGHT, 2000):  # the second is averaged
        rows = chunk(b"IDAT", zlib.compress(bytes(3 * height)))
        yield f"png-no-palette-{height}", png(png_header(WIDTH, height, 1, 3), rows, end)
    yield "png-wrong-checksum", png(header[:-1] + b"\0", data, end)
    yield "png-two-headers", png(header, png_header(5000, 2000), data, end)
    yield "png-header-last", png(data, header, end)
    yield "png-no-data", png(header, end)
    yield "png-empty-data", png(header, chunk(b"IDAT", b""), end)
    yield "png-data-bomb", png(header, chunk(b"IDAT", BOMB), end)
    yield "png-data-in-pieces", png(header, *(chunk(b"IDAT", ROWS[i : i + 1]) for i in range(len(ROWS))), end)
    yield "png-huge-chunk", png(header, struct.pack(">I", HUGE) + b"IDAT" + ROWS)
    yield "png-negative-chunk", png(header, struct.pack(">I", 2**32 - 1) + b"tEXt")
    yield "png-two-ends", png(header, data, end, end, data)
    for kind, content in _png_extras():
        yield f"png-{kind.decode()}-{len(content)}", png(header, chunk(kind, content), data, end)
        yield f"png-{kind.decode()}-{len(content)}-behind", png(header, data, chunk(kind, content), end)


def _png_extras() -> Iterator[tuple[bytes, bytes]]:
    yield b"iCCP", b"profile\0\0" + BOMB
    yield b"zTXt", b"Comment\0\0" + BOMB
    yield b"iTXt", b"Comment\0\1\0en\0name\0" + BOMB
    yield b"iCCP", b"profile\0\x07"
    yield b"zTXt", b"Comment"
    yield b"iTXt", b"\0\0"
    for kind in (b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"eXIf", b"acTL", b"fcTL", b"fdAT", b"oFFs"):
        yield kind, b""
        yield kind, b"\xff" * 7
    yield b"eXIf", b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\x08\0\0\0"
    yield b"acTL", struct.pack(">II", HUGE, 0)
    yield b"fcTL", struct.pack(">IIIIIHHBB", 0, WIDTH, HEIGHT, HUGE, HUGE, 1, 0, 9, 9)


def _jpeg() -> Iterator[tuple[str, bytes]]:
    plain, progressive = valid_images()["jpeg-RGB"], valid_images()["jpeg-RGB-progressive"]
    size = plain.index(b"\xff\xc0") + 5
    for height, width in ((0, 0), (0, WIDTH), (HEIGHT, 0), (65535, 65535), (65500, 1), (3000, 4000)):
        patched = plain[:size] + struct.pack(">HH", height, width) + plain[size + 4 :]
        yield f"jpeg-{width}x{height}", patched
        yield f"jpeg-{width}x{height}-lines-later", patched[:-2] + b"\xff\xdc\0\x04\xff\xff\xff\xd9"
    for components in (0, 1, 2, 4, 5, 255):
        yield f"jpeg-{components}-components", plain[: size + 4] + bytes([components]) + plain[size + 5 :]
    for precision in (0, 1, 12, 16):
        yield f"jpeg-{precision}-bits", plain[: size - 1] + bytes([precision]) + plain[size:]
    for marker in (0xC1, 0xC2, 0xC3, 0xC5, 0xC9, 0xCA, 0xCB, 0xD0, 0xD9, 0x01):
        yield f"jpeg-frame-{marker:02x}", plain.replace(b"\xff\xc0", bytes([0xFF, marker]))
    scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    yield "jpeg-many-scans", progressive[:-2] + scan * 25 + b"\xff\xd9"
    yield "jpeg-too-many-scans", progressive[:-2] + scan * 200 + b"\xff\xd9"
    huge = progressive.index(b"\xff\xc2") + 5
    large = progressive[:huge] + struct.pack(">HH", 3600, 3600) + progressive[huge + 4 : -2]
    yield "jpeg-many-scans-of-a-large-picture", large + scan * 20 + b"\xff\xd9"
    yield "jpeg-restarts-in-disorder", plain[:-2] + b"\xff\xd7\xff\xd0\xff\xd3" * 9 + b"\xff\xd9"
    for kind, content in _jpeg_extras():
        yield f"jpeg-{kind:02x}-{len(content)}", b"\xff\xd8" + _segment(kind, content) + plain[2:]
    yield "jpeg-false-length", plain[:4] + b"\0\1" + plain[6:]
    yield "jpeg-no-tables", plain.replace(b"\xff\xc4", b"\xff\xfe").replace(b"\xff\xdb", b"\xff\xfe")
    yield "jpeg-fill-bytes", b"\xff\xd8" + b"\xff" * 2000 + plain[2:]
    yield "jpeg-start-only", b"\xff\xd8\xff"
    yield "jpeg-two-starts", plain[:2] + plain


def _segment(kind: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, kind, len(content) + 2) + content


def _jpeg_extras() -> Iterator[tuple[int, bytes]]:
    loop = b"Exif\0\0II*\0\x08\0\0\0\1\0\x69\x87\4\0\1\0\0\0\x08\0\0\0\x08\0\0\0"
    yield 0xE1, loop
    yield 0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff"
    yield 0xE1, b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\x02\0\xff\xff\xff\x7f\6\0\0\0\0\0\0\0"
    yield 0xE1, b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\5\0\1\0\0\0\x08\0\0\0\0\0\0\0"
    yield 0xE1, b"http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation='6'>"
    yield 0xE2, b"MPF\0II*\0\x08\0\0\0\1\0\1\xb0\4\0\1\0\0\0\xff\xff\0\0\0\0\0\0"
    yield 0xE2, b"ICC_PROFILE\0\x09\x02" + bytes(30)
    yield 0xED, b"Photoshop 3.0\x008BIM\x03\xed\0\0\xff\xff\xff\xff"
    yield 0xEE, b"Adobe\0\x64\0"
    yield 0xEE, b"Adobe\0\x64\0\0\0\0\x02"
    for kind in (0xC4, 0xDB, 0xDD, 0xE0, 0xDC, 0xCC):
        yield kind, b""
        yield kind, b"\xff" * 40


def _gif() -> Iterator[tuple[str, bytes]]:
    for width, height in ((0, 0), (0, 3), (65535, 65535), (3600, 3600)):
        yield f"gif-screen-{width}x{height}", _gif_of(_frame(), width=width, height=height)
        yield f"gif-frame-{width}x{height}", _gif_of(_frame(width=width, height=height))
    for code_size in (0, 1, 9, 11, 12, 13, 255):
        yield f"gif-code-size-{code_size}", _gif_of(_frame(code_size=code_size))
    yield "gif-frame-outside", _gif_of(_frame(left=60000, top=60000))
    yield "gif-no-frame", _gif_of()
    yield "gif-empty-frame", _gif_of(_frame(data=b"\0"))
    yield "gif-long-data", _gif_of(_frame(data=b"\xff" + bytes(range(255)) + b"\0"))
    yield "gif-data-without-end", _gif_of(_frame(data=b"\xff\x4c"))
    yield "gif-clear-codes", _gif_of(_frame(data=b"\x40" + b"\x24\x49\x92" * 21 + b"\0\0"))
    for extension in (b"!\xf9\0", b"!\xf9\x01\xff\0", b"!\xff\x0bNETSCAPE2.0\0", b"!\xfe\xff", b"!\x01\x0c"):
        yield f"gif-extension-{extension.hex()}", _gif_of(extension, _frame())
    yield "gif-no-palette", b"GIF87a" + struct.pack("<HHBBB", WIDTH, HEIGHT, 0, 0, 0) + _frame() + b";"


def _frame(
    *, left: int = 0, top: int = 0, width: int = WIDTH, height: int = HEIGHT, code_size: int = 2, data: bytes = b""
) -> bytes:
    return b"," + struct.pack("<HHHHBB", left, top, width, height, 0, code_size) + (data or b"\x02\x4c\x01\0")


def _gif_of(*blocks: bytes, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0)
    return b"GIF89a" + screen + b"\0\0\0\xff\xff\xff" + b"".join(blocks) + b";"


def _webp() -> Iterator[tuple[str, bytes]]:
    lossy, lossless = (valid_images()[name][12:] for name in ("webp-L", "webp-L-lossless"))
    for name, image in (("lossy", lossy), ("lossless", lossless)):
        for size in (0, 4, 2**31, 2**32 - 1):
            yield f"webp-{name}-file-of-{size}", riff(image, size=size)
            yield f"webp-{name}-chunk-of-{size}", riff(webp_chunk(image[:4], image[8:], size))
        for flags in (0x00, 0x02, 0x10, 0x3E, 0xFF):
            for side in (WIDTH - 1, 3000, 2**24 - 1):
                canvas = bytes([flags, 0, 0, 0]) + side.to_bytes(3, "little") * 2
                yield f"webp-{name}-canvas-{flags:02x}-{side}", riff(webp_chunk(b"VP8X", canvas), image)
    yield "webp-size-patched", riff(lossy[:14] + b"\xff\x3f\xff\x3f" + lossy[18:])
    yield "webp-lossless-size-patched", riff(lossless[:9] + b"\xff\xff\xff\x0f" + lossless[13:])
    yield "webp-no-chunk", riff()
    yield "webp-unknown-chunk", riff(webp_chunk(b"ABCD", b"three"), lossy)
    canvas = b"\x02\0\0\0" + (99).to_bytes(3, "little") * 2
    frame = bytes(6) + (9999).to_bytes(3, "little") * 2 + bytes(4) + lossy
    animation = webp_chunk(b"ANIM", bytes(6)) + webp_chunk(b"ANMF", frame)
    yield "webp-frame-outside", riff(webp_chunk(b"VP8X", canvas), animation)
    yield "webp-no-frames", riff(webp_chunk(b"VP8X", canvas), webp_chunk(b"ANIM", bytes(6)))
    yield "webp-alpha-broken", riff(webp_chunk(b"VP8X", b"\x10" + canvas[1:]), webp_chunk(b"ALPH", b"\xff"), lossy)


def _bmp() -> Iterator[tuple[str, bytes]]:
    rows = bytes(200)
    for width, height in ((0, 0), (0, 4), (-4, 4), (4, -4), (HUGE, HUGE), (-HUGE - 1, -HUGE - 1), (1, 12_000_000)):
        yield f"bmp-{width}x{height}", bmp(bmp_header(width, height, 24), rows)
    for depth in (0, 1, 2, 4, 8, 16, 24, 32, 64, 65535):
        for compression in (0, 1, 2, 3, 4, 5, 6):
            yield f"bmp-{depth}-bit-{compression}", bmp(bmp_header(4, 4, depth, compression), rows, bytes(64))
    for size in (0, 4, 11, 12, 16, 39, 52, 56, 64, 108, 124, 240, HUGE):
        yield f"bmp-header-of-{size}", bmp(bmp_header(4, 4, 24, size=size), rows)
        yield f"bmp-header-of-{size}-fields", bmp(bmp_header(4, 4, 32, 3, size=size) + bytes(84), rows)
    for name, codes in (
        ("jumps-outside", b"\0\2\xff\xff" * 30),
        ("without-end", b"\x04\x07" * 90),
        ("absolute-too-long", b"\0\xff\1"),
        ("lines-only", b"\0\0" * 90),
        ("nothing", b""),
    ):
        yield f"bmp-rle8-{name}", bmp(bmp_header(4, 4, 8, 1), codes, bytes(1024))
        yield f"bmp-rle4-{name}", bmp(bmp_header(4, 4, 4, 2), codes, bytes(64))
    whole = bmp(bmp_header(4, 4, 24), rows)
    for start in (0, 14, 2**32 - 1):
        yield f"bmp-pixels-at-{start}", whole[:10] + struct.pack("<I", start) + whole[14:]
    colours = bmp_header(4, 4, 8)
    yield "bmp-many-colours", bmp(colours[:-8] + b"\xff\xff\xff\x7f" + colours[-4:], rows, bytes(1024))
