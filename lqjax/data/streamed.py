"""A split that stays in host memory or in a file; batches are gathered there and copied."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding

from lqjax.data.batch import Batch
from lqjax.data.order import check_rows
from lqjax.imaging.keys import example_numbers
from lqjax.runtime import batch_sharded
from lqjax.typing import Split

PREFETCH_DEPTH = 2
"""Batches that are gathered and copied to the devices while one is worked on."""


class Streamed:
    """A split of which only batches are ever on the devices.

    Args:
      split: the examples; the images may be a memory-mapped file, of which only the rows of a
        batch are read.
      mesh: the devices; with several processes each reads only the rows that its own hold.
    """

    resident = False

    def __init__(self, split: Split, mesh: Mesh) -> None:
        self._mesh = mesh
        self._by_example = batch_sharded(mesh)
        # Without weights a batch is made of three arrays.
        weights = () if split.weights is None else (split.weights,)
        self._arrays = (split.images, split.labels, example_numbers(split.ids), *weights)

    def __len__(self) -> int:
        return len(self._arrays[1])

    def batch(self, rows: np.ndarray) -> Batch:
        """Give the examples of some rows (whole numbers, (batch,)).

        Raises:
          ValueError: the batch does not divide over the devices, or a row is not there.
        """
        checked = check_rows(rows, len(self), self._mesh.size)
        return Batch(*(_rows_to_devices(a, checked, self._by_example) for a in self._arrays))

    def batches(self, rows: Iterable[np.ndarray]) -> Iterator[Batch]:
        """Give one batch after the other, gathered and copied in the background.

        An error in the background is raised here, at the batch that it belongs to. When the
        iterator is closed or dropped, what has begun is finished and its threads end.
        """
        waiting: deque[Future[Batch]] = deque()
        # A thread for each batch ahead: where one waits for the disk the other goes on.
        with ThreadPoolExecutor(PREFETCH_DEPTH, thread_name_prefix="lqjax-prefetch") as pool:
            try:
                for wanted in rows:
                    waiting.append(pool.submit(self.batch, wanted))
                    if len(waiting) > PREFETCH_DEPTH:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()


def _rows_to_devices(array: np.ndarray, rows: np.ndarray, sharding: NamedSharding) -> jax.Array:
    def gather(index: tuple[slice, ...] | None) -> np.ndarray:
        wanted = rows if index is None else rows[index[0]]
        return np.asarray(array[wanted])  # of a memory map too: a plain copy of these rows

    return jax.make_array_from_callback((len(rows), *array.shape[1:]), sharding, gather)
