"""Which two examples of a batch are put together."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def partners(batch: jax.Array) -> jax.Array:
    """Give each example the one before it in the batch, and the first one the last.

    Batches are random draws, so that neighbours are random pairs. No example of a batch of two or
    more is its own partner, and over several devices only one example goes from each to the next.

    Args:
      batch: any array whose leading axis is the batch.
    """
    return jnp.roll(batch, 1, axis=0)
