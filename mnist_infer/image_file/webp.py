"""WebP: the picture's chunks, or those of an animation's first frame, and the canvas they lie on.

Profiles, XMP, further frames and chunks of unknown kinds are left out.

Source:
    RFC 9649: WebP Image Format.
"""

import struct
from collections.abc import Iterator

from mnist_infer.image_file.exif import read_orientation
from mnist_infer.image_file.picture import UPRIGHT, Picture, damaged, require, unpack
from mnist_infer.image_file.webp_lossless import lossless_table_bytes

_Size = tuple[int, int]
_Chunk = tuple[bytes, memoryview]

_ALPHA, _ANIMATION = 0x10, 0x02  # flags of VP8X, 2.7
_FRAME_HEADER_BYTES = 16  # 2.7.1.1
_LOSSLESS_HEADER_BITS = 40  # 3.4
_LOSSLESS_ALPHA, _ALPHA_HEADER_BITS = 1, 8  # 2.7.1.2
_MAX_CHUNKS = 2**14  # a frame each: nine minutes of an animation


def walk_webp(content: bytes) -> Picture:
    """Return a WebP file's picture; of an animation the first frame, on its canvas."""
    chunks: dict[bytes, memoryview] = {}
    (riff_bytes,) = unpack("<I", content, 4)  # 2.4; what follows is not the picture's
    for kind, field in _chunks(memoryview(content)[12 : 8 + riff_bytes]):
        chunks.setdefault(kind, field)
    orientation = read_orientation(chunks[b"EXIF"]) if b"EXIF" in chunks else UPRIGHT
    if b"VP8X" in chunks:
        size, parts, frame = _extended(chunks)
    else:
        parts = frame = [_bitstream(chunks)]
        size = _bitstream_size(*frame[0])
    body = b"WEBP" + b"".join(map(_packed, parts))
    return Picture("WebP", *size, b"RIFF" + struct.pack("<I", len(body)) + body, orientation, _table_bytes(frame))


def _chunks(content: memoryview) -> Iterator[_Chunk]:
    """Give the name and the data of each chunk: 2.3; chunks are padded to an even length."""
    position = 0
    for _ in range(_MAX_CHUNKS):
        if position + 8 > len(content):
            return
        kind, length = unpack("<4sI", content, position)
        field = content[position + 8 : position + 8 + length]
        require(len(field) == length, "a chunk is longer than the file")
        yield kind, field
        position += 8 + length + length % 2
    raise damaged("it has more chunks than encoders write")


def _extended(chunks: dict[bytes, memoryview]) -> tuple[_Size, list[_Chunk], list[_Chunk]]:
    """Return the size of the canvas, the chunks of an extended file, and those of its frame: 2.7."""
    header = chunks[b"VP8X"]
    require(len(header) == 10, "its header has another length")
    size = _size_24(header, 4)
    if not header[0] & _ANIMATION:
        frame = _frame_chunks(chunks)
        require(_bitstream_size(*frame[-1]) == size, "its sizes differ")
        return size, [_canvas(header, _ALPHA), *frame], frame
    require(b"ANIM" in chunks and b"ANMF" in chunks, "it has no frame")  # 2.7.1.1
    animation, first = chunks[b"ANIM"], chunks[b"ANMF"]
    require(len(animation) == 6 and len(first) > _FRAME_HEADER_BYTES, "a frame has another length")
    frame = _frame_chunks(dict(reversed([*_chunks(first[_FRAME_HEADER_BYTES:])])))
    frame_size = _size_24(first, 6)
    left, top = (2 * int.from_bytes(first[start : start + 3], "little") for start in (0, 3))
    require(_bitstream_size(*frame[-1]) == frame_size, "its sizes differ")
    require(left + frame_size[0] <= size[0] and top + frame_size[1] <= size[1], "its frame is not on the canvas")
    only = b"".join((first[:_FRAME_HEADER_BYTES], *map(_packed, frame)))
    # What a frame leaves of its canvas is transparent, and a decoder has it so where transparency is announced.
    canvas = _canvas(header, _ALPHA | _ANIMATION, 0 if frame_size == size else _ALPHA)
    return size, [canvas, (b"ANIM", animation), (b"ANMF", memoryview(only))], frame


def _canvas(header: memoryview, kept_flags: int, more_flags: int = 0) -> _Chunk:
    return b"VP8X", memoryview(bytes((header[0] & kept_flags | more_flags, 0, 0, 0)) + header[4:])


def _frame_chunks(chunks: dict[bytes, memoryview]) -> list[_Chunk]:
    """Return the transparency of a lossy picture, if it has any, and the picture: 2.7.1.2."""
    bitstream = _bitstream(chunks)
    has_alpha = bitstream[0] == b"VP8 " and b"ALPH" in chunks
    return [(b"ALPH", chunks[b"ALPH"]), bitstream] if has_alpha else [bitstream]


def _bitstream(chunks: dict[bytes, memoryview]) -> _Chunk:
    kind = next((kind for kind in chunks if kind in (b"VP8 ", b"VP8L")), None)
    if kind is None:
        raise damaged("it has no pixels")
    return kind, chunks[kind]


def _bitstream_size(kind: bytes, bitstream: memoryview) -> _Size:
    if kind == b"VP8 ":  # 2.5: RFC 6386, 9.1
        start_code, width, height = unpack("<3sHH", bitstream, 3)
        require(start_code == b"\x9d\x01\x2a", "its first frame is no key frame")
        width, height = width & 0x3FFF, height & 0x3FFF
        require(width and height, "it has no size")
        return width, height
    signature, bits = unpack("<BI", bitstream, 0)  # 2.6: 3.4
    require(signature == 0x2F, "its pixels have no signature")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _table_bytes(frame: list[_Chunk]) -> int:
    """Return the memory for the tables of what is packed without loss, the picture or its transparency."""
    width, height = _bitstream_size(*frame[-1])
    table_bytes = 0
    for kind, field in frame:
        if kind == b"VP8L":
            table_bytes += lossless_table_bytes(field, _LOSSLESS_HEADER_BITS, width, height)
        elif kind == b"ALPH" and field and field[0] & 3 == _LOSSLESS_ALPHA:
            table_bytes += lossless_table_bytes(field, _ALPHA_HEADER_BITS, width, height)
    return table_bytes


def _size_24(field: memoryview, position: int) -> _Size:
    """Return a width and a height of 24 bits each, less one as they are stored."""
    width, height = (int.from_bytes(field[start : start + 3], "little") + 1 for start in (position, position + 3))
    return width, height


def _packed(chunk: _Chunk) -> bytes:
    kind, field = chunk
    return b"".join((kind, struct.pack("<I", len(field)), field, bytes(len(field) % 2)))
