"""Quantiles of what a mask leaves, and of what was counted."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

HALVINGS = 16
"""Of the range in which a quantile is looked for: what is left of it is 1.5e-5 of the whole."""


def masked_quantile(values: jax.Array, mask: jax.Array, share: float, top: float) -> jax.Array:
    """Find the smallest value that at least a share of the values does not exceed.

    By halving the range, since compilers sort slowly: too large by at most 1.5e-5 of `top`, and 0
    where it is less than that.

    Args:
      values: int32 or float32 in [0, top], (batch, height, width).
      mask: which of them count, bool.
      share: in (0, 1].
      top: largest possible value, below 2^30.

    Returns:
      float32, (batch,); NaN where the mask leaves none.
    """
    number = jnp.sum(mask, (1, 2), dtype=jnp.int32)
    wanted = jnp.maximum(jnp.ceil(number * np.float32(share)).astype(jnp.int32), 1)
    counted = jnp.where(mask, values, np.asarray(2 * top, values.dtype))  # beyond the range
    counted = counted.reshape(len(values), -1)  # one axis is summed in two thirds of the time

    def halve(_: jax.Array, ends: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        low, high = ends
        middle = (low + high) / 2
        limit = middle.astype(values.dtype)  # of whole numbers rounded down: the same are below
        below = jnp.sum(counted <= limit[:, None], axis=1, dtype=jnp.int32)
        enough = below >= wanted
        return jnp.where(enough, low, middle), jnp.where(enough, middle, high)

    ends = jnp.zeros(len(values)), jnp.full(len(values), top, jnp.float32)
    low, high = jax.lax.fori_loop(0, HALVINGS, halve, ends)
    return jnp.where(number > 0, jnp.where(low > 0, high, 0), jnp.nan)


def counted_quantile(counts: jax.Array, share: float) -> jax.Array:
    """Find a quantile of values of which it is known how often each occurs.

    Args:
      counts: of values spread evenly over [0, 1], (batch, values); each row has at least one.
      share: in [0, 1].

    Returns:
      float32 in [0, 1], (batch,), between two values as NumPy's `percentile` puts it.
    """
    up_to = jnp.cumsum(counts, axis=1)
    place = (up_to[:, -1] - 1) * np.float32(share)
    first = jnp.floor(place)
    low, high = (
        jnp.sum(up_to <= rank[:, None], axis=1, dtype=jnp.int32) for rank in (first, first + 1)
    )
    last = counts.shape[1] - 1
    high = jnp.where(place > first, jnp.minimum(high, last), low)
    return (low + (place - first) * (high - low)) / last
