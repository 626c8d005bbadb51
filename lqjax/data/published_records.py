"""File names and labels of the records of published sets, each read once for all networks.

A record holds a picture beside its name, so whoever asks for the names of a set reads all of its
pictures. All corruptions of a set have the same keys, and TFDS orders records by the keys: the
names of one corruption are those of the others. That is compared at a few records of each, and at
every record whose picture is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lqjax.config import DataConfig
from lqjax.data.kept_labels import kept_labels, kept_values
from lqjax.data.tfds_records import Opened, damaged

FILE_NAME = "file_name"
"""Feature that says which file a record was made from."""

COMPARED = 16
"""Records of each corruption, spread evenly, whose names are compared with those that are known:
records in another order differ at nearly all of them."""

UNREAD = -1


class _Key(NamedTuple):
    """A split of a corruption, as it was prepared."""

    dataset: str
    split_name: str
    version: str

    @property
    def set_name(self) -> str:
        """Name of all corruptions together."""
        return self.dataset.partition("/")[0]


class PublishedRecords:
    """What is known of the records of published sets.

    Args:
      settings: `cache_dir`, where names and labels are kept for later starts.
    """

    def __init__(self, settings: DataConfig) -> None:
        self._settings = settings
        self._names: dict[_Key, list[str]] = {}
        self._labels: dict[_Key, np.ndarray] = {}

    def names(self, opened: Opened) -> list[str]:
        """Give the file name of every record.

        Raises:
          ValueError: damaged records; one line.
        """
        key = _Key(opened.dataset, opened.split_name, opened.version)
        if key not in self._names:
            known = next((one for one in self._of_set(key) if _agree(opened, one)), None)
            self._names[key] = known or kept_values(
                self._settings, "names", _title(opened), opened.version, lambda: _read(opened)
            )
        return self._names[key]

    def _of_set(self, wanted: _Key) -> list[list[str]]:
        """Give the names of the other corruptions of a set."""
        return [
            names
            for key, names in self._names.items()
            if key.set_name == wanted.set_name and key.split_name == wanted.split_name
        ]

    def labels(self, opened: Opened, label_key: str, rows: Sequence[int]) -> np.ndarray:
        """Give the labels of some records; of those that are known none is read again.

        Returns:
          int32, (rows,).

        Raises:
          ValueError: damaged records; one line.
        """
        count, chosen = len(opened.undecoded), np.asarray(rows, np.int64)
        key = _Key(opened.dataset, opened.split_name, f"{opened.version} {label_key}")
        known = self._labels.setdefault(key, np.full(count, UNREAD, np.int32))
        missing = np.unique(chosen[known[chosen] == UNREAD])
        if missing.size and self._settings.cache_dir:
            known[:] = kept_labels(
                self._settings,
                _title(opened),
                f"{opened.version} {label_key}",
                lambda: opened.labels(label_key, range(count)),
            )
        elif missing.size:
            known[missing] = opened.labels(label_key, missing.tolist())
        return known[chosen]


class NamedRecords(Sequence[Any]):
    """Records, each compared with the name that it should have when it is read.

    Args:
      records: of a split.
      names: one for each record.
    """

    def __init__(self, records: Sequence[Any], names: Sequence[str]) -> None:
        self._records, self._names = records, names

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, row: Any) -> Any:
        record = self._records[row]
        if _name_of(record) != self._names[row]:
            raise ValueError(
                f"it is of {_name_of(record)}; in other corruptions this record is of"
                f" {self._names[row]}: prepare the set again"
            )
        return record


def _title(opened: Opened) -> str:
    return f"{opened.dataset}-{opened.split_name}"


def _agree(opened: Opened, names: Sequence[str]) -> bool:
    """Tell whether a few records have the names that are known of another corruption."""
    count = len(opened.undecoded)
    if count != len(names):
        return False
    rows = np.unique(np.linspace(0, count - 1, min(COMPARED, count)).round().astype(int)).tolist()
    return _names_of(opened, rows) == [names[row] for row in rows]


def _read(opened: Opened) -> list[str]:
    return _names_of(opened, range(len(opened.undecoded)))


def _names_of(opened: Opened, rows: Sequence[int]) -> list[str]:
    try:
        return [_name_of(opened.undecoded[row]) for row in rows]
    except Exception as error:  # damaged records fail in many ways
        raise damaged(f"{opened.folder}, split {opened.split_name}", error) from error


def _name_of(record: Any) -> str:
    value = record[FILE_NAME]
    return value.decode() if isinstance(value, bytes) else str(value)
