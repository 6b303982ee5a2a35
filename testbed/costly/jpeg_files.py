"""Costly JPEG files. Their scans use codes of one bit where they can, so that many blocks fit into few bytes."""

import struct
from collections.abc import Sequence
from functools import partial

from testbed.costly.budget import MAX_BYTES
from testbed.costly.making import Makers, exif_files, repeated
from testbed.valid_images import valid_images

START, END = b"\xff\xd8", b"\xff\xd9"
BASELINE, SEQUENTIAL, PROGRESSIVE = 0xC0, 0xC1, 0xC2
FULL, HALF = ((1, 1),) * 3, ((2, 2), (1, 1), (1, 1))
GREY, CMYK = ((1, 1),), ((1, 1),) * 4
COARSE = ((1, 1), (2, 4), (1, 1))


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def frame(marker: int, width: int, height: int, sampling: Sequence[tuple[int, int]] = FULL) -> bytes:
    components = b"".join(bytes((i + 1, h << 4 | v, 0)) for i, (h, v) in enumerate(sampling))
    return segment(marker, struct.pack(">BHHB", 8, height, width, len(sampling)) + components)


def scan(
    data: bytes, names: Sequence[int] = (1, 2, 3), first: int = 0, last: int = 63, high: int = 0, low: int = 0
) -> bytes:
    components = b"".join(bytes((name, 0)) for name in names)
    return segment(0xDA, bytes([len(names)]) + components + bytes((first, last, high << 4 | low))) + data


def codes(*symbols: int, kind: int) -> bytes:
    """Return a table of Huffman codes, the first symbol's of one bit, the next one's of two, and so on."""
    counts = bytes(int(length < len(symbols)) for length in range(16))
    return segment(0xC4, bytes([kind << 4]) + counts + bytes(symbols))


QUANTISATION = segment(0xDB, b"\0" + b"\1" * 64)
FLAT = codes(0, kind=0) + codes(0, kind=1)  # a block is two bits: no difference, no coefficient
DETAILED = codes(0, kind=0) + codes(1, kind=1)  # each coefficient is two bits
BANDS = codes(0, kind=0) + codes(0xE0, 0x00, kind=1)  # 32 767 blocks without coefficients are two bytes
VALID = valid_images()["jpeg-RGB"]
BODY = VALID[2:]
MARKERS = (0xC0, 0xC4, 0xC9, 0xDA, 0xDB, 0xDC, 0xDD, 0xE0, 0xE1, 0xE2, 0xEE, 0xFE, 0x01, 0xD8)


def jpeg_files() -> Makers:
    yield from _pictures()
    yield from _segments()
    yield from _fillings()
    yield "jpeg/restart-after-each-block", partial(restarting, 3000)


def _pictures() -> Makers:
    for name, sampling in (("full", FULL), ("half", HALF), ("grey", GREY), ("cmyk", CMYK), ("coarse", COARSE)):
        for megapixels in (84, 160, 500):
            yield f"jpeg/flat-{name}-{megapixels}", partial(flat, sampling, megapixels)
        yield f"jpeg/detailed-{name}", partial(detailed, sampling)
        yield f"jpeg/narrow-{name}", partial(flat, sampling, 84, width=65500)
        for megapixels in (9, 13, 17, 40):
            for scans in (10, 30):
                yield f"jpeg/progressive-{name}-{megapixels}-{scans}", partial(progressive, sampling, megapixels, scans)
        yield f"jpeg/refined-{name}", partial(refined, sampling)
        yield f"jpeg/sequential-scans-{name}", partial(sequential, sampling)
        yield f"jpeg/one-scan-of-a-progressive-{name}", partial(progressive, sampling, 13, 0)
    for width, height in ((65535, 65535), (65500, 65500), (65500, 1), (1, 65500), (0, 9), (9, 0)):
        yield f"jpeg/{width}x{height}", partial(of_size, BASELINE, width, height)
        yield f"jpeg/{width}x{height}-progressive", partial(of_size, PROGRESSIVE, width, height)


def _segments() -> Makers:
    for marker in MARKERS:
        yield f"jpeg/{marker:02x}-empty", partial(repeated, START, segment(marker, b""), BODY)
        yield f"jpeg/{marker:02x}-long", partial(repeated, START, segment(marker, bytes(65533)), BODY)
        yield f"jpeg/{marker:02x}-before-the-scan", partial(repeated, *around_scan(segment(marker, bytes(60))))
        yield f"jpeg/{marker:02x}-behind-the-scan", partial(repeated, VALID[:-2], segment(marker, bytes(60)), END)
    for name, table in (("quantisation", QUANTISATION), ("codes", DETAILED)):
        yield f"jpeg/{name}-many", partial(repeated, START, table, BODY)
    yield "jpeg/tables-in-long-segments", partial(repeated, START, segment(0xDB, (b"\0" + b"\1" * 64) * 1000), BODY)
    for kind, content in (
        (0xE2, b"ICC_PROFILE\0\1\xff"),
        (0xE2, b"MPF\0II*\0\x08\0\0\0\xff\xff"),
        (0xED, b"Photoshop 3.0\0"),
    ):
        for length in (0, 65000):
            long = segment(kind, content + b"8BIM\3\xed\0\0\0\0" * (length // 10))
            yield f"jpeg/{content[:3].decode()}-many-{length}", partial(repeated, START, long, BODY)
    yield (
        "jpeg/JFIF-thumbnails",
        partial(repeated, START, segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\xff\xff" + bytes(65000)), BODY),
    )
    yield "jpeg/Adobe-many", partial(repeated, START, segment(0xEE, b"Adobe\0\x64\0\0\0\0\1"), BODY)
    for name, exif in exif_files().items():
        block = segment(0xE1, b"Exif\0\0" + exif()[:65000])
        yield f"jpeg/exif-{name}", partial(b"".join, (START, block, BODY))
        yield f"jpeg/exif-{name}-many", partial(repeated, START, block, BODY)


def _fillings() -> Makers:
    for name, block in (
        ("fill", b"\xff"),
        ("stuffed", b"\xff\0"),
        ("filled", b"\xff\xff\0"),
        ("restarts", b"\xff\xd0"),
        ("zeros", b"\0"),
    ):
        yield f"jpeg/{name}-before-the-frame", partial(repeated, START, block, BODY)
        yield f"jpeg/{name}-before-the-scan", partial(repeated, *around_scan(block))
        yield f"jpeg/{name}-in-the-scan", partial(repeated, VALID[:-2], block, END)
        yield f"jpeg/{name}-in-the-scan-of-a-progressive", partial(in_progressive, block)
        yield f"jpeg/{name}-behind-the-end", partial(repeated, VALID, block)


def of_size(marker: int, width: int, height: int) -> bytes:
    return START + QUANTISATION + FLAT + frame(marker, width, height) + scan(bytes(MAX_BYTES // 2)) + END


def block_counts(sampling: Sequence[tuple[int, int]], width: int, height: int) -> list[int]:
    across, down = (-(-side // (8 * max(f[i] for f in sampling))) for i, side in enumerate((width, height)))
    return [across * down * h * v for h, v in sampling]


def flat(sampling: Sequence[tuple[int, int]], megapixels: int, width: int = 0) -> bytes:
    """Return a picture of one grey, whole as far as it fits."""
    width = width or min(65496, round((megapixels * 1e6) ** 0.5))
    height = round(megapixels * 1e6 / width)
    data = bytes(min(sum(block_counts(sampling, width, height)) // 4 + 1, MAX_BYTES - 1000))
    head = START + QUANTISATION + FLAT + frame(BASELINE, width, height, sampling)
    return head + scan(data, range(1, len(sampling) + 1)) + END


def detailed(sampling: Sequence[tuple[int, int]]) -> bytes:
    """Return a picture with every coefficient, as large as a file can have them."""
    blocks = (MAX_BYTES - 1000) * 8 // 127
    side = int((blocks / sum(h * v for h, v in sampling)) ** 0.5) * 8 * max(h for h, _ in sampling)
    head = START + QUANTISATION + DETAILED + frame(BASELINE, side, side, sampling)
    eight_blocks = int(("0" + "01" * 63) * 8, 2).to_bytes(127, "big")
    return head + scan(eight_blocks * ((MAX_BYTES - 1000) // 127), range(1, len(sampling) + 1)) + END


def empty_band(blocks: int) -> bytes:
    """Return the data of a scan whose blocks have no coefficients: a code, and 14 bits, for 2^15 - 1 of them."""
    return b"\x7f\xfe" * (blocks // 32767 + 1)


def progressive(sampling: Sequence[tuple[int, int]], megapixels: int, scans: int) -> bytes:
    """Return a picture of one grey, each of whose scans goes over all of its blocks again."""
    side = round((megapixels * 1e6) ** 0.5)
    counts = block_counts(sampling, side, side)
    parts = [START, QUANTISATION, BANDS, frame(PROGRESSIVE, side, side, sampling)]
    parts.append(scan(bytes(sum(counts) // 8 + 1), range(1, len(sampling) + 1), 0, 0))
    if not scans:
        varied = bytes(range(1, 255)) * (sum(counts) * 12 // 8 // 254 + 1)  # a code and 11 bits for each block
        parts[-1] = codes(11, kind=0) + scan(varied, range(1, len(sampling) + 1), 0, 0)
    for number in range(scans):
        name = number % len(sampling)
        parts.append(scan(empty_band(counts[name]), [name + 1], 1, 63, *((0, 1) if number < len(sampling) else (1, 0))))
    return b"".join((*parts, END))


def refined(sampling: Sequence[tuple[int, int]]) -> bytes:
    """Return a picture with every coefficient, refined as often as there are bytes for it."""
    side = 1200
    counts = block_counts(sampling, side, side)
    every = codes(0, kind=0) + codes(1, kind=1)
    parts = [START, QUANTISATION, every, frame(PROGRESSIVE, side, side, sampling)]
    parts.append(scan(bytes(sum(counts) // 8 + 1), range(1, len(sampling) + 1), 0, 0))
    parts += [scan(b"\x55" * (blocks * 16), [name + 1], 1, 63, 0, 13) for name, blocks in enumerate(counts)]
    refinement = scan(b"\x55" * (counts[0] * 8), [1], 1, 63, 13, 12)
    parts.append(codes(0xE0, 0x00, kind=1))
    return repeated(b"".join(parts), refinement, END)


def sequential(sampling: Sequence[tuple[int, int]]) -> bytes:
    """Return a picture of 13 megapixels whose components have scans of their own, each many times."""
    side = 3600
    counts = block_counts(sampling, side, side)
    head = START + QUANTISATION + FLAT + frame(SEQUENTIAL, side, side, sampling)
    scans = b"".join(scan(bytes(blocks // 4 + 1), [name + 1]) for name, blocks in enumerate(counts))
    return repeated(head, scans, END)


def restarting(side: int) -> bytes:
    """Return a picture whose decoder starts anew before each unit of blocks."""
    head = START + QUANTISATION + FLAT + segment(0xDD, b"\0\1") + frame(BASELINE, side, side, GREY)
    data = b"".join(b"\x3f\xff" + bytes([0xD0 + number % 8]) for number in range(8))
    return head + scan(data * ((side // 8) ** 2 // 8 + 8), [1]) + END


def around_scan(block: bytes) -> tuple[bytes, bytes, bytes]:
    start = VALID.index(b"\xff\xda")
    return VALID[:start], block, VALID[start:]


def in_progressive(block: bytes) -> bytes:
    photo = valid_images()["jpeg-RGB-progressive"]
    return repeated(photo[:-2], block, END)
