"""An index of pictures in a Parquet file, read through pyarrow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from lqjax.config import DataConfig
from lqjax.data.index_columns import IndexColumns, chosen_columns, place, unused_columns
from lqjax.data.parquet_pages import PREFIXED, read_pages, read_row_groups
from lqjax.data.source import one_line

WITH_PYARROW = "pip install pyarrow"

NOT_ALL_WHOLE_NUMBERS = 2.0**53
"""From here on a float stands for several whole numbers: two patients would be one."""

TEXTS = ("string", "large_string", "string_view", "binary", "large_binary", "binary_view")
READ = (*TEXTS, "null")
"""Types, beside numbers and booleans, that cells are read from; of null, all cells are empty."""

ROWS_PER_BYTE, MOST_ROWS_OF_SMALL = 16, 2**16
"""Of a file; more rows only repeat themselves, and paths may not."""

TIMES_ITS_SIZE, MOST_TEXT_OF_SMALL = 1000, 2**24
"""Bytes of texts in the columns that are read, by those of the file."""


def read_parquet(path: Path, settings: DataConfig) -> IndexColumns:
    """Read the columns that the settings name, and no others.

    Texts, whole numbers, true and false; floats are taken for the whole numbers that they are
    (pandas makes them of columns with gaps), but for weights.

    Raises:
      ValueError: no Parquet file, a column of another type, an empty cell; the row is named.
    """
    try:
        import pyarrow.parquet as parquet  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        raise ValueError(
            f"{path}: Parquet files are read with pyarrow, which is not installed; {WITH_PYARROW},"
            " or save the table as CSV"
        ) from None
    try:
        with parquet.ParquetFile(path) as file:
            names = [str(name) for name in file.schema_arrow.names]
            chosen = chosen_columns(settings, names, str(path))
            wanted = [names[position] for position in chosen.values()]
            _check_size(file.metadata, path)
            _check_types(file.schema_arrow, chosen, path)
            paths = enumerate(file.schema.column(at).path for at in range(len(file.schema)))
            with path.open("rb") as raw:
                _check_pages(raw, {at: name for at, name in paths if name in wanted}, path)
            texts = [name for name in wanted if str(file.schema_arrow.field(name).type) in TEXTS]
        # As dictionaries: a text that is repeated is there once until it is known how often.
        with parquet.ParquetFile(path, read_dictionary=texts) as file:
            table = file.read(columns=wanted)
            _check_texts(table, path)
            columns = {kind: table.column(names[at]).to_pylist() for kind, at in chosen.items()}
    except ValueError as error:
        if type(error) is ValueError:  # ours; pyarrow raises classes of its own
            raise
        raise _unreadable(path, error) from error
    except Exception as error:  # pyarrow fails in many ways on damaged bytes
        raise _unreadable(path, error) from error
    cells = {kind: _texts(values, kind, path) for kind, values in columns.items()}
    numbers = range(1, len(cells["path"]) + 1)
    return IndexColumns(str(path), "row", numbers, cells, unused_columns(names, chosen))


def _check_types(schema: Any, chosen: Mapping[str, int], path: Path) -> None:
    """Refuse columns of other types before they are unpacked, which can take any memory."""
    from pyarrow import types

    for kind, position in chosen.items():
        column = schema.field(position)
        inner = column.type.value_type if types.is_dictionary(column.type) else column.type
        is_number = types.is_integer(inner) or types.is_floating(inner)
        if not (str(inner) in READ or is_number or types.is_boolean(inner)):
            raise ValueError(
                f"{path}: its column {column.name!r} for the {kind} is of type {column.type}; use"
                f" {_allowed(kind)}"
            )


def _allowed(kind: str) -> str:
    return "texts or whole numbers" + (", or floats" if kind == "weight" else "")


def _check_size(metadata: Any, path: Path) -> None:
    """Refuse a small file of very many rows or bytes, by what it says of itself."""
    _check_rows(metadata.num_rows, path)
    # Of whole row groups: pyarrow ends the process where what describes a column is damaged.
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    unpacked = sum(group.total_byte_size for group in groups)
    _check_bytes(unpacked, path)


def _check_rows(rows: int, path: Path) -> None:
    size = path.stat().st_size
    if rows > ROWS_PER_BYTE * size + MOST_ROWS_OF_SMALL:
        raise ValueError(
            f"{path}: has {rows:,} rows in {size:,} bytes, which only repeat themselves; list each"
            " picture once"
        )


def _check_pages(file: IO[bytes], columns: Mapping[int, str], path: Path) -> None:
    """Refuse what would take more memory than the file says: that is not held to the truth.

    Args:
      file: the Parquet file.
      columns: that will be read: number and name.
      path: of the file.
    """
    groups, total = read_row_groups(file), 0
    _check_rows(sum(group.rows for group in groups), path)
    for group in groups:
        for number, name in columns.items():
            for page in read_pages(file, group.columns[number]):
                total += page.unpacked
                _check_bytes(total, path)
                if page.encoding in PREFIXED:
                    raise ValueError(
                        f"{path}: its column {name!r} has one of the DELTA encodings of texts,"
                        " which unpack to any size; write the table anew with pandas, or save it"
                        " as CSV"
                    )


def _check_texts(table: Any, path: Path) -> None:
    import pyarrow
    import pyarrow.compute as compute

    total = 0
    for column in table.columns:
        if pyarrow.types.is_dictionary(column.type):
            for chunk in column.chunks:
                lengths = compute.binary_length(chunk.dictionary)
                total += compute.sum(lengths.take(chunk.indices)).as_py() or 0
    _check_bytes(total, path)


def _check_bytes(count: int, path: Path) -> None:
    size = path.stat().st_size
    if count > TIMES_ITS_SIZE * size + MOST_TEXT_OF_SMALL:
        raise ValueError(
            f"{path}: unpacks to {count:,} bytes of texts, from {size:,}; write a text for each"
            " picture, or save the table as CSV"
        )


def _unreadable(path: Path, error: Exception) -> ValueError:
    return ValueError(
        f"{path}: cannot be read as Parquet ({one_line(error)}); write it again, or save the table"
        " as CSV"
    )


def _texts(values: list[Any], kind: str, path: Path) -> list[str]:
    texts = []
    for row, value in enumerate(values):
        text = _text(value, kind)
        if text is None:
            raise ValueError(
                f"{place(str(path), 'row', row + 1)}: the {kind} is"
                f" {one_line(Exception(repr(value)))} ({type(value).__name__}); use"
                f" {_allowed(kind)}"
            )
        texts.append(text)
    return texts


def _text(value: Any, kind: str) -> str | None:
    """Write a cell as a text; `None` where it is of another type."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float):
        if kind == "weight":
            return repr(value)
        exact = value.is_integer() and abs(value) < NOT_ALL_WHOLE_NUMBERS
        return str(int(value)) if exact else "" if value != value else None
    if isinstance(value, bytes):
        try:
            return value.decode().strip()
        except UnicodeDecodeError:
            return None
    return str(value) if isinstance(value, int) else None
