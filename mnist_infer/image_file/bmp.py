"""BMP: the size, the colour masks or the palette, and as many uncompressed pixels as the size says.

Source:
    Microsoft: Windows GDI, Bitmap Storage, BITMAPFILEHEADER, BITMAPCOREHEADER, BITMAPINFOHEADER and
    BITMAPV5HEADER.
"""

import struct

from mnist_infer.errors import ImageFormatUnknown
from mnist_infer.image_file.picture import Picture, require, unpack

_CORE_HEADER = 12  # OS/2's and Windows 2's
_HEADERS = (40, 52, 56, 64, 108, 124)
_OS2_HEADER = 64  # has other fields where the masks are
_RGB, _RLE8, _RLE4, _BIT_FIELDS = 0, 1, 2, 3
_DEPTHS = {_RGB: (1, 4, 8, 16, 24, 32), _BIT_FIELDS: (16, 24, 32)}
_MAX_COLOURS = 256
_MASK_BYTES = 3 * 4  # behind a header that has no room for them
_MASKS_AT, _ALPHA_HEADER = 40, 56  # a header with room for the alpha mask, behind the other three
_BGR, _ALPHA = (0xFF0000, 0xFF00, 0xFF), 0xFF000000  # masks of what 32 bits are without masks, and of what they leave
_LAYOUTS = {
    16: ((0xF800, 0x7E0, 0x1F), (0x7C00, 0x3E0, 0x1F)),
    32: (_BGR, _BGR[::-1], (0xFF000000, 0xFF0000, 0xFF00), (0xFF000000, 0xFF00, 0xFF), (0, 0, 0)),
}
"""Masks of red, green and blue that the decoder has, by the depth."""


def walk_bmp(content: bytes) -> Picture:
    """Return a BMP file's picture."""
    pixels_at, header_bytes = unpack("<II", content, 10)
    if header_bytes == _CORE_HEADER:
        width, height, _, depth = unpack("<HHHH", content, 18)
        compression = colours = 0
    else:
        require(header_bytes in _HEADERS, "its header has another length")
        width, height, _, depth, compression, colours = unpack("<iiHHI12xI", content, 18)
    if compression in (_RLE8, _RLE4):
        raise ImageFormatUnknown("run-length coded BMP images are not read: send PNG")
    require(width > 0 and height, "it has no size")
    require(depth in _DEPTHS.get(compression, ()), "it has pixels of no known kind")
    stride = (width * depth + 31) // 32 * 4  # rows are padded to 32 bits
    pixel_bytes = stride * abs(height)
    colours_at = 14 + header_bytes
    header = content[14:colours_at]
    before_pixels = 0
    if depth <= 8:
        colours = colours or 2**depth
        require(colours <= _MAX_COLOURS, "it has more colours than there are")
        colour_bytes = 3 if header_bytes == _CORE_HEADER else 4
        pixels_at += colours * colour_bytes if pixels_at == colours_at else 0  # writers that forget their palette
        if header_bytes != _CORE_HEADER:  # some say that they have all colours, and write only those that they use
            colours = min(colours, max(pixels_at - colours_at, 0) // colour_bytes)
            header = header[:32] + struct.pack("<I", colours) + header[36:]
        before_pixels = colours * colour_bytes
        require(before_pixels, "it has no palette")
    elif compression == _BIT_FIELDS and header_bytes == _HEADERS[0]:
        before_pixels = _MASK_BYTES
    if compression == _BIT_FIELDS and depth != 24:
        masks = unpack("<III", content, 14 + _MASKS_AT)
        if masks not in _LAYOUTS[depth]:
            raise ImageFormatUnknown("BMP images of this layout of colours are not read: send PNG")
    require(colours_at + before_pixels <= pixels_at <= len(content) - pixel_bytes, "its pixels are not in the file")
    header += content[colours_at : colours_at + before_pixels]
    pixels = memoryview(content)[pixels_at : pixels_at + pixel_bytes]
    if depth == 32 and header_bytes >= _ALPHA_HEADER and header_bytes != _OS2_HEADER:
        header = _settle_alpha(header, compression, pixels)
    file_header = struct.pack("<2sIHHI", b"BM", 14 + len(header) + pixel_bytes, 0, 0, 14 + len(header))
    return Picture("BMP", width, abs(height), b"".join((file_header, header, pixels)))


def _settle_alpha(header: bytes, compression: int, pixels: memoryview) -> bytes:
    """Return a header whose bit fields say whether there is transparency.

    An alpha mask counts without bit fields too. Alpha that is 0 everywhere was never written: the picture is opaque.
    """
    masks = struct.unpack_from("<IIII", header, _MASKS_AT)
    if masks[3] != _ALPHA or (compression == _BIT_FIELDS and masks[:3] != _BGR):
        return header
    is_opaque = not pixels[3::4].tobytes().strip(b"\0")
    fields = struct.pack("<IIII", *_BGR, 0 if is_opaque else _ALPHA)
    return header[:16] + struct.pack("<I", _BIT_FIELDS) + header[20:_MASKS_AT] + fields + header[_ALPHA_HEADER:]
