"""TFRecord files with random access; no TensorFlow is needed.

A file is one record after the other: the length of the data (8 bytes), a checksum of these bytes
(4), the data, and a checksum of the data (4); numbers are little-endian. Checksums are verified
where the package google-crc32c is installed (`lqjax[tfrecord]`).

Source: tensorflow/core/lib/io/record_writer.h (framing), tensorflow/core/lib/hash/crc32c.h (mask)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import IO

import numpy as np
from etils import epath

try:
    from google_crc32c import value as _crc32c
except ImportError:
    _crc32c = None

checksum: Callable[[bytes], int] | None = _crc32c
"""CRC-32C of bytes; `None` where no package computes it."""

LENGTH_BYTES, CHECKSUM_BYTES = 8, 4
HEADER_BYTES = LENGTH_BYTES + CHECKSUM_BYTES

MASK_SHIFT, MASK_ADDED, CHECKSUMS = 15, 0xA282EAD8, 1 << 32
"""A stored checksum is the CRC turned right by 15 bits, plus a constant."""

COMPRESSED = {b"\x1f\x8b": "gzip", b"\x78\x01": "zlib", b"\x78\x9c": "zlib", b"\x78\xda": "zlib"}
"""First bytes of compressed files."""


class TfRecordFiles:
    """The records of several files by number, 0 to the sum of `counts` - 1.

    A file is walked through once, when the first of its records is asked for: afterwards each
    record is one read. Lengths are checked against the size of the file before anything is read,
    so that a damaged one never asks for more memory than the file has. Threads may share it.

    Args:
      paths: of the files, in order; local or in a bucket.
      counts: how many records each of them has.

    Raises:
      ValueError: when a record is asked for: its file is cut off, damaged or compressed, or holds
        another number of records.
    """

    def __init__(self, paths: Sequence[epath.PathLike], counts: Sequence[int]) -> None:
        self._paths = [epath.Path(path) for path in paths]
        self._stops = np.cumsum(np.asarray(counts, np.int64))
        self._counts = [int(count) for count in counts]
        if len(self._paths) != len(self._counts):
            raise ValueError(f"{len(self._counts)} counts for {len(self._paths)} TFRecord files")
        self._indices: dict[int, np.ndarray] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return int(self._stops[-1]) if len(self._stops) else 0

    def __getitem__(self, row: int) -> bytes:
        """Read a record.

        Raises:
          IndexError: there is none of that number.
          ValueError: as the class says.
        """
        if not 0 <= row < len(self):
            raise IndexError(f"record {row} of {len(self)}")
        number = int(np.searchsorted(self._stops, row, side="right"))
        place = row - int(self._stops[number]) + self._counts[number]
        start, length = self._index(number)[place].tolist()
        path = self._paths[number]
        with path.open("rb") as file:
            file.seek(start)
            data, stored = file.read(length), file.read(CHECKSUM_BYTES)
        if len(data) < length or len(stored) < CHECKSUM_BYTES:
            raise ValueError(f"{path.name} has become shorter since it was opened")
        if not _holds(data, stored):
            raise ValueError(f"record {place} of {path.name} does not have its checksum")
        return data

    def _index(self, number: int) -> np.ndarray:
        with self._lock:
            if number not in self._indices:
                path = self._paths[number]
                with path.open("rb") as file:
                    self._indices[number] = _walk(file, path.name, self._counts[number])
            return self._indices[number]


def _walk(file: IO[bytes], name: str, count: int) -> np.ndarray:
    """Find where the data of each record starts and how long it is: int64, (count, 2)."""
    size, start, found = file.seek(0, 2), 0, np.empty((0, 2), np.int64)
    places: list[tuple[int, int]] = []
    while start < size and len(places) <= count:
        file.seek(start)
        header = file.read(HEADER_BYTES)
        packed, stored = header[:LENGTH_BYTES], header[LENGTH_BYTES:]
        length = int.from_bytes(packed, "little")
        whole = len(header) == HEADER_BYTES
        if not whole or length > size - start - HEADER_BYTES - CHECKSUM_BYTES:
            raise ValueError(_not_whole(name, header, start, len(places)))
        if not _holds(packed, stored):
            raise ValueError(f"record {len(places)} of {name} has a damaged length")
        places.append((start + HEADER_BYTES, length))
        start += HEADER_BYTES + length + CHECKSUM_BYTES
    if len(places) != count:
        more = "more" if len(places) > count else f"{len(places):,}"
        raise ValueError(f"{name} holds {more} records, not the {count:,} that its metadata say")
    return np.asarray(places, np.int64) if places else found


def _not_whole(name: str, header: bytes, start: int, place: int) -> str:
    kind = COMPRESSED.get(header[:2]) if not start else None
    if kind:
        return f"{name} is compressed ({kind}); write it anew without compression"
    return f"{name} is damaged or cut off: its record {place}, at byte {start:,}, is not whole"


def _holds(data: bytes, stored: bytes) -> bool:
    """Compare data with its checksum; true where checksums cannot be computed."""
    if checksum is None:
        return True
    crc = checksum(data)
    turned = (crc >> MASK_SHIFT | crc << 32 - MASK_SHIFT) % CHECKSUMS
    return (turned + MASK_ADDED) % CHECKSUMS == int.from_bytes(stored, "little")
