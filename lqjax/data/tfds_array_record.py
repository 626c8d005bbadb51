"""Records of a TFDS data set in array_record files by number: none that unpacks to far too much.

The library of that name unpacks a chunk at once, and makes room for whatever its header says. So
all headers of a file are looked at before the first of its records is read. What that does not
show: an index, by which the library finds the chunks, that points into the middle of one.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import IO, Any

import numpy as np
from etils import epath

from lqjax.data.pictures import MAX_BYTES
from lqjax.data.riegeli_chunks import TRANSPOSED, read_chunks
from lqjax.data.tfds_parquet import MOST_OF_SMALL, TIMES_ITS_SIZE


class CheckedRecords(Sequence[Any]):
    """The records of several files, each file checked once, when it is first read of.

    Threads may share it.

    Args:
      records: gives them by number, over all files.
      paths: of the files, in order; local or in a bucket.
      counts: how many records each of them has.

    Raises:
      ValueError: when a record is asked for: its file is damaged or cut off, or a chunk of it
        unpacks to far more than there is, or to nobody knows what; one line.
      Exception: what `records` raises.
    """

    def __init__(
        self, records: Sequence[Any], paths: Sequence[epath.PathLike], counts: Sequence[int]
    ) -> None:
        if len(paths) != len(counts) or sum(counts) != len(records):
            raise ValueError(f"{len(paths)} array_record files do not hold {len(records)} records")
        self._records = records
        self._paths = [epath.Path(path) for path in paths]
        self._stops = np.cumsum(np.asarray(counts, np.int64))
        self._checked: set[int] = set()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, row: Any) -> Any:
        """Read a record.

        Raises:
          IndexError: there is none of that number.
          ValueError: as the class says.
        """
        if not 0 <= row < len(self):
            raise IndexError(f"record {row} of {len(self)}")
        self._check(int(np.searchsorted(self._stops, row, side="right")))
        return self._records[row]

    def _check(self, number: int) -> None:
        with self._lock:
            if number not in self._checked:
                path = self._paths[number]
                with path.open("rb") as file:
                    check_chunks(file, path.name)
                self._checked.add(number)


def check_chunks(file: IO[bytes], name: str) -> None:
    """Refuse a file with a chunk that unpacks to far more than it takes.

    The bound is that of Parquet files, since pictures are packed already, and for each record the
    longest picture. Chunks of records by their parts, which TFDS does not write, are refused: what
    they unpack to is not what they say.

    Args:
      file: opened for reading in binary.
      name: for errors.

    Raises:
      ValueError: such a file, or a damaged one; one line.
    """
    for chunk in read_chunks(file, name):
        if chunk.kind == TRANSPOSED and chunk.records:
            raise ValueError(f"{name} is written with transpose, so that it unpacks to any size")
        most = TIMES_ITS_SIZE * chunk.packed + MOST_OF_SMALL
        if chunk.unpacked > min(most, max(chunk.records, 1) * MAX_BYTES):
            raise ValueError(
                f"the chunk at byte {chunk.start:,} of {name} unpacks to {chunk.unpacked:,} bytes,"
                f" from {chunk.packed:,}"
            )
