"""How much memory a lossless WebP bitstream's tables take, read from what stands before its pixels.

A picture may have other Huffman codes for each block of 4x4 pixels. A code of one symbol is four bits
in the file and a kilobyte in the decoder, so a file of 300 KB can take 400 MB. How many codes there are
is known only when the transforms' small images and that of the code numbers have been read. Their pixels
need not be kept for that: what is not a literal repeats one.

Source:
    RFC 9649, section 3. The sizes of tables are those of libwebp's decoder (src/dec/vp8l_dec.c).
"""

from mnist_infer.errors import ImageTooLarge
from mnist_infer.image_file.picture import require

_PREDICTOR, _COLOUR, _SUBTRACT_GREEN, _COLOUR_INDEXING = range(4)
_CODE_LENGTH_ORDER = (17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)  # 3.7.2.1.2
_REPEATS = {16: (3, 2), 17: (3, 3), 18: (11, 7)}  # least length and extra bits, 3.7.2.1.2
_LITERALS, _LENGTHS, _DISTANCES = 256, 24, 40  # symbols, 3.7.2.1

_TABLE_ENTRIES, _ENTRY_BYTES, _GROUP_BYTES = 2956, 4, 600  # of a group's five tables; each colour of the cache adds one
_MAX_SMALL_PIXELS = 2**16  # of each of the three images of blocks: encoders have 25 000 in six megapixels

_Code = tuple[int, list[tuple[int, int]]]
"""A mask for the bits to look at, and by these bits how many of them count and the symbol they stand for."""


class _Bits:
    """Reads bits, the lowest of each byte first; behind the end there are zeros, up to a check."""

    def __init__(self, content: memoryview, position: int) -> None:
        self._content = content
        self.position = position

    def peek(self) -> int:
        """Return the next 72 bits, or a few more."""
        start = self.position >> 3
        return int.from_bytes(self._content[start : start + 10], "little") >> (self.position & 7)

    def take(self, count: int) -> int:
        value = self.peek() & (1 << count) - 1
        self.position += count
        return value

    def symbol(self, code: _Code) -> int:
        mask, table = code
        length, symbol = table[self.peek() & mask]
        self.position += length
        return symbol

    def check(self) -> None:
        require(self.position <= 8 * len(self._content), "its pixels end too early")


def lossless_table_bytes(bitstream: memoryview, start_bit: int, width: int, height: int) -> int:
    """Return the memory that the decoder takes for Huffman codes.

    Args:
        bitstream: a chunk's data.
        start_bit: where its transforms begin.
        width: in pixels.
        height: the same.

    Raises:
        ImageTooLarge: there are more small images than encoders write.
        ImageDamaged: the bitstream breaks a rule.
    """
    bits, seen = _Bits(bitstream, start_bit), set[int]()
    while bits.take(1):  # 3.5
        transform = bits.take(2)
        require(transform not in seen, "a transform comes twice")
        seen.add(transform)
        if transform in (_PREDICTOR, _COLOUR):
            _read_block_image(bits, width, height)
        elif transform == _COLOUR_INDEXING:  # 3.5.4: few colours are packed into one pixel
            colours = bits.take(8) + 1
            _read_image(bits, colours)
            width = _blocks(width, 3 if colours <= 2 else 2 if colours <= 4 else 1 if colours <= 16 else 0)
    cache = _read_cache_size(bits)
    groups = 1 + (_read_block_image(bits, width, height) if bits.take(1) else 0)  # 3.7.2.2
    return groups * ((_TABLE_ENTRIES + cache) * _ENTRY_BYTES + _GROUP_BYTES)


def _read_block_image(bits: _Bits, width: int, height: int) -> int:
    """Read on behind an image that has a pixel for each block, and return its highest red and green."""
    block_bits = bits.take(3) + 2
    pixels = _blocks(width, block_bits) * _blocks(height, block_bits)
    if pixels > _MAX_SMALL_PIXELS:
        raise ImageTooLarge("the image is divided into more parts than encoders write: send it as PNG or JPEG")
    return _read_image(bits, pixels)


def _blocks(side: int, block_bits: int) -> int:
    return (side + (1 << block_bits) - 1) >> block_bits


def _read_cache_size(bits: _Bits) -> int:
    """Return how many colours the cache has: 3.6.2.3."""
    return 1 << bits.take(4) if bits.take(1) else 0


def _read_image(bits: _Bits, pixels: int) -> int:
    """Read on behind an image that has one group of codes, and return its highest red and green: 3.7.3."""
    cache = _read_cache_size(bits)
    require(cache <= 2**11, "its colour cache is too large")
    sizes = (_LITERALS + _LENGTHS + cache, _LITERALS, _LITERALS, _LITERALS, _DISTANCES)
    green_code, red_code, blue_code, alpha_code, distance_code = [_read_code(bits, size) for size in sizes]
    highest = done = 0
    while done < pixels:
        green = bits.symbol(green_code)
        if green < _LITERALS:
            highest = max(highest, bits.symbol(red_code) << 8 | green)
            bits.symbol(blue_code)
            bits.symbol(alpha_code)
            done += 1
        elif green < _LITERALS + _LENGTHS:  # 3.6.2.2: a run of pixels that were there before
            done += _read_prefixed(bits, green - _LITERALS)
            _read_prefixed(bits, bits.symbol(distance_code))
        else:
            done += 1
    bits.check()
    return highest


def _read_prefixed(bits: _Bits, prefix: int) -> int:
    """Return a length or a distance: 3.6.2.2."""
    if prefix < 4:
        return prefix + 1
    extra_bits = (prefix - 2) >> 1
    return ((2 + (prefix & 1)) << extra_bits) + bits.take(extra_bits) + 1


def _read_code(bits: _Bits, symbols: int) -> _Code:
    """Return a prefix code of an alphabet: 3.7.2.1."""
    if bits.take(1):  # simple: one or two symbols
        count, first_bits = bits.take(1) + 1, 8 if bits.take(1) else 1
        first = bits.take(first_bits)
        return _table({first: 1, bits.take(8): 1} if count == 2 else {first: 1})
    counts = bits.take(4) + 4
    length_code = _table({symbol: length for symbol in _CODE_LENGTH_ORDER[:counts] if (length := bits.take(3))})
    remaining = bits.take(2 + 2 * bits.take(3)) + 2 if bits.take(1) else symbols
    lengths: dict[int, int] = {}
    symbol, before = 0, 8
    while symbol < symbols and remaining:
        remaining -= 1
        length = bits.symbol(length_code)
        times = 1
        if length in _REPEATS:
            least, extra_bits = _REPEATS[length]
            times = least + bits.take(extra_bits)
            length = before if length == 16 else 0
        elif length:
            before = length
        if length:
            lengths |= dict.fromkeys(range(symbol, symbol + times), length)
        symbol += times
    require(symbol <= symbols, "a code has more symbols than its alphabet")
    bits.check()
    return _table(lengths)


def _table(lengths: dict[int, int]) -> _Code:
    """Return the canonical code of symbols by their lengths in bits; one symbol alone has none."""
    if len(lengths) == 1:
        return 0, [(0, symbol) for symbol in lengths]
    longest = max(lengths.values(), default=0)
    table = [(0, 0)] * (1 << longest)
    code = filled = 0
    for length in range(1, longest + 1):
        code <<= 1
        for symbol in sorted(symbol for symbol in lengths if lengths[symbol] == length):
            require(code < 1 << length, "a code is over-full")
            reverse = int(f"{code:0{length}b}"[::-1], 2)
            table[reverse :: 1 << length] = [(length, symbol)] * (1 << longest - length)
            code += 1
            filled += 1 << longest - length
    require(lengths and filled == 1 << longest, "a code is incomplete")
    return (1 << longest) - 1, table
