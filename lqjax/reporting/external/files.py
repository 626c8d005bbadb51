"""Open files of predictions, by their ending, and read them line by line."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from etils import epath

from lqjax.reporting.external.answer import Answer
from lqjax.reporting.external.csv_lines import csv_answers
from lqjax.reporting.external.json_lines import json_answers

READERS = {".csv": csv_answers, ".jsonl": json_answers}


def check_files(paths: Sequence[epath.PathLike]) -> tuple[epath.Path, ...]:
    """Return the files of predictions, all there and of a known kind, each once.

    Raises:
      ValueError: a file that is not there, that is given twice, or with another ending.
    """
    found = []
    for path in map(epath.Path, paths):
        if path.suffix.lower() not in READERS:
            allowed = " and ".join(READERS)
            raise ValueError(f"{path}: predictions are read from {allowed}")
        if not path.exists() or path.is_dir():
            raise ValueError(f"{path}: there is no such file of predictions")
        if path in found:
            raise ValueError(f"{path} is given twice; name each file of predictions once")
        found.append(path)
    return tuple(found)


def read_answers(path: epath.Path) -> Iterator[Answer]:
    """Yield the answers of one file; only a part of it is in memory at a time.

    Raises:
      ValueError: not UTF-8, or a line that is wrong; the message says which.
    """
    with _opened(path) as file:
        try:
            yield from READERS[path.suffix.lower()](file, path.name)
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path} is not UTF-8 ({error.reason} near byte {error.start:,} of a block); save"
                " it as UTF-8"
            ) from None


@contextmanager
def _opened(path: epath.Path) -> Iterator[TextIO]:
    # The signature that some programs put before UTF-8 is no part of the first column's name.
    with (
        path.open("rb") as binary,
        io.TextIOWrapper(binary, encoding="utf-8-sig", newline="") as text,  # type: ignore[arg-type]
    ):
        yield text
