"""From an image file to a file of its picture alone, within bounds. The only package that knows file formats.

Decoders are written for files that were meant well: a comment, a profile, a thumbnail or a table of
tags can cost them a thousand times what the pixels cost. So a file is walked as its format's
specification says, and what makes the first picture's pixels is written anew: nothing else reaches
the decoder. Every count, length and offset is checked before it is believed, and a walk takes time
in proportion to the file, as what it hands on does.

Each module has a format, and names the section of the specification at each of its rules.
"""

import re

from mnist_infer.errors import ImageFormatUnknown
from mnist_infer.image_file.bmp import walk_bmp
from mnist_infer.image_file.gif import walk_gif
from mnist_infer.image_file.jpeg import walk_jpeg
from mnist_infer.image_file.picture import Picture
from mnist_infer.image_file.png import walk_png
from mnist_infer.image_file.webp import walk_webp

__all__ = ["Picture", "extract_picture"]

_WALKS = {
    re.compile(rb"\x89PNG\r\n\x1a\n"): walk_png,
    re.compile(rb"\xff\xd8\xff"): walk_jpeg,
    re.compile(rb"BM"): walk_bmp,
    re.compile(rb"GIF8[79]a"): walk_gif,
    re.compile(rb"RIFF....WEBP", re.DOTALL): walk_webp,
}
_NOT_READ = {
    re.compile(rb"....ftyp(hei|hev|mif|msf|avi)", re.DOTALL): "HEIC and AVIF images are not read: send JPEG or PNG",
    re.compile(rb"II[*+]\0|MM\0[*+]"): "TIFF images are not read: send PNG or JPEG",
}


def extract_picture(content: bytes) -> Picture:
    """Return the picture of an image file, without all that its pixels do not need.

    Args:
        content: a PNG, JPEG, BMP, GIF or WebP file; of an animation the first frame is taken.

    Raises:
        ImageFormatUnknown: the first bytes are of no format that is read, or of one of its kinds that is not.
        ImageTooLarge: decoding would take too many passes over the picture.
        ImageDamaged: the file is truncated or breaks a rule of its format.
    """
    for signature, walk in _WALKS.items():
        if signature.match(content):
            return walk(content)
    for signature, advice in _NOT_READ.items():
        if signature.match(content):
            raise ImageFormatUnknown(advice)
    raise ImageFormatUnknown("the data is no PNG, JPEG, BMP, GIF or WebP image")
