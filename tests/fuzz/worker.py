"""The process that libFuzzer runs in: `python -m tests.fuzz.worker TARGET OPTIONS...`."""

import struct
import sys
import zlib

import atheris

with atheris.instrument_imports(include=["mnist_infer", "PIL", "requests", "urllib3"]):
    import PIL.BmpImagePlugin
    import PIL.GifImagePlugin
    import PIL.JpegImagePlugin
    import PIL.PngImagePlugin
    import PIL.WebPImagePlugin  # noqa: F401

    import mnist_infer.download  # noqa: F401
    from tests.fuzz.targets import TARGETS

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def mutate(content: bytes, most_bytes: int, seed: int) -> bytes:
    """Return libFuzzer's next variant; of most PNG files with right checksums, or few would be read on."""
    content = atheris.Mutate(content, most_bytes)
    return repair_checksums(content) if seed % 8 and content.startswith(PNG_SIGNATURE) else content


def repair_checksums(png: bytes) -> bytes:
    """Return a PNG file with the checksum of each whole chunk set right."""
    repaired = bytearray(png)
    position = len(PNG_SIGNATURE)
    while position + 12 <= len(png):
        (length,) = struct.unpack_from(">I", png, position)
        end = position + 8 + length
        if end + 4 > len(png):
            break
        struct.pack_into(">I", repaired, end, zlib.crc32(png[position + 4 : end]))
        position = end + 4
    return bytes(repaired)


def main() -> None:
    """Fuzz until libFuzzer's options say that it is enough."""
    _, name, *options = sys.argv
    atheris.Setup([sys.argv[0], *options], TARGETS[name](), **({"custom_mutator": mutate} if name == "images" else {}))
    atheris.Fuzz()


main()
