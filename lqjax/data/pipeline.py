"""From a split in host memory to batches on the devices.

`Resident` keeps the whole split on every device as uint8 and gathers batches there; `Streamed`
gathers on the host and copies. Both give the same batches. The order of an epoch is drawn from
(seed, epoch) alone, so a run that goes on needs to know only its step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding

from lqjax.data.memory import free_bytes
from lqjax.imaging.keys import example_numbers
from lqjax.runtime import batch_sharded, replicated
from lqjax.typing import Split

PREFETCH_DEPTH = 2
"""Batches that are copied to the devices while one is worked on."""

STATISTICS_CHUNK = 1024
"""Images whose levels are counted at a time; bounds the memory."""


class Batch(NamedTuple):
    """Examples on the devices, sharded over the batch.

    Attributes:
      images: uint8, (batch, height, width, channels).
      labels: int32, (batch,).
      numbers: uint32, (batch,), from which the examples' random keys are made.
    """

    images: jax.Array
    labels: jax.Array
    numbers: jax.Array


@runtime_checkable
class Placed(Protocol):
    """A split ready to give batches."""

    def __len__(self) -> int:
        """Count the examples of the split."""
        ...

    def batch(self, rows: np.ndarray) -> Batch:
        """Give the examples of some rows, in their order."""
        ...

    def batches(self, rows: Iterable[np.ndarray]) -> Iterator[Batch]:
        """Give one batch after the other, each asked for ahead of its use."""
        ...


class Resident:
    """A split that lives on every device of a mesh; a batch is a gather there."""

    def __init__(self, split: Split, mesh: Mesh) -> None:
        self._size = len(split)
        self._mesh = mesh
        self._by_example = batch_sharded(mesh)
        everywhere = replicated(mesh)
        host = (split.images, split.labels, example_numbers(split.ids))
        self._arrays = Batch(*(_to_devices(array, everywhere) for array in host))
        self._gather = jax.jit(_gather, out_shardings=self._by_example)

    def __len__(self) -> int:
        return self._size

    def batch(self, rows: np.ndarray) -> Batch:
        """Give the examples of some rows (whole numbers, (batch,)).

        Raises:
          ValueError: the batch does not divide over the devices, or a row is not there.
        """
        checked = _check_rows(rows, self._size, self._mesh)
        return self._gather(self._arrays, _to_devices(checked, self._by_example))

    def batches(self, rows: Iterable[np.ndarray]) -> Iterator[Batch]:
        """Give one batch after the other; the device queues them by itself."""
        return map(self.batch, rows)


class Streamed:
    """A split that stays in host memory; batches are gathered there and copied."""

    def __init__(self, split: Split, mesh: Mesh) -> None:
        self._mesh = mesh
        self._by_example = batch_sharded(mesh)
        self._arrays = (split.images, split.labels, example_numbers(split.ids))

    def __len__(self) -> int:
        return len(self._arrays[1])

    def batch(self, rows: np.ndarray) -> Batch:
        """Give the examples of some rows (whole numbers, (batch,)).

        Raises:
          ValueError: the batch does not divide over the devices, or a row is not there.
        """
        checked = _check_rows(rows, len(self), self._mesh)
        return Batch(*(_rows_to_devices(a, checked, self._by_example) for a in self._arrays))

    def batches(self, rows: Iterable[np.ndarray]) -> Iterator[Batch]:
        """Give one batch after the other, gathered and copied in the background."""
        return self._ahead(iter(rows), PREFETCH_DEPTH)

    def _ahead(self, rows: Iterator[np.ndarray], depth: int) -> Iterator[Batch]:
        waiting: deque[Future[Batch]] = deque()
        with ThreadPoolExecutor(1) as pool:
            try:
                for wanted in rows:
                    waiting.append(pool.submit(self.batch, wanted))
                    if len(waiting) > depth:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()


def place(split: Split, mesh: Mesh, residency: str, device_share: float) -> Resident | Streamed:
    """Put a split where batches come from.

    Args:
      split: the examples.
      mesh: the devices, from `lqjax.runtime.make_mesh`.
      residency: "device", "host", or "auto": on the device when it fits.
      device_share: "auto" takes at most this share of a device's free memory.

    Raises:
      ValueError: "device" asked for, and the split is larger than the free memory.
    """
    if residency == "host":
        return Streamed(split, mesh)
    needed, free = split.images.nbytes, free_bytes(mesh)
    if residency == "device" and needed > free:
        raise ValueError(
            f"data.residency=device: the split takes {needed:,} bytes, but {free:,} are free on "
            "the device; use data.residency=host, or a smaller data.image_size"
        )
    if residency == "device" or needed <= device_share * free:
        return Resident(split, mesh)
    return Streamed(split, mesh)


def epoch_order(seed: int, epoch: int, count: int) -> np.ndarray:
    """Draw the order of an epoch from (seed, epoch) alone.

    Returns:
      int64, (count,): a permutation of 0..count-1, the same with every NumPy version (it ranks
      the raw stream of PCG64, which NumPy keeps stable).
    """
    stream = np.random.PCG64(np.random.SeedSequence([seed, epoch])).random_raw(count)
    return np.argsort(stream, kind="stable")


def padded_batches(count: int, batch_size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Cover 0..count-1 once, in batches of equal size.

    Yields:
      rows, int64, (batch_size,), the last ones filled up with row 0; and a mask, bool,
      (batch_size,), true where a row counts.
    """
    for start in range(0, count, batch_size):
        rows = np.arange(start, start + batch_size)
        real = rows < count
        yield np.where(real, rows, 0), real


def check_batch_size(batch_size: int, devices: int, name: str = "the batch size") -> None:
    """Refuse a batch that cannot be shared out evenly.

    Raises:
      ValueError: `batch_size` is no multiple of the number of devices; says which ones are near.
    """
    if batch_size > 0 and batch_size % devices == 0:
        return
    below = batch_size // devices * devices
    near = f"{below} or {below + devices}" if below > 0 else f"{devices}"
    raise ValueError(f"{name} is {batch_size}, no multiple of the {devices} devices; use {near}")


def normalisation(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Compute mean and standard deviation per channel, of values scaled to [0, 1].

    Args:
      split: the training split, and no other: test images must not shape the network.

    Returns:
      mean and standard deviation, float32, (channels,), from exact counts of the 256 levels. The
      deviation is at least one level, so that it can be divided by.
    """
    levels = np.arange(256) / 255.0
    means, deviations = [], []
    for channel in range(split.images.shape[3]):
        counts = np.zeros(256, np.int64)
        for start in range(0, len(split), STATISTICS_CHUNK):
            chunk = split.images[start : start + STATISTICS_CHUNK, :, :, channel]
            counts += np.bincount(chunk.ravel(), minlength=256)
        mean = float(counts @ levels / counts.sum())
        means.append(mean)
        deviations.append(float(np.sqrt(counts @ (levels - mean) ** 2 / counts.sum())))
    lowest = 1 / 255
    return np.asarray(means, np.float32), np.maximum(deviations, lowest).astype(np.float32)


def _gather(arrays: Batch, rows: jax.Array) -> Batch:
    return Batch(*(array.at[rows].get(mode="promise_in_bounds") for array in arrays))


def _check_rows(rows: np.ndarray, count: int, mesh: Mesh) -> np.ndarray:
    check_batch_size(len(rows), mesh.size)
    if rows.min() < 0 or rows.max() >= count:
        raise ValueError(f"rows {rows.min()} to {rows.max()} asked for; there are 0 to {count - 1}")
    return rows.astype(np.int32)


def _to_devices(array: np.ndarray, sharding: NamedSharding) -> jax.Array:
    """Place a host array that every process has; each copies what its own devices hold."""
    return jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])


def _rows_to_devices(array: np.ndarray, rows: np.ndarray, sharding: NamedSharding) -> jax.Array:
    """Place rows of a host array; each process gathers only what its own devices hold."""

    def gather(index: tuple[slice, ...] | None) -> np.ndarray:
        return array[rows if index is None else rows[index[0]]]

    return jax.make_array_from_callback((len(rows), *array.shape[1:]), sharding, gather)
