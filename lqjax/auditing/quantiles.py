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
      mask: which of them count, bool; at most 2^24 of a picture.
      share: in (0, 1].
      top: largest possible value, below 2^30.

    Returns:
      float32, (batch,); NaN where the mask leaves none.
    """
    return quantile_and_number(values, mask, share, top)[0]


def quantile_and_number(
    values: jax.Array, mask: jax.Array, share: float, top: float
) -> tuple[jax.Array, jax.Array]:
    """Find a quantile as `masked_quantile` does, and how many values count: int32, (batch,).

    The values are looked at in the loop only, also to count them: used beside it they, and all that
    they are made of, would be computed once more.
    """
    counted = jnp.where(mask, values, np.asarray(2 * top, values.dtype))  # beyond the range

    def up_to(limit: jax.Array) -> jax.Array:
        limit = limit.astype(values.dtype)  # of whole numbers rounded down: the same are below
        below = (counted <= limit[:, None, None]).astype(jnp.float32)  # which are summed fastest
        return jnp.sum(below, (1, 2)).astype(jnp.int32)

    def halve(
        step: jax.Array, found: tuple[jax.Array, jax.Array, jax.Array]
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        low, high, number = found
        first = step == 0
        middle = (low + high) / 2
        below = up_to(jnp.where(first, np.float32(1.5 * top), middle))
        number = jnp.where(first, below, number)
        enough = below >= jnp.maximum(jnp.ceil(number * np.float32(share)).astype(jnp.int32), 1)
        low, high = (
            jnp.where(first | (enough == above), end, middle)
            for end, above in ((low, True), (high, False))
        )
        return low, high, number

    start = jnp.zeros(len(values)), jnp.full(len(values), top, jnp.float32)
    none = jnp.zeros(len(values), jnp.int32)
    low, high, number = jax.lax.fori_loop(0, 1 + HALVINGS, halve, (*start, none))
    return jnp.where(number > 0, jnp.where(low > 0, high, 0), jnp.nan), number


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
