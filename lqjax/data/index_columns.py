"""The columns of an index of pictures: path, label, and split, group and weight where they are.

Their names are settings; whether a name is found does not depend on its case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lqjax.config import DataConfig

REQUIRED = ("path", "label")
OPTIONAL = ("split", "group", "weight")


@dataclass(frozen=True)
class IndexColumns:
    """The cells that are used, as texts without the blanks around them.

    Attributes:
      file: the index, as messages call it.
      unit: what its rows are called, "line" or "row".
      numbers: of each row, as `unit` counts them from 1.
      cells: "path", "label" and what else is there -> one text a row.
      unused: names of the other columns.
    """

    file: str
    unit: str
    numbers: Sequence[int]
    cells: Mapping[str, Sequence[str]]
    unused: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.numbers)

    def place(self, row: int) -> str:
        """Name a row: "index.csv, line 17"."""
        return place(self.file, self.unit, self.numbers[row])


def place(file: str, unit: str, number: int) -> str:
    """Name a row of an index: "index.csv, line 17"."""
    return f"{file}, {unit} {number}"


def chosen_columns(settings: DataConfig, names: Sequence[str], file: str) -> dict[str, int]:
    """Find the columns that the settings name.

    Args:
      names: of all columns.
      file: what messages call the index.

    Returns:
      "path", "label" and what else is there -> its position in `names`.

    Raises:
      ValueError: a column that is needed or asked for is missing, or is there twice.
    """
    chosen = {}
    for kind in (*REQUIRED, *OPTIONAL):
        wanted = getattr(settings, f"{kind}_column").strip()
        if not wanted and kind in REQUIRED:
            raise ValueError(f"data.{kind}_column is empty; set it to a column of {file}")
        found = positions(names, wanted) if wanted else []
        if len(found) > 1:
            raise ValueError(f"{file}: has the column {wanted!r} {len(found)} times; rename one")
        if found:
            chosen[kind] = found[0]
        elif kind in REQUIRED or (wanted and wanted != kind):
            raise ValueError(
                f"{file}: has no column {wanted!r}; its columns are {', '.join(names)}: set"
                f" data.{kind}_column to one of them"
            )
    return chosen


def positions(names: Sequence[str], wanted: str) -> list[int]:
    """Find a column by name; where no name is just that, whatever the case."""
    exact = [number for number, name in enumerate(names) if name == wanted]
    folded = wanted.casefold()
    return exact or [number for number, name in enumerate(names) if name.casefold() == folded]


def unused_columns(names: Sequence[str], chosen: Mapping[str, int]) -> tuple[str, ...]:
    """Give the names of the other columns."""
    return tuple(name for number, name in enumerate(names) if number not in chosen.values())
