"""The answers read so far, by what they belong to: the most of them on disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

HELD_BYTES = 64 * 2**20
"""What waits in memory, over all models and conditions, before it is written."""


@dataclass
class Shelf:
    """What one model answered under one condition, in the order of the lines.

    Attributes:
      path: file of what is not in memory.
      columns: numbers an answer: one for each class, or a class number alone.
      seen: of each test image, whether it was answered.
    """

    path: Path
    columns: int
    seen: np.ndarray
    positions: list[int] = field(default_factory=list)
    values: list[np.ndarray] = field(default_factory=list)

    @property
    def kind(self) -> np.dtype:
        """How an answer lies in the file: its position, then its numbers."""
        return np.dtype([("position", np.int32), ("values", np.float64, (self.columns,))])

    @property
    def missing(self) -> np.ndarray:
        """Positions of the test images that have no answer."""
        return np.flatnonzero(~self.seen)

    def flush(self) -> None:
        """Write what waits."""
        if not self.positions:
            return
        block = np.empty(len(self.positions), self.kind)
        block["position"], block["values"] = self.positions, np.stack(self.values)
        with self.path.open("ab") as file:
            file.write(block.tobytes())
        self.positions, self.values = [], []

    def read(self) -> np.ndarray:
        """Return all answers in the order of the test images: (images, columns)."""
        self.flush()
        found = np.fromfile(self.path, self.kind)
        ordered = np.empty((len(self.seen), self.columns))
        ordered[found["position"]] = found["values"]
        return ordered


class Spool:
    """Shelves in one folder that share the memory for what waits."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._waiting = folder, 0
        self.shelves: list[Shelf] = []

    def shelf(self, columns: int, images: int) -> Shelf:
        """Add an empty shelf."""
        path = self._folder / f"shelf{len(self.shelves)}"
        self.shelves.append(Shelf(path, columns, np.zeros(images, bool)))
        return self.shelves[-1]

    def put(self, shelf: Shelf, position: int, values: np.ndarray) -> None:
        """Keep one answer."""
        shelf.seen[position] = True
        shelf.positions.append(position)
        shelf.values.append(values)
        self._waiting += values.nbytes + shelf.kind.itemsize
        if self._waiting > HELD_BYTES:
            for each in self.shelves:
                each.flush()
            self._waiting = 0
