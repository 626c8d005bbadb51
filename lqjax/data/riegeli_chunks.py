"""Chunks of a Riegeli file, which is what array_record files are: their sizes, nothing unpacked.

A file is one chunk after the other: a header of 40 bytes, the data, and padding where there are
more records than bytes. Wherever a block of 64 KiB begins, also within a header, stand 24 bytes
that belong to no chunk. Numbers are little-endian. Hashes are left to who reads the records.

Source: doc/riegeli_records_file_format.md of https://github.com/google/riegeli
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO, NamedTuple

BLOCK_BYTES, BLOCK_HEADER_BYTES = 1 << 16, 24
USABLE_BYTES = BLOCK_BYTES - BLOCK_HEADER_BYTES
"""Of a block."""

HEADER = struct.Struct("<8xQ8xQQ")
"""Bytes of data, type and number of records, bytes of the records; after two of them, hashes."""

TYPE_BITS = 8
"""Of the second number, the lowest."""

SIGNATURE, TRANSPOSED = ord("s"), ord("t")
"""Types of chunks: the one that a file begins with, and records by their parts."""


class Chunk(NamedTuple):
    """What the header of a chunk says.

    Attributes:
      start: where it begins in the file, in bytes.
      kind: its type.
      records: how many it holds.
      packed: bytes that they take in the file.
      unpacked: bytes of the records.
    """

    start: int
    kind: int
    records: int
    packed: int
    unpacked: int


def read_chunks(file: IO[bytes], name: str) -> Iterator[Chunk]:
    """Walk from header to header; the data between them are not read.

    Args:
      file: opened for reading in binary.
      name: for errors.

    Raises:
      ValueError: the file is of another format, or a chunk would reach beyond its end; one line.
    """
    size, start = file.seek(0, 2), 0
    while start < size or not start:
        file.seek(start)
        header = _without_block_header(start, file.read(HEADER.size + BLOCK_HEADER_BYTES))
        if len(header) < HEADER.size:
            raise ValueError(_not_whole(name, start))
        packed, number, unpacked = HEADER.unpack(header)
        records, kind = number >> TYPE_BITS, number % (1 << TYPE_BITS)
        if not start and (kind != SIGNATURE or packed or records or unpacked):
            raise ValueError(f"{name} is no array_record file: it does not begin as one")
        end = max(_after(start, HEADER.size + packed), _possible_start(start + records))
        if end > size:
            raise ValueError(_not_whole(name, start))
        yield Chunk(start, kind, records, packed, unpacked)
        start = end


def _without_block_header(start: int, data: bytes) -> bytes:
    """Take a chunk's header out of what is read from its start on."""
    cut = -start % BLOCK_BYTES
    return (data[:cut] + data[cut + BLOCK_HEADER_BYTES :])[: HEADER.size]


def _after(start: int, length: int) -> int:
    """Find where a chunk has had so many bytes, headers of blocks not counted."""
    headers = (length + (start + USABLE_BYTES - 1) % BLOCK_BYTES) // USABLE_BYTES
    return start + length + headers * BLOCK_HEADER_BYTES


def _possible_start(place: int) -> int:
    """Find the first place that is neither in the header of a block nor right behind it."""
    return place + max(0, -place % BLOCK_BYTES - (USABLE_BYTES - 1))


def _not_whole(name: str, start: int) -> str:
    return f"{name} is damaged or cut off: its chunk at byte {start:,} is not whole"
