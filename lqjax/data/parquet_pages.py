"""How many bytes the pages of a Parquet file unpack to, by the headers before the pages.

The end of the file says it too, and nothing holds that to the truth; what a header says is what a
reader makes room for. Nothing is unpacked here.

Source: parquet-format, parquet.thrift (numbers of fields); Thrift, compact protocol.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any, NamedTuple

MAGIC, LENGTH_BYTES = b"PAR1", 4

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
"""Kinds of values in the compact protocol."""

BITS = {I16: 16, I32: 32, I64: 64}
DOUBLE_BYTES, LONG_LIST, LONGEST_NUMBER = 8, 15, 70

SHORT_HEADER, LONG_HEADER = 2**12, 2**24
"""Bytes read for the header of a page: of nearly all, and of one with long statistics."""

OF_PAGES = {0: (5, 2), 2: (7, 2), 3: (8, 4)}
"""Kind of page -> field that says more of it, and field of that with the encoding."""

DATA_PAGES = (0, 3)

PREFIXED = (6, 7)
"""Encodings in which texts are told by lengths or share beginnings: they unpack to any size."""


class DamagedPagesError(ValueError):
    """What says where the pages lie, or how large they are, is damaged."""


class ColumnChunk(NamedTuple):
    """Where the pages of a column lie, in bytes, and how many values they hold."""

    start: int
    length: int
    values: int


class RowGroup(NamedTuple):
    """Rows that are packed together, column by column."""

    rows: int
    columns: tuple[ColumnChunk, ...]


class Page(NamedTuple):
    """Bytes that a page unpacks to, and the number of its encoding."""

    unpacked: int
    encoding: int


def read_row_groups(file: IO[bytes]) -> list[RowGroup]:
    """Read where everything lies from the end of a file.

    Raises:
      Exception: where the bytes are damaged, `DamagedPagesError` or another.
    """
    size, last = file.seek(0, 2), LENGTH_BYTES + len(MAGIC)
    file.seek(max(size - last, 0))
    tail = file.read(last)
    length = int.from_bytes(tail[:LENGTH_BYTES], "little")
    if tail[LENGTH_BYTES:] != MAGIC or length > size - last:
        raise DamagedPagesError("its end is damaged")
    file.seek(size - last - length)
    fields = _Compact(file.read(length)).struct()
    return [
        RowGroup(group[3, I64], tuple(_chunk(one[3, STRUCT], size) for one in group[1, LIST]))
        for group in fields[4, LIST]
    ]


def _chunk(fields: dict[tuple[int, int], Any], size: int) -> ColumnChunk:
    start, length = fields[9, I64], fields[7, I64]
    dictionary = fields.get((11, I64), 0)
    if 0 < dictionary < start:
        start = dictionary
    if start < 0 or length < 0 or start + length > size:
        raise DamagedPagesError("a column lies outside the file")
    return ColumnChunk(start, length, fields[5, I64])


def read_pages(file: IO[bytes], chunk: ColumnChunk) -> Iterator[Page]:
    """Read the headers of a column's pages, up to the last that is needed for its values.

    Raises:
      Exception: where the bytes are damaged, `DamagedPagesError` or another.
    """
    start, stop, values = chunk.start, chunk.start + chunk.length, 0
    while start < stop and values < chunk.values:
        fields, used = _header(file, start, stop)
        unpacked, packed = fields[2, I32], fields[3, I32]
        if unpacked < 0 or packed < 0:
            raise DamagedPagesError("a page is of a negative size")
        kind = fields[1, I32]
        field, place = OF_PAGES.get(kind, (0, 0))
        inner = fields[field, STRUCT] if field else {}
        values += inner[1, I32] if kind in DATA_PAGES else 0
        yield Page(unpacked, inner[place, I32] if field else 0)
        start += used + packed


def _header(file: IO[bytes], start: int, stop: int) -> tuple[dict[tuple[int, int], Any], int]:
    """Read the header of a page and its length."""
    for most in (SHORT_HEADER, LONG_HEADER):
        file.seek(start)
        compact = _Compact(file.read(min(most, stop - start)))
        try:
            return compact.struct(), compact.place
        except IndexError:
            continue
    raise DamagedPagesError("the header of a page is cut off")


class _Compact:
    """Values written in Thrift's compact protocol, one after the other.

    Structures are {(number of the field, kind): value}: a reader that expects another kind passes
    a field over, so that a second one of the same number must not hide it.
    """

    def __init__(self, data: bytes) -> None:
        self._data, self.place = data, 0

    def struct(self) -> dict[tuple[int, int], Any]:
        fields: dict[tuple[int, int], Any] = {}
        number = 0
        while head := self._byte():
            kind, step = head & 15, head >> 4
            number = number + step if step else _signed(self._number(), BITS[I16])
            fields[number, kind] = kind == TRUE if kind in (TRUE, FALSE) else self._value(kind)
        return fields

    def _value(self, kind: int) -> Any:
        if kind in BITS:
            return _signed(self._number(), BITS[kind])
        if kind == BINARY:
            return self._bytes(self._number())
        if kind == STRUCT:
            return self.struct()
        if kind in (LIST, SET):
            head = self._byte()
            count, inner = head >> 4, head & 15
            count = self._number() if count == LONG_LIST else count
            return [self._value(inner) for _ in range(count)]
        if kind == MAP:
            count = self._number()
            kinds = self._byte() if count else 0
            return [(self._value(kinds >> 4), self._value(kinds & 15)) for _ in range(count)]
        if kind in (TRUE, FALSE, BYTE):  # in a list a truth takes a byte
            return self._byte()
        if kind == DOUBLE:
            return self._bytes(DOUBLE_BYTES)
        raise DamagedPagesError(f"there is no kind {kind} of values")

    def _byte(self) -> int:
        value = self._data[self.place]
        self.place += 1
        return value

    def _bytes(self, count: int) -> bytes:
        found = self._data[self.place : self.place + count]
        if len(found) < count:
            raise IndexError("beyond the end")
        self.place += count
        return found

    def _number(self) -> int:
        value = shift = 0
        while shift <= LONGEST_NUMBER:
            one = self._byte()
            value |= (one & 127) << shift
            if one < 128:
                return value
            shift += 7
        raise DamagedPagesError("a number is too long")


def _signed(value: int, bits: int) -> int:
    """Undo the zigzag of a number that may be negative."""
    value %= 1 << bits
    return -(value + 1 >> 1) if value & 1 else value >> 1
