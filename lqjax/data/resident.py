"""A split that lives on the devices as uint8; a batch is a gather there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from lqjax.data.batch import Batch, to_devices
from lqjax.data.order import check_rows
from lqjax.imaging.keys import example_numbers
from lqjax.runtime import DATA_AXIS, batch_sharded, replicated
from lqjax.typing import Split


class SharedOut(Batch):
    """A whole split whose images are shared out over the devices, equally many rows to each.

    Rows of zeros are added up to a multiple of the devices. Labels, numbers and weights, at most
    twelve bytes an example, are on every device. The type tells `gather` inside a compiled program
    how the images lie, which the traced array does not.
    """

    __slots__ = ()


class Resident:
    """A split on the devices of a mesh: whole on each, or shared out over them.

    Args:
      split: the examples.
      mesh: the devices; with several processes each copies only what its own devices hold.
      shared_out: keep each image on one device only.

    Attributes:
      arrays: the split, a `Batch` or `SharedOut`, to be handed to a compiled program that calls
        `gather`.
      shardings: how `arrays` lies, in the same structure, for `in_shardings`.
    """

    resident = True

    def __init__(self, split: Split, mesh: Mesh, shared_out: bool = False) -> None:
        self._size = len(split)
        self._mesh = mesh
        everywhere, by_example = replicated(mesh), batch_sharded(mesh)
        self.shared_out = shared_out and mesh.size > 1
        kind: Any = SharedOut if self.shared_out else Batch
        weights = None if split.weights is None else to_devices(split.weights, everywhere)
        self.shardings = kind(
            by_example if self.shared_out else everywhere,
            everywhere,
            everywhere,
            None if weights is None else everywhere,
        )
        images = _shared_out(split.images, by_example) if self.shared_out else None
        self.arrays = kind(
            to_devices(split.images, everywhere) if images is None else images,
            to_devices(split.labels, everywhere),
            to_devices(example_numbers(split.ids), everywhere),
            weights,
        )
        self._gather = jax.jit(lambda arrays, rows: gather(arrays, rows, mesh))

    def __len__(self) -> int:
        return self._size

    def batch(self, rows: np.ndarray) -> Batch:
        """Give the examples of some rows (whole numbers, (batch,)).

        Raises:
          ValueError: the batch does not divide over the devices, or a row is not there.
        """
        checked = check_rows(rows, self._size, self._mesh.size)
        return self._gather(self.arrays, to_devices(checked, replicated(self._mesh)))

    def batches(self, rows: Iterable[np.ndarray]) -> Iterator[Batch]:
        """Give one batch after the other; the device queues them by itself."""
        return map(self.batch, rows)


def gather(arrays: Batch, rows: jax.Array, mesh: Mesh) -> Batch:
    """Take a batch from a resident split, on the devices; may be traced.

    No device is sent more than its part of the batch: where each has the whole split it reads
    its own rows, and where the split is shared out each adds the rows that it has to zeros, and
    the sums are scattered, which is exact because one device alone has any row.

    Args:
      arrays: `Resident.arrays`.
      rows: int32, (batch,), a multiple of the devices; all of them must be there: that is not
        checked here.
      mesh: the one of the `Resident`.

    Returns:
      A batch sharded over its examples, the same to the bit however the split lies.
    """
    by_example = batch_sharded(mesh)
    own = jax.lax.with_sharding_constraint(rows, by_example)
    if isinstance(arrays, SharedOut):
        images = _gather_shared_out(arrays.images, rows, mesh)
    else:
        images = _take(arrays.images, own)
    weights = None if arrays.weights is None else _take(arrays.weights, own)
    made = Batch(images, _take(arrays.labels, own), _take(arrays.numbers, own), weights)
    return jax.lax.with_sharding_constraint(made, by_example)


def _take(array: jax.Array, rows: jax.Array) -> jax.Array:
    return array.at[rows].get(mode="promise_in_bounds")


def _gather_shared_out(images: jax.Array, rows: jax.Array, mesh: Mesh) -> jax.Array:
    # Left to XLA's partitioner this becomes an all-reduce: every device gets the whole batch.
    def take_own(images: jax.Array, rows: jax.Array) -> jax.Array:
        own = rows - jax.lax.axis_index(DATA_AXIS) * images.shape[0]
        here = (own >= 0) & (own < images.shape[0])
        taken = _take(images, jnp.where(here, own, 0))
        masked = jnp.where(here[:, None, None, None], taken, jnp.zeros((), images.dtype))
        return jax.lax.psum_scatter(masked, DATA_AXIS, scatter_dimension=0, tiled=True)

    by_example = PartitionSpec(DATA_AXIS)
    return jax.shard_map(
        take_own, mesh=mesh, in_specs=(by_example, PartitionSpec()), out_specs=by_example
    )(images, rows)


def _shared_out(images: np.ndarray, sharding: NamedSharding) -> jax.Array:
    """Share images out by rows, filled up with zeros at the end; never copies them all at once."""
    devices = sharding.mesh.size
    padded = -(-len(images) // devices) * devices

    def part(index: tuple[slice, ...] | None) -> np.ndarray:
        start, stop, _ = (index or (slice(None),))[0].indices(padded)
        there = images[start:stop]
        missing = stop - start - len(there)
        if not missing:
            return there
        return np.concatenate([there, np.zeros((missing, *images.shape[1:]), images.dtype)])

    return jax.make_array_from_callback((padded, *images.shape[1:]), sharding, part)
