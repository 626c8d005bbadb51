"""Records of a TFDS data set in Parquet files by number, unpacked a row group at a time.

TFDS itself reads all files of a split into memory. What it writes are row groups of 100 records,
each an example in the first column.

Source: tensorflow_datasets/core/file_adapters.py, ParquetFileAdapter
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import IO, Any, NamedTuple

import numpy as np
from etils import epath

from lqjax.data.parquet_pages import PREFIXED, RowGroup, read_pages, read_row_groups

KEPT_BYTES = 2**28
"""Of row groups that were unpacked, besides the last."""

TIMES_ITS_SIZE, MOST_OF_SMALL = 100, 2**24
"""Bytes that a row group may unpack to, by those that it takes: pictures are packed already."""

ROWS_PER_BYTE, MOST_ROWS_OF_SMALL = 16, 2**16
"""Of a file; more of them only repeat themselves."""

RECORD_TYPES = ("binary", "large_binary")

WITH_PYARROW = "pip install pyarrow"


class _Shard(NamedTuple):
    """What is known of a file: its row groups, where each ends, and its column of records."""

    groups: list[RowGroup]
    stops: np.ndarray
    column: str


class ParquetRecords(Sequence[Any]):
    """The records of several files by number, 0 to the sum of `counts` - 1. Threads may share it.

    Args:
      paths: of the files, in order; local or in a bucket.
      counts: how many records each of them has.

    Raises:
      ValueError: pyarrow is not installed; and when a record is asked for: its file is damaged,
        holds another number of records, or unpacks to far more than there is.
      Exception: what pyarrow raises on damaged files, when a record is asked for.
    """

    def __init__(self, paths: Sequence[epath.PathLike], counts: Sequence[int]) -> None:
        try:
            import pyarrow.parquet  # noqa: F401  # type: ignore[import-untyped, unused-ignore]
        except ImportError:
            raise ValueError(
                f"Parquet files are read with pyarrow, which is not installed; {WITH_PYARROW}"
            ) from None
        if len(paths) != len(counts):
            raise ValueError(f"{len(counts)} counts for {len(paths)} Parquet files")
        self._paths = [epath.Path(path) for path in paths]
        self._counts = [int(count) for count in counts]
        self._stops = np.cumsum(np.asarray(counts, np.int64))
        self._shards: dict[int, _Shard] = {}
        self._unpacked: OrderedDict[tuple[int, int], Any] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return int(self._stops[-1]) if len(self._stops) else 0

    def __getitem__(self, row: Any) -> bytes:
        """Read a record.

        Raises:
          IndexError: there is none of that number.
          ValueError: as the class says.
        """
        if not 0 <= row < len(self):
            raise IndexError(f"record {row} of {len(self)}")
        number = int(np.searchsorted(self._stops, row, side="right"))
        place = row - int(self._stops[number]) + self._counts[number]
        with self._lock:
            shard = self._shard(number)
            group = int(np.searchsorted(shard.stops, place, side="right"))
            records = self._group(number, group)
        chunk = records[place - int(shard.stops[group]) + shard.groups[group].rows]
        data = chunk.as_py()
        if data is None:
            raise ValueError(f"record {place} of {self._paths[number].name} is empty")
        return bytes(data)

    def _shard(self, number: int) -> _Shard:
        if number not in self._shards:
            path = self._paths[number]
            with path.open("rb") as file:
                self._shards[number] = _open(file, path.name, self._counts[number])
        return self._shards[number]

    def _group(self, number: int, group: int) -> Any:
        """Give the records of a row group; those that were used last are kept."""
        key = number, group
        if key not in self._unpacked:
            path, shard = self._paths[number], self._shards[number]
            with path.open("rb") as file:
                self._unpacked[key] = _unpack(file, path.name, shard, group)
            while len(self._unpacked) > 1 and self._bytes() > KEPT_BYTES:
                self._unpacked.popitem(last=False)
        self._unpacked.move_to_end(key)
        return self._unpacked[key]

    def _bytes(self) -> int:
        return sum(records.get_total_buffer_size() for records in self._unpacked.values())


def _open(file: IO[bytes], name: str, count: int) -> _Shard:
    from pyarrow import parquet

    column = parquet.ParquetFile(file).schema_arrow.field(0)
    if str(column.type) not in RECORD_TYPES:
        raise ValueError(f"the first column of {name}, {column.name!r}, is of {column.type}")
    groups = read_row_groups(file)
    stops = np.cumsum([group.rows for group in groups])
    rows = int(stops[-1]) if groups else 0
    if rows != count or min((group.rows for group in groups), default=0) < 0:
        raise ValueError(f"{name} holds {rows:,} records, not the {count:,} that its metadata say")
    size = file.seek(0, 2)
    if rows > ROWS_PER_BYTE * size + MOST_ROWS_OF_SMALL:
        raise ValueError(f"{name} holds {rows:,} records in {size:,} bytes, which only repeat")
    return _Shard(groups, stops, column.name)


def _unpack(file: IO[bytes], name: str, shard: _Shard, group: int) -> Any:
    """Read the records of a row group, repeated ones once."""
    from pyarrow import parquet

    chunk, total = shard.groups[group].columns[0], 0
    for page in read_pages(file, chunk):
        total += page.unpacked
        if page.encoding in PREFIXED:
            raise ValueError(f"{name} has a DELTA encoding, which unpacks to any size")
        if total > TIMES_ITS_SIZE * chunk.length + MOST_OF_SMALL:
            raise ValueError(
                f"row group {group} of {name} unpacks to {total:,} bytes and more, from"
                f" {chunk.length:,}"
            )
    whole = parquet.ParquetFile(file, read_dictionary=[shard.column])
    return whole.read_row_group(group, columns=[shard.column], use_threads=False).column(0)
