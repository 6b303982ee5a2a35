"""JPEG: the frame, its tables and scans, and the two markers that tell which colours they are.

Profiles, previews, comments and whatever follows the picture's end, a phone's video or further
pictures, are left out.

Source:
    ITU-T T.81 (JPEG), ITU-T T.871 (JFIF), ITU-T T.872 (Adobe's marker).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from mnist_infer.errors import ImageFormatUnknown, ImageTooLarge
from mnist_infer.image_file.exif import IDENTIFIER, read_orientation
from mnist_infer.image_file.picture import UPRIGHT, Picture, damaged, require, unpack

# T.81, B.1.1.2 and table B.1. In a scan FF 00 stands for a byte FF, FF D0 to FF D7 restart its decoder,
# and before any marker there may be more FFs.
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_BELONGS_TO_SCAN = np.isin(np.arange(256), [0x00, *range(0xD0, 0xD8)])  # what follows an FF there
_SEARCHED_BYTES = 2**16  # at a time, which bounds the memory
_END = b"\xff\xd9"
_SOI, _EOI, _SOS, _DQT, _DHT, _DRI = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD
_BASELINE, _SEQUENTIAL, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_OTHER_FRAMES = {*range(0xC3, 0xD0)} - {_DHT, 0xC8, 0xCC}
_FRAMES = {bytes((marker,)) for marker in (_BASELINE, _SEQUENTIAL, _PROGRESSIVE)}
_SKIPPED = {*range(0xE0, 0xF0), 0xFE}  # applications' and comments
_APP0, _APP1, _APP14 = 0xE0, 0xE1, 0xEE

_MAX_TABLE_BYTES = {_DQT: 4 * 129, _DHT: 8 * (17 + 256)}  # B.2.4.1 and B.2.4.2: so many tables there are
_BLOCK_BYTES = 64 * 2  # A.3.3 and the decoder's memory: 8x8 coefficients of 16 bits
_MAX_SEGMENTS = 2**10  # a profile of 16 MB has 256, and ten scans have thirty

# Each scan is a pass over its components' blocks. An encoder's usual ten scans of a 20-megapixel photo, its
# colours at half the width and height, visit 2.4 million.
_MAX_VISITED_BLOCKS = 8_000_000


class _Frame(NamedTuple):
    """What a frame's header says: B.2.2.

    Attributes:
        is_progressive: whether each scan brings a part of the coefficients only.
        width: in pixels.
        height: the same.
        blocks: how many of 8x8 samples each component has, by the component's identifier.
    """

    is_progressive: bool
    width: int
    height: int
    blocks: dict[int, int]


def walk_jpeg(content: bytes) -> Picture:
    """Return a JPEG file's picture; of several the first."""
    frame: _Frame | None = None
    orientation: int | None = None
    parts: list[bytes | memoryview] = [b"\xff\xd8"]
    decoder_bytes = visited = 0
    for marker, segment, scan, behind in _segments(content):
        if marker in (_BASELINE, _SEQUENTIAL, _PROGRESSIVE):
            require(frame is None, "it has two frames")
            frame = _read_frame(marker, segment)
        elif marker == _APP1 and orientation is None and segment[:6] == IDENTIFIER:
            orientation = read_orientation(segment)
        parts += _kept(marker, segment)
        if marker != _SOS:
            continue
        parts.append(scan)
        if frame is None:
            raise damaged("a scan comes before its frame")
        blocks = _visited_blocks(frame, segment)
        visited += sum(blocks)
        if visited > _MAX_VISITED_BLOCKS:
            raise ImageTooLarge("the image takes too many passes to decode: send a smaller one, or PNG")
        if not (decoder_bytes or frame.is_progressive) and len(blocks) == len(frame.blocks):
            require(behind not in _FRAMES, "a scan breaks off")
            parts.append(_END if behind else b"")  # all in one scan: what follows is not the picture's
            break
            break
        decoder_bytes = sum(frame.blocks.values()) * _BLOCK_BYTES
    if frame is None:
        raise damaged("it has no frame")
    kind = "CMYK JPEG" if len(frame.blocks) == 4 else "JPEG"
    return Picture(kind, frame.width, frame.height, b"".join(parts), orientation or UPRIGHT, decoder_bytes)


def _segments(content: bytes) -> Iterator[tuple[int, bytes, bytes | memoryview, bytes]]:
    """Give marker and parameters of each segment up to the end, of a scan its data and the marker behind: B.1.1."""
    position = 2
    for _ in range(_MAX_SEGMENTS):
        found = _MARKER.search(content, position)
        if found is None:  # truncated: how much of the picture there is the decoder will see
            return
        marker = content[found.end() - 1]
        if marker == _EOI:
            yield marker, b"", b"", b""
            return
        require(marker >= _BASELINE and marker != _SOI, "a marker is not in its place")
        (length,) = unpack(">H", content, found.end())  # B.1.1.4: counts itself
        if marker in _SKIPPED:
            length = max(length, 2)  # as decoders have it
        position = found.end() + length
        require(length >= 2 and position <= len(content), "a segment is longer than the file")
        segment = content[found.end() + 2 : position]
        scan: bytes | memoryview = b""
        if marker == _SOS:
            scan, position = _read_scan(content, position)
        yield marker, segment, scan, content[position + 1 : position + 2]
    raise damaged("it has more segments than encoders write")


def _read_scan(content: bytes, start: int) -> tuple[bytes | memoryview, int]:
    """Return a scan's data and where the next marker stands, or the file ends."""
    end = _find_marker_or_fill(content, start)
    if content[end : end + 2] != b"\xff\xff":
        return memoryview(content)[start:end], end
    # A decoder goes back over a run of fill bytes whenever it has to wait for more of them.
    behind = _MARKER.search(content, end)
    end = behind.start() if behind else len(content)
    data = content[start:end]
    while b"\xff\xff" in data:  # each pass halves every run; 24 passes for one of 10 MB
        data = data.replace(b"\xff\xff", b"\xff")
    return data, end


def _find_marker_or_fill(content: bytes, start: int) -> int:
    """Return where a scan's data ends: NumPy sees it in a quarter of the time that `re` takes."""
    for position in range(start, len(content) - 1, _SEARCHED_BYTES):
        count = min(_SEARCHED_BYTES + 1, len(content) - position)  # one more: an FF may be the last
        block = np.frombuffer(content, np.uint8, count, position)
        found = np.flatnonzero(block[:-1] == 0xFF)
        ends = found[~_BELONGS_TO_SCAN[block[found + 1]]]
        if ends.size:
            return position + int(ends[0])
    return len(content)


def _kept(marker: int, segment: bytes) -> Iterator[bytes]:
    """Give the segment anew if the picture needs it."""
    if marker in _OTHER_FRAMES:
        raise ImageFormatUnknown(
            "arithmetic-coded, lossless and hierarchical JPEG is not read: send baseline JPEG or PNG"
        )
    if marker == _APP0 and segment[:5] == b"JFIF\0" and len(segment) >= 14:
        segment = segment[:12] + b"\0\0"  # T.871, 10.1: without the thumbnail
    elif marker == _APP14 and segment[:5] == b"Adobe" and len(segment) >= 12:
        segment = segment[:12]  # T.872, 6.5.3: the last byte says how colours are transformed
    elif marker == _EOI:
        yield _END
        return
    elif marker not in (_BASELINE, _SEQUENTIAL, _PROGRESSIVE, _SOS, _DQT, _DHT, _DRI):
        return
    require(len(segment) <= _MAX_TABLE_BYTES.get(marker, len(segment)), "a segment has more tables than there are")
    yield bytes((0xFF, marker)) + (len(segment) + 2).to_bytes(2, "big") + segment


def _read_frame(marker: int, segment: bytes) -> _Frame:
    precision, height, width, count = unpack(">BHHB", segment, 0)
    require(precision == 8 and width and height and count in (1, 3, 4), "it has pixels of no known kind")
    require(len(segment) == 6 + 3 * count, "its frame has another length")
    sampling = {segment[i]: (segment[i + 1] >> 4, segment[i + 1] & 15) for i in range(6, len(segment), 3)}
    require(len(sampling) == count, "two components have one name")
    require(all(1 <= factor <= 4 for factors in sampling.values() for factor in factors), "its sampling has no sense")
    # A.2.4: components are padded to whole units of the coarsest.
    across = -(-width // (8 * max(factors[0] for factors in sampling.values())))
    down = -(-height // (8 * max(factors[1] for factors in sampling.values())))
    blocks = {name: across * horizontal * down * vertical for name, (horizontal, vertical) in sampling.items()}
    return _Frame(marker == _PROGRESSIVE, width, height, blocks)


def _visited_blocks(frame: _Frame, segment: bytes) -> list[int]:
    """Return how many blocks of each of its components a scan has: B.2.3."""
    (count,), names = unpack("B", segment, 0), segment[1:-3:2]
    require(1 <= count <= 4 and len(segment) == 4 + 2 * count, "a scan has another length")
    require(len(set(names)) == count and set(names) <= frame.blocks.keys(), "a scan has unknown components")
    return [frame.blocks[name] for name in names]
