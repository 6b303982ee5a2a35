"""GIF: the screen, its colours, the first frame and which of its colours is transparent.

Source:
    CompuServe: Graphics Interchange Format, version 89a.
"""

from mnist_infer.image_file.picture import Picture, damaged, require, unpack

_EXTENSION, _IMAGE = 0x21, 0x2C
_GRAPHIC_CONTROL = b"\xf9\4"  # and its length
_MAX_BLOCKS = 2**17  # encoders fill blocks with 255 bytes: 41 000 in 10 MiB


def walk_gif(content: bytes) -> Picture:
    """Return a GIF file's first frame, on its screen."""
    width, height, packed, _, _ = unpack("<HHBBB", content, 6)  # 18: logical screen descriptor
    position = 13 + _colour_table_bytes(packed)  # 19
    parts = [b"GIF89a", content[6:position]]
    control, blocks = b"", 0
    while True:
        (label,) = unpack("B", content, position)
        if label == _IMAGE:
            break
        require(label == _EXTENSION, "it has no frame")  # 24 to 26
        end, count = _skip_blocks(content, position + 2, _MAX_BLOCKS - blocks)
        blocks += 1 + count
        if content[position + 1 : position + 3] == _GRAPHIC_CONTROL:  # 23
            control = content[position : position + 7] + b"\0"
        position = end
    left, top, frame_width, frame_height, packed = unpack("<HHHHB", content, position + 1)  # 20
    data = position + 10 + _colour_table_bytes(packed) + 1  # 21, 22
    end, _ = _skip_blocks(content, data, _MAX_BLOCKS - blocks)
    parts += [control, content[position:end], b";" if end < len(content) else b""]  # 27
    # A decoder makes the screen larger where the frame does not fit.
    width, height = max(width, left + frame_width), max(height, top + frame_height)
    require(width and height, "it has no size")
    frame = left, top, left + frame_width, top + frame_height
    return Picture("GIF", width, height, b"".join(parts), frame=None if frame == (0, 0, width, height) else frame)


def _colour_table_bytes(packed: int) -> int:
    return 3 * 2 ** ((packed & 7) + 1) if packed & 0x80 else 0


def _skip_blocks(content: bytes, position: int, limit: int) -> tuple[int, int]:
    """Return where a sequence of data blocks ends, behind its terminator, and how many there are: 15 and 16."""
    size = len(content)
    for number in range(limit):
        if position >= size:  # truncated: how much of the picture there is the decoder will see
            return size, number
        length = content[position]
        position += 1 + length
        if not length:
            return position, number
    raise damaged("it has more blocks than encoders write")
