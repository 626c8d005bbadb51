"""CSV files with a header, such as a manifest: read by columns, and written.

Names of files need not be UTF-8: their bytes come back as they were.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

ENCODING, ERRORS = "utf-8", "surrogateescape"
BYTE_ORDER_MARK = "\ufeff"
"""What Excel puts before the first letter."""

LONGEST_LISTING = 8
"""Columns that an error message lists."""


def read_file(path: str, setting: str) -> bytes:
    """Read a file that a setting names.

    Raises:
      ValueError: it is not there, or cannot be read; one line.
    """
    place = Path(path).expanduser()
    if place.is_dir():
        raise ValueError(f"{setting}={path} is a folder; name a CSV file in it")
    if not place.is_file():
        raise ValueError(f"{setting}={path}: no such file; name a CSV file")
    try:
        return place.read_bytes()
    except OSError as error:
        raise ValueError(f"{setting}={path} cannot be read ({error.strerror or error})") from None


def read_columns(
    path: str, setting: str, wanted: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, list[str]]:
    """Read columns of a CSV file; errors as for `parse_columns`, and where it is missing."""
    return parse_columns(path, read_file(path, setting), setting, wanted, optional)


def parse_columns(
    path: str,
    content: bytes,
    setting: str,
    wanted: Sequence[str],
    optional: Sequence[str] = (),
) -> dict[str, list[str]]:
    """Read columns of CSV by the names in its header.

    Args:
      path: of the file, for messages.
      setting: that names it, for messages.
      wanted: names of the columns that it must have.
      optional: of those that are read where they are there.

    Raises:
      ValueError: it is no CSV, or lacks a column or a value; one line.
    """
    try:
        text = content.decode(ENCODING, ERRORS).removeprefix(BYTE_ORDER_MARK)
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except csv.Error as error:
        raise ValueError(f"{path} cannot be read as CSV ({error}); write it again") from None
    header = lines[0] if lines else []
    for name in wanted:
        if name not in header:
            there = ", ".join(header[:LONGEST_LISTING]) or "nothing"
            raise ValueError(
                f"{path} has no column {name!r}, only {there!r:.200}; {setting} needs a file with"
                f" the columns {', '.join(wanted)}, and commas between them"
            )
    for number, line in enumerate(lines):
        if len(line) != len(header):
            raise ValueError(
                f"{path}: its line {number + 1} has {len(line)} values, and its header"
                f" {len(header)}; write it again"
            )
    names = [*wanted, *(name for name in optional if name in header)]
    places = {name: header.index(name) for name in names}
    return {name: [line[place] for line in lines[1:]] for name, place in places.items()}


def csv_bytes(header: Sequence[str], lines: Iterable[Sequence[str]]) -> bytes:
    """Write lines as CSV with a header."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return text.getvalue().encode(ENCODING, ERRORS)


def first_and_count(names: Sequence[str], what: str = "") -> str:
    """Name the first of several and count the others: "'a'" or "'a' and 3 more"."""
    more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
    return f"{what}{names[0]!r}{more}"
