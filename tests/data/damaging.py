"""Damage to the bytes of files, drawn by seed: of any file, and of fields at known places."""

import struct
import zlib

import numpy as np

WIDTHS = (1, 2, 4, 8)
"""Bytes of numbers."""

FLIPPED, CHANGED, LONGEST_INSERT, HEAD = 16, 64, 200, 96
"""At most so many bits and bytes are changed; where headers are."""


def extreme(draws, width):
    """A number that fits into some bytes, near one of the limits that readers may forget."""
    largest = 256**width - 1
    known = (0, 1, 2, 3, 7, 255, 4096, 30_000, 65_535, 1 << 24, 1 << 31, 100 << 30, 1 << 62)
    limits = (largest, largest - 1, largest // 2, largest // 2 + 1, largest - 7)
    numbers = (*(n for n in known if n <= largest), *limits)  # too large for an array
    return numbers[draws.integers(len(numbers))]


def with_number(data, place, width, number, order="little"):
    """Set a number of some bytes; what lies beyond the end is left out."""
    made = bytearray(data)
    made[place : place + width] = (number % 256**width).to_bytes(width, order)
    return bytes(made[: len(data)])


def flipped(draws, data, other):
    made = bytearray(data)
    for place in draws.integers(0, len(data), draws.integers(1, FLIPPED + 1)):
        made[place] ^= 1 << int(draws.integers(8))
    return bytes(made)


def cut_off(draws, data, other):
    return data[: draws.integers(0, len(data))]


def inserted(draws, data, other):
    place, count = draws.integers(0, len(data) + 1), draws.integers(1, LONGEST_INSERT)
    return data[:place] + draws.bytes(count) + data[place:]


def overwritten(draws, data, other):
    place, count = draws.integers(0, len(data)), int(draws.integers(1, CHANGED))
    new = (bytes(count), b"\xff" * count, draws.bytes(count))[draws.integers(3)]
    return (data[:place] + new + data[place + count :])[: len(data)]


def removed(draws, data, other):
    start, stop = sorted(draws.integers(0, len(data) + 1, 2))
    return data[:start] + data[stop:]


def repeated(draws, data, other):
    start, stop = sorted(draws.integers(0, len(data) + 1, 2))
    return data[:stop] + data[start:]


def joined(draws, data, other):
    return data[: draws.integers(0, len(data) + 1)] + other[draws.integers(0, len(other) + 1) :]


def blown_up(draws, data, other):
    """Take some bytes for a number and set it to an extreme; oftener where headers are."""
    width = int(draws.choice(WIDTHS))
    place = draws.integers(0, min(HEAD, len(data)) if draws.integers(2) else len(data))
    order = ("little", "big")[draws.integers(2)]
    return with_number(data, place, width, extreme(draws, width), order)


ANY = (flipped, cut_off, inserted, overwritten, removed, repeated, joined, blown_up)


def damaged(draws, data, other, kinds=ANY):
    """Damage a file by one of several ways, sometimes by two of them.

    Args:
      draws: a generator of NumPy.
      data: the file.
      other: another one, whose second half may follow the first of this.
      kinds: functions of (draws, data, other).
    """
    for _ in range(1 + (draws.integers(4) == 0)):
        if data:
            data = kinds[draws.integers(len(kinds))](draws, data, other)
    return data


def png_chunks(data):
    """Part a PNG file into (type, content)."""
    found, place = [], 8
    while place + 12 <= len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        found.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += 12 + length
    return found


def png_of(chunks):
    made = b"\x89PNG\r\n\x1a\n"
    for kind, content in chunks:
        made += struct.pack(">I", len(content)) + kind + content
        made += struct.pack(">I", zlib.crc32(kind + content))
    return made


PNG_EXTRA = b"zTXt iTXt tEXt iCCP eXIf acTL fcTL fdAT tRNS PLTE".split()


PNG_HEAD = ((0, 4), (4, 4), (8, 1), (9, 1), (10, 1), (11, 1), (12, 1))
"""Place and bytes of width, height, bits, colour type, compression, filter, interlace."""


def png_field(draws, data, other):
    """Alter chunks; their checksums are right again, so that they are believed."""
    chunks = png_chunks(data)
    if not chunks:
        return flipped(draws, data, other)
    row = draws.integers(len(chunks))
    kind, content = chunks[row]
    way = draws.integers(6)
    if way <= 1:
        place, width = PNG_HEAD[draws.integers(len(PNG_HEAD))]
        kind, content = chunks[0]
        chunks[0] = kind, with_number(content, place, width, extreme(draws, width), "big")
    elif way == 2 and content:
        chunks[row] = kind, damaged(draws, content, content)
    elif way == 3:
        del chunks[row]
    elif way == 4:
        chunks.insert(row, chunks[draws.integers(len(chunks))])
    else:
        packed = b"name\0\0" + zlib.compress(bytes(int(draws.choice([0, 100, 10**7]))))
        extra = (packed, draws.bytes(draws.integers(40)))[draws.integers(2)]
        chunks.insert(row, (PNG_EXTRA[draws.integers(len(PNG_EXTRA))], extra))
    return png_of(chunks)


TIFF_TYPES = 13


def tiff_field(draws, data, other):
    """Alter an entry of the directory: its tag, type, count or value; or chain directories."""
    order = "little" if data[:2] == b"II" else "big"
    start = int.from_bytes(data[4:8], order)
    count = int.from_bytes(data[start : start + 2], order)
    if not count:
        return flipped(draws, data, other)
    entry = start + 2 + 12 * int(draws.integers(count))
    way = draws.integers(8)
    if way == 0:
        return with_number(data, entry, 2, int(draws.integers(250, 350)), order)
    if way == 1:
        return with_number(data, entry + 2, 2, int(draws.integers(TIFF_TYPES + 2)), order)
    if way == 2:
        return with_number(data, entry + 4, 4, extreme(draws, 4), order)
    if way == 3:  # the next directory: this one again, or anywhere
        after = start + 2 + 12 * count
        target = start if draws.integers(2) else int(draws.integers(len(data)))
        return with_number(data, after, 4, target, order)
    if way == 4:
        return with_number(data, int(draws.choice([2, 4])), 2, extreme(draws, 2), order)
    width = int(draws.choice([2, 4]))
    return with_number(data, entry + 8, width, extreme(draws, width), order)


BMP_FIELDS = (
    *((2, 4), (10, 4), (14, 4), (18, 4), (22, 4)),
    *((26, 2), (28, 2), (30, 4), (34, 4), (46, 4)),
)
GIF_FIELDS = ((6, 2), (8, 2), (10, 1), (11, 1), (12, 1))
GIF_FRAME = ((1, 2), (3, 2), (5, 2), (7, 2), (9, 1), (10, 1), (11, 1))
WEBP_FIELDS = (
    *((4, 4), (12, 4), (16, 4), (20, 4), (21, 4)),
    *((24, 3), (26, 2), (27, 3), (28, 2), (30, 4)),
)


def _one_of(fields):
    def alter(draws, data, other):
        place, width = fields[draws.integers(len(fields))]
        return with_number(data, place, width, extreme(draws, width))

    return alter


def gif_frame(draws, data, other):
    start = data.find(b"\x2c")
    place, width = GIF_FRAME[draws.integers(len(GIF_FRAME))]
    return with_number(data, start + place, width, extreme(draws, width))


def jpeg_segments(data):
    """Give (place, marker, length) of the segments before the scan."""
    found, place = [], 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        found.append((place, data[place + 1], length))
        if data[place + 1] == 0xDA:
            break
        place += 2 + length
    return found


def jpeg_field(draws, data, other):
    """Alter lengths, tables, the scan's header, or height, width and components."""
    segments = jpeg_segments(data)
    if not segments:
        return flipped(draws, data, other)
    frames = [segment for segment in segments if segment[1] in (0xC0, 0xC1, 0xC2)]
    place, _, length = segments[draws.integers(len(segments))]
    way = draws.integers(5)
    if way <= 1 and frames:
        place = frames[0][0]
        start, width = [(4, 1), (5, 2), (7, 2), (9, 1), (11, 1), (12, 1)][draws.integers(6)]
        return with_number(data, place + start, width, extreme(draws, width), "big")
    if way == 2:
        return with_number(data, place + 2, 2, extreme(draws, 2), "big")
    if way == 3:
        return with_number(data, place + 1, 1, int(draws.integers(0xC0, 0x100)))
    inside = int(draws.integers(max(1, length)))
    return with_number(data, place + 4 + inside, 1, extreme(draws, 1))


FIELDS = {
    "JPEG": jpeg_field,
    "PNG": png_field,
    "TIFF": tiff_field,
    "BMP": _one_of(BMP_FIELDS),
    "GIF": _one_of(GIF_FIELDS),
    "WEBP": _one_of(WEBP_FIELDS),
}


def damaged_picture(draws, data, other, form):
    """Damage a picture's file: half of them where its format has fields."""
    own = (FIELDS[form], gif_frame) if form == "GIF" else (FIELDS[form],)
    return damaged(draws, data, other, own if draws.integers(2) else ANY)


def generator(seed, salt):
    return np.random.default_rng([seed, salt])
