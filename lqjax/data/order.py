"""Which rows make up a batch: the order of an epoch, a pass over a split, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def epoch_order(seed: int, epoch: int, count: int) -> np.ndarray:
    """Draw the order of an epoch from (seed, epoch) alone.

    Returns:
      int64, (count,): a permutation of 0..count-1, the same with every NumPy version (it ranks
      the raw stream of PCG64, which NumPy keeps stable).
    """
    return _permutation(np.random.PCG64(np.random.SeedSequence([seed, epoch])), count)


def balanced_order(seed: int, epoch: int, labels: np.ndarray) -> np.ndarray:
    """Draw an epoch that shows every class equally often, from (seed, epoch) and the labels alone.

    A class gets an equal share of the epoch; what is left over by the division is drawn, so that
    over epochs no class has more. Of a class whose share is smaller than it is, a part is drawn
    without repetition, another one in every epoch; a smaller class is gone through several times,
    in a new order each time, so that its examples are shown equally often up to one.

    Args:
      labels: whole numbers, (examples,).

    Returns:
      int64, (examples,): rows in the order of the epoch, some repeatedly, others not at all; the
      same with every NumPy version.
    """
    stream = np.random.PCG64(np.random.SeedSequence([seed, epoch]))
    counts = np.unique(labels, return_counts=True)[1]
    shares = np.full(len(counts), len(labels) // len(counts))
    shares[_permutation(stream, len(counts))[: len(labels) % len(counts)]] += 1
    of_class = np.split(np.argsort(labels, kind="stable"), np.cumsum(counts)[:-1])
    drawn = [_repeated(stream, rows, n) for rows, n in zip(of_class, shares.tolist(), strict=True)]
    return np.concatenate(drawn)[_permutation(stream, len(labels))]


def _repeated(stream: np.random.PCG64, rows: np.ndarray, count: int) -> np.ndarray:
    """Go through rows in a new order each time, until there are so many."""
    times = -(-count // len(rows))
    orders = [_permutation(stream, len(rows)) for _ in range(times)]
    return rows[np.concatenate(orders)[:count]] if orders else rows[:0]


def _permutation(stream: np.random.PCG64, count: int) -> np.ndarray:
    return np.argsort(stream.random_raw(count), kind="stable")


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


def check_rows(rows: np.ndarray, count: int, devices: int) -> np.ndarray:
    """Return the rows of a batch as int32.

    Raises:
      ValueError: the batch does not divide over the devices, or a row is not there.
    """
    check_batch_size(len(rows), devices)
    if rows.min() < 0 or rows.max() >= count:
        raise ValueError(f"rows {rows.min()} to {rows.max()} asked for; there are 0 to {count - 1}")
    return rows.astype(np.int32)
