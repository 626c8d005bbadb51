"""Some rows of stored images, in place of a copy of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from lqjax.data.batch import Batch, Placed


class SelectedImages:
    """Rows of an array of images, read when they are asked for.

    Folds share all images but a few: copies would take the memory of each fold anew, or that of a
    file of which only batches are ever read.

    Args:
      images: uint8, (images, height, width, channels); may be a memory map.
      rows: whole numbers, (examples,).
    """

    def __init__(self, images: np.ndarray, rows: np.ndarray) -> None:
        self.images, self.rows = images, rows

    @property
    def shape(self) -> tuple[int, ...]:
        """(examples, height, width, channels)."""
        return len(self.rows), *self.images.shape[1:]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the images."""
        return self.images.dtype

    @property
    def nbytes(self) -> int:
        """Size of a copy, in bytes."""
        return int(np.prod(self.shape)) * self.dtype.itemsize

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> np.ndarray:
        first, *rest = index if isinstance(index, tuple) else (index,)
        found = self.images[self.rows[first]]
        return np.asarray(found[(slice(None),) * np.ndim(self.rows[first]) + tuple(rest)])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)


class SelectedRows:
    """Rows of placed images as a split of its own: a fold's share of the pool, for example.

    Args:
      images: on the devices, or streamed to them.
      rows: whole numbers, (examples,).
    """

    def __init__(self, images: Placed, rows: np.ndarray) -> None:
        self._images, self._rows = images, rows
        self.resident = images.resident

    def __len__(self) -> int:
        return len(self._rows)

    def batch(self, rows: np.ndarray) -> Batch:
        """Give the examples of some rows, in their order."""
        return self._images.batch(self._rows[rows])

    def batches(self, rows: Iterable[np.ndarray]) -> Iterator[Batch]:
        """Give one batch after the other, each asked for ahead of its use."""
        return self._images.batches(self._rows[wanted] for wanted in rows)
