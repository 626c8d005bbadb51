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
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from PIL import Image

from lqjax.config import DataConfig
from lqjax.registry import Registry
from lqjax.typing import taken

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
      weights: as in `lqjax.typing.Split`.
      content: gives of a row the bytes of its record, from several threads at once: what tells
        whether two pictures are the same. Not asked where there are `files`, whose bytes do.
      files: paths of the files that hold one picture each, (examples,), which `read` opens with
        `lqjax.data.pictures.open_picture`; none where one file holds many.
      encoded: whether `content` is that of a picture's file, which `read` opens likewise.
    """

    ids: np.ndarray
    labels: np.ndarray
    names: Sequence[str]
    read: Callable[[int], Image.Image]
    version: Callable[[int], str] = lambda row: ""
    groups: np.ndarray | None = None
    weights: np.ndarray | None = None
    content: Callable[[int], bytes] = lambda row: b""
    files: Sequence[str] = ()
    encoded: bool = False

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
        return self.pick(np.flatnonzero(chosen))

    def pick(self, chosen: np.ndarray) -> Listing:
        """Keep some examples (whole numbers), in the order given."""
        rows = chosen.tolist()
        names = [self.names[row] for row in rows]
        return Listing(
            self.ids[chosen],
            self.labels[chosen],
            names,
            lambda row: self.read(rows[row]),
            lambda row: self.version(rows[row]),
            taken(self.groups, chosen),
            taken(self.weights, chosen),
            lambda row: self.content(rows[row]),
            [self.files[row] for row in rows] if self.files else (),
            self.encoded,
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
      absent: by split, those of `skipped` whose ids and labels are known.
    """

    name: str
    splits: Mapping[str, Listing]
    class_names: tuple[str, ...]
    channels: int
    credit: str = ""
    notes: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    absent: Mapping[str, Listing] = field(default_factory=dict)


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
