"""Gradients of a batch that is worked through in parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from lqjax.typing import Tree

PartGradient = Callable[[Tree, Tree, jax.Array], tuple[Tree, tuple[Tree, Any]]]
"""(stats, inputs of a part, number of the part) -> (gradients, (stats, outputs))."""


def check_accumulation(batch_size: int, parts: int, devices: int) -> None:
    """Refuse parts that cannot be shared out evenly.

    Raises:
      ValueError: `batch_size` is no multiple of parts x devices.
    """
    if batch_size % (parts * devices):
        raise ValueError(
            f"training.accumulation={parts} is not possible with training.batch_size={batch_size}"
            f" on {devices} device(s): the batch must be a multiple of {parts * devices}"
        )


def accumulate(gradient: PartGradient, stats: Tree, inputs: Tree, parts: int) -> Any:
    """Add up the gradients of the parts of a batch, one part after the other.

    Part i has the examples i, i + parts, ..., so that every device works on its own share of each
    part. Batch statistics are those of the parts, in turn.

    Args:
      gradient: what is computed of a part; its gradients are sums over examples.
      inputs: arrays whose leading axis is the batch.

    Returns:
      (gradients, (stats, outputs)), the outputs in the order of the batch.
    """
    if parts == 1:
        return gradient(stats, inputs, jnp.zeros((), jnp.int32))

    def work(carry: tuple[Tree, Tree | None], part: tuple[Tree, jax.Array]) -> Any:
        (sums, stats), (share, number) = carry, part
        made, (stats, outputs) = gradient(stats, share, number)
        return (jax.tree.map(jnp.add, sums, made), stats), outputs

    shares = jax.tree.map(lambda array: _by_part(array, parts), inputs)
    first = jax.tree.map(lambda array: array[0], shares)
    empty = jax.tree.map(
        lambda leaf: jnp.zeros(leaf.shape, leaf.dtype),
        jax.eval_shape(gradient, stats, first, jnp.zeros((), jnp.int32))[0],
    )
    # A loop on a CPU runs convolutions on one core: there the parts are written out.
    (sums, stats), outputs = jax.lax.scan(
        work,
        (empty, stats),
        (shares, jnp.arange(parts, dtype=jnp.int32)),
        unroll=parts if jax.default_backend() == "cpu" else 1,
    )
    return sums, (stats, jax.tree.map(_in_order, outputs))


def first_part(inputs: Tree, parts: int) -> Tree:
    """Return the part of a batch that `accumulate` works on first."""
    return jax.tree.map(lambda array: _by_part(array, parts)[0], inputs)


def _by_part(array: jax.Array, parts: int) -> jax.Array:
    return jnp.swapaxes(array.reshape(-1, parts, *array.shape[1:]), 0, 1)


def _in_order(array: jax.Array) -> jax.Array:
    return jnp.swapaxes(array, 0, 1).reshape(-1, *array.shape[2:])
