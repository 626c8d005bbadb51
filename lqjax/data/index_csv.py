"""An index of pictures in a CSV file: UTF-8, separated by commas, semicolons or tabs."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from lqjax.config import DataConfig
from lqjax.data.index_columns import (
    REQUIRED,
    IndexColumns,
    chosen_columns,
    place,
    positions,
    unused_columns,
)
from lqjax.data.source import one_line

SEPARATORS = (",", ";", "\t")
"""Tried in this order on the first line."""

LONGEST_LINE = 2**17
"""Characters; as many as Python's csv allows in one cell."""


def read_csv(path: Path, settings: DataConfig) -> IndexColumns:
    """Read the columns that the settings name; the first line names the columns.

    Empty lines are passed over. Double quotes surround cells that hold separators or line breaks.

    Raises:
      ValueError: no table, or a line that is not what the first promises; the line is named.
      OSError: as the system says.
    """
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as opened:
        lines = _Lines(opened, path)
        first = next((line for line in lines if line.strip()), "")
        if not first:
            raise ValueError(f"{path}: is empty; its first line must name the columns")
        separator, names = _head(first, settings)
        chosen = chosen_columns(settings, names, str(path))
        cells: dict[str, list[str]] = {kind: [] for kind in chosen}
        numbers: list[int] = []
        for number, row in _rows(lines, separator, path):
            if len(row) != len(names):
                raise ValueError(
                    f"{place(str(path), 'line', number)}: has {len(row)} cells where the first"
                    f" line has {len(names)}; complete it, and put cells that hold"
                    f" {separator!r} between double quotes"
                )
            numbers.append(number)
            for kind, position in chosen.items():
                cells[kind].append(row[position].strip())
    return IndexColumns(str(path), "line", numbers, cells, unused_columns(names, chosen))


class _Lines:
    """The lines of a file, each checked, and how many were given so far."""

    def __init__(self, opened: IO[str], path: Path) -> None:
        self._opened, self._file, self.count = opened, str(path), 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._opened.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        self.count += 1
        trouble = _trouble(line)
        if trouble:
            raise ValueError(f"{place(self._file, 'line', self.count)}: {trouble}")
        return line


def _trouble(line: str) -> str:
    if len(line) >= LONGEST_LINE:
        return f"has more than {LONGEST_LINE:,} characters; is it a table with a line a picture?"
    if "\0" in line:
        return "has a NUL byte; save the table as CSV in UTF-8"
    if line.isascii():
        return ""
    try:
        line.encode()
    except UnicodeEncodeError:
        return "is not UTF-8; save the table in UTF-8 (in Excel: CSV UTF-8)"
    return ""


def _head(first: str, settings: DataConfig) -> tuple[str, list[str]]:
    """Find the separator with which the first line names the needed columns."""
    wanted = [getattr(settings, f"{kind}_column").strip() for kind in REQUIRED]
    heads = []
    for separator in SEPARATORS:
        names = [name.strip() for name in next(csv.reader([first], delimiter=separator))]
        if all(positions(names, name) for name in wanted):
            return separator, names
        heads.append((separator, names))
    return max(heads, key=lambda head: len(head[1]))  # whose names the refusal lists


def _rows(lines: _Lines, separator: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Give the rows with the number of the line in which each begins."""
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    while True:
        start = lines.count + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise ValueError(
                f"{place(str(path), 'line', start)}: cannot be read ({one_line(error)}); close"
                ' each double quote, and write "" for one within a cell'
            ) from None
        if row is None:
            return
        if any(cell and not cell.isspace() for cell in row):
            yield start, row
