"""What the makers of all formats share."""

import struct
from collections.abc import Callable, Iterator

from testbed.costly.budget import MAX_BYTES

Makers = Iterator[tuple[str, Callable[[], bytes]]]
HUGE = 2**31 - 1


def repeated(before: bytes, block: bytes, behind: bytes = b"", most: int = MAX_BYTES) -> bytes:
    """Return a file in which a block is repeated up to the size limit, or as often as `most` bytes allow."""
    return before + block * ((most - len(before) - len(behind)) // len(block)) + behind


def exif_files() -> dict[str, Callable[[], bytes]]:
    """Return Exif whose counts and offsets are at their extremes, each of at most 64 KiB or of megabytes."""
    head = b"II*\0"

    def directory(fields: bytes, count: int, start: int = 8, following: int = 0) -> bytes:
        return head + struct.pack("<IH", start, count) + fields + struct.pack("<I", following)

    shared = struct.pack("<HHII", 0x9286, 7, 60_000, 10)  # every tag has the same 60 KB
    orientation = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)
    return {
        "shared-data": lambda: directory(shared * 5000, 5000),
        "most-fields": lambda: directory(b"".join(shared[:8] + bytes(4) for _ in range(65535)), 65535),
        "count-without-fields": lambda: directory(orientation, 65535),
        "field-of-4-GB": lambda: directory(struct.pack("<HHII", 0x0112, 3, 2**32 - 1, 0), 1),
        "directory-outside": lambda: directory(orientation, 1, start=2**32 - 1),
        "directory-in-head": lambda: directory(orientation, 1, start=0),
        "directories-in-a-circle": lambda: directory(orientation, 1, following=8),
        "directories-inside": lambda: directory(struct.pack("<HHII", 0x8769, 4, 1, 8) * 4000, 4000),
    }
