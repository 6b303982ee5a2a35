"""How a camera was held, from the one field of Exif that is read.

Source:
    Exif 2.32 (CIPA DC-008), 4.5 and 4.6.4 A; its frame is that of TIFF 6.0, section 2.
"""

import struct

from mnist_infer.image_file.picture import UPRIGHT

IDENTIFIER = b"Exif\0\0"
"""What stands before Exif in JPEG and, by mistake, in some WebP files."""

_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_ORIENTATION, _SHORT = 0x0112, 3
_MAX_FIELDS = 256  # cameras write a dozen into the first directory, sorted by their tags


def read_orientation(exif: bytes | memoryview) -> int:
    """Return the orientation, 1 to 8; 1 if Exif does not give it or is damaged.

    Args:
        exif: with or without its identifier.
    """
    content = bytes(exif[: 2**16])
    content = content.removeprefix(IDENTIFIER)
    order = _BYTE_ORDERS.get(content[:4])
    if order is None or len(content) < 8:
        return UPRIGHT
    (directory,) = struct.unpack_from(order + "I", content, 4)
    if directory + 2 > len(content):
        return UPRIGHT
    (count,) = struct.unpack_from(order + "H", content, directory)
    for number in range(min(count, _MAX_FIELDS)):
        position = directory + 2 + 12 * number
        if position + 12 > len(content):
            break
        tag, kind, values, value = struct.unpack_from(order + "HHIH", content, position)
        if (tag, kind, values) == (_ORIENTATION, _SHORT, 1):
            return value if 1 <= value <= 8 else UPRIGHT
    return UPRIGHT
