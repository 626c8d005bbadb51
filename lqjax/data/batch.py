"""What the training loop is handed: batches on the devices, and where they come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np
from jax.sharding import NamedSharding


class Batch(NamedTuple):
    """Examples on the devices: a batch sharded over its examples, or a whole split.

    Attributes:
      images: uint8, (batch, height, width, channels).
      labels: int32, (batch,).
      numbers: uint32, (batch,), from which the examples' random keys are made.
      weights: float32, (batch,), how much each example counts in the training loss; `None` where
        the data have no weights.
    """

    images: jax.Array
    labels: jax.Array
    numbers: jax.Array
    weights: jax.Array | None = None


@runtime_checkable
class Placed(Protocol):
    """A split ready to give batches."""

    resident: bool
    """Whether the images live on the devices."""

    def __len__(self) -> int:
        """Count the examples of the split."""
        ...

    def batch(self, rows: np.ndarray) -> Batch:
        """Give the examples of some rows, in their order."""
        ...

    def batches(self, rows: Iterable[np.ndarray]) -> Iterator[Batch]:
        """Give one batch after the other, each asked for ahead of its use."""
        ...


def to_devices(array: np.ndarray, sharding: NamedSharding) -> jax.Array:
    """Put an array that every process has on the devices; each copies what its own hold."""
    return jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])
