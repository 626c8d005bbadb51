"""Predictions in CSV: a header, then one line for each answer; read as a stream."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

from lqjax.registry import nearest_first
from lqjax.reporting.external.answer import (
    KINDS,
    OPTIONAL,
    REQUIRED,
    Answer,
    Scores,
    check_writable,
    make_answer,
)

WRONG_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True)
class Header:
    """What stands in which column.

    Attributes:
      columns: column of each named text.
      kind: of the numbers; empty where there are none.
      classes: class of each number, as written.
      numbers: columns of the numbers.
      width: how many columns there are.
    """

    columns: dict[str, int]
    kind: str
    classes: tuple[str, ...]
    numbers: tuple[int, ...]
    width: int


def csv_answers(file: TextIO, name: str) -> Iterator[Answer]:
    """Yield the answers of an open CSV file (RFC 4180, opened with `newline=""`).

    Args:
      name: of the file, for messages.

    Raises:
      ValueError: a header without a column that is needed or with one that is unknown, a line of
        another length, or what `make_answer` refuses.
    """
    reader = csv.reader(file, strict=True)
    header, empty = None, True
    try:
        for cells in reader:
            if not cells:
                continue
            place = f"{name}, line {reader.line_num}"
            if header is None:
                header = _header(place, cells)
            else:
                empty = False
                yield _answer(place, header, cells)
    except csv.Error as error:
        raise ValueError(f"{name}, line {reader.line_num}: not CSV ({error})") from None
    if header is None:
        raise ValueError(f"{name} is empty; its first line names the columns")
    if empty:
        raise ValueError(f"{name} has a header and no answers below it")


def _header(place: str, cells: Sequence[str]) -> Header:
    names = [cell.strip() for cell in cells]
    if len(names) == 1:
        for separator, called in WRONG_SEPARATORS.items():
            if separator in names[0]:
                raise ValueError(f"{place}: columns are separated by {called}; use commas")
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise ValueError(f"{place}: column {twice!r} stands there twice")
    for name in names:
        check_writable(place, "column", name)
    found = {name: column for column, name in enumerate(names)}
    numbers = {kind: [n for n in names if n.startswith(f"{kind}_")] for kind in KINDS}
    _check_names(place, names, [n for listed in numbers.values() for n in listed])
    kinds = [kind for kind, listed in numbers.items() if listed]
    if len(kinds) > 1:
        raise ValueError(f"{place}: columns of scores and of probabilities; keep one of the two")
    if not kinds and "prediction" not in found:
        raise ValueError(
            f"{place}: no answers; add a column score_<class> or probability_<class> for each"
            " class, or a column prediction"
        )
    kind = kinds[0] if kinds else ""
    listed = numbers[kind] if kind else []
    return Header(
        {name: found[name] for name in (*REQUIRED, *OPTIONAL) if name in found},
        kind,
        tuple(name.removeprefix(f"{kind}_") for name in listed),
        tuple(found[name] for name in listed),
        len(names),
    )


def _check_names(place: str, names: Sequence[str], numbers: Sequence[str]) -> None:
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        plural = "s" if len(missing) > 1 else ""
        raise ValueError(
            f"{place}: column{plural} {', '.join(missing)} missing; every file needs"
            f" {', '.join(REQUIRED)}"
        )
    allowed = (*REQUIRED, *OPTIONAL)
    for name in names:
        if name not in allowed and name not in numbers:
            hint = " (pandas: to_csv(..., index=False))" if not name else ""
            listing = ", ".join(nearest_first(name, (*allowed, "score_<class>")))
            raise ValueError(f"{place}: unknown column {name!r}{hint}; allowed: {listing}")


def _answer(place: str, header: Header, cells: Sequence[str]) -> Answer:
    if len(cells) != header.width:
        raise ValueError(
            f"{place}: {len(cells)} cells under a header of {header.width} columns; texts with"
            " commas stand in double quotes"
        )
    texts = {name: cells[column].strip() for name, column in header.columns.items()}
    values = [cells[column] for column in header.numbers]
    given = any(value.strip() for value in values)
    scores = Scores(header.kind, header.classes, values) if given else None
    return make_answer(place, texts, scores)
