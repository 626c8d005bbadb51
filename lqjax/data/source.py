"""What a data source is, and the registry that finds them.

A source is one file of this folder that registers one function. It lists what there is, with
labels and ids, and says how to read one picture; nothing is decoded yet. `lqjax.data.loading`
then holds out the splits that the data does not have, applies the limits, and decodes only what
is left.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from lqjax.config import DataConfig
from lqjax.registry import Registry

LONGEST_REASON = 240
"""Characters of another library's message that ours quote."""


FINGERPRINT_BYTES = 8


@dataclass(frozen=True)
class Listing:
    """The examples of one split, not yet decoded.

    Attributes:
      ids: unique in the data set and stable when files are added, (examples,).
      labels: class indices, (examples,).
      names: what error messages call the examples (paths), (examples,).
      read: gives the picture of a row, from several threads at once; any exception means that
        the image is bad.
      version: tells of a row whether its picture is still the one of an earlier run: size and
        time of the file that it comes from, see `file_version`; "" where there is no file.
      groups: as in `lqjax.typing.Split`.
    """

    ids: np.ndarray
    labels: np.ndarray
    names: Sequence[str]
    read: Callable[[int], Image.Image]
    version: Callable[[int], str] = lambda row: ""
    groups: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of ids, labels and versions in their order: 16 hexadecimal digits."""
        digest = hashlib.blake2b(digest_size=FINGERPRINT_BYTES)
        for row in range(len(self)):
            line = f"{self.ids[row]}\0{self.labels[row]}\0{self.version(row)}\n"
            digest.update(line.encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def take(self, chosen: np.ndarray) -> Listing:
        """Keep the examples where `chosen`, bool (examples,), is true."""
        rows = np.flatnonzero(chosen).tolist()
        names = [self.names[row] for row in rows]
        return Listing(
            self.ids[rows],
            self.labels[rows],
            names,
            lambda row: self.read(rows[row]),
            lambda row: self.version(rows[row]),
            None if self.groups is None else self.groups[rows],
        )


@dataclass(frozen=True)
class Catalogue:
    """All that a source knows before decoding.

    Attributes:
      name: of the data set.
      splits: "train", and "validation" and "test" where the data has them.
      class_names: one per class, in label order.
      channels: 1 or 3; 0 where only the pictures tell.
      credit, notes, skipped: as in `lqjax.typing.Dataset`.
    """

    name: str
    splits: Mapping[str, Listing]
    class_names: tuple[str, ...]
    channels: int
    credit: str = ""
    notes: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()


Source = Callable[[DataConfig], Catalogue]

SOURCES: Registry[Source] = Registry("data source", "lqjax.data")


def file_version(path: str) -> str:
    """Tell the versions of a file apart: its size in bytes and the time of its last change."""
    try:
        found = os.stat(path)  # noqa: PTH116 (Path costs more, and there may be millions)
    except OSError:  # it went after it was listed; whoever reads it will say so
        return "missing"
    return f"{found.st_size} {found.st_mtime_ns}"


def one_line(error: Exception) -> str:
    """Put another library's error into one short line, for quoting in ours."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= LONGEST_REASON else text[:LONGEST_REASON] + " ..."
