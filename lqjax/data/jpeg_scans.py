"""The scans of a JPEG file: each goes over all blocks of the picture again.

A scan of a dozen bytes takes a decoder as long as any other, so that a file of some megabytes can
keep it busy for hours. Progressive files have several, and so may any whose colours stand apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO

MOST_SCANS = 100
"""Ten are usual, and encoders that search for the smallest file write some dozens."""

PIECE_BYTES = 2**16
"""Files are read in pieces: anything may stand behind a picture, in any length."""

MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")
"""Those that decoders act upon. Restarts, TEM and what is reserved below 0xC0 have no length and
are passed over, as are stuffed bytes and fills. Source: ITU-T T.81, B.1.1."""

MARKER_BYTES = LENGTH_BYTES = 2

START_OF_SCAN, END_OF_IMAGE, START_OF_IMAGE = 0xDA, 0xD9, 0xD8

SCAN_HEAD_BYTES = 6
"""Of the segment that begins a scan, beside two for each component. Source: T.81, B.2.3."""


def is_behind_a_whole_scan(file: IO[bytes], components: int) -> bool:
    """Tell whether what a file was just read up to begins a scan of all components.

    Baseline decoders refuse a scan after such a one, and nearly all files have just that.

    Args:
      file: behind the head of its first scan; it stays there.
    """
    length = SCAN_HEAD_BYTES + 2 * components
    head = bytes([0xFF, START_OF_SCAN, 0, length, components])
    place = file.tell()
    file.seek(max(place - length - MARKER_BYTES, 0))
    begins = file.read(len(head)) == head
    file.seek(place)
    return begins


def has_too_many_scans(file: IO[bytes]) -> bool:
    """Tell whether a JPEG file has more than `MOST_SCANS` before its picture ends.

    Args:
      file: it is left where it stands.
    """
    place, count = file.tell(), 0
    file.seek(0)
    for marker in markers(file):
        count += marker == START_OF_SCAN
        if marker == END_OF_IMAGE or count > MOST_SCANS:
            break
    file.seek(place)
    return count > MOST_SCANS


def markers(file: IO[bytes]) -> Iterator[int]:
    """Give the markers of a JPEG file one after the other, stepping over their segments.

    Args:
      file: at its beginning.
    """
    data, place = b"", 0  # the place may lie behind the data: in a segment that goes on there
    while piece := file.read(PIECE_BYTES):
        data, place = data[place:] + piece, max(place - len(data), 0)
        while (found := MARKER.search(data, place)) and found.end() + LENGTH_BYTES <= len(data):
            marker, place = data[found.end() - 1], found.end()
            yield marker
            if marker not in (START_OF_IMAGE, END_OF_IMAGE):
                place += int.from_bytes(data[place : place + LENGTH_BYTES], "big")
        place = found.start() if found else max(place, len(data) - 1)
