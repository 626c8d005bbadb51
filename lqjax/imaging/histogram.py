"""Equalisation of histograms."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.levels import MAX_LEVEL


def equalize(levels: jax.Array) -> jax.Array:
    """Spread the levels of each image over 0..255 so that their histogram becomes flat.

    The darkest level that occurs becomes 0; an image of one level stays as it is.

    Args:
      levels: uint8, (batch, height, width).

    Returns:
      uint8, (batch, height, width).

    Source: OpenCV equalizeHist.
    """
    return jax.vmap(_equalize_one)(levels)


def _equalize_one(levels: jax.Array) -> jax.Array:
    counts = jnp.zeros(MAX_LEVEL + 1, jnp.int32).at[levels].add(1)
    up_to = jnp.cumsum(counts)
    darkest = jnp.min(jnp.where(up_to > 0, up_to, levels.size))
    others = levels.size - darkest
    # In this order, and in float32, as OpenCV does: halves round to the even level.
    scale = np.float32(MAX_LEVEL) / jnp.maximum(others, 1).astype(jnp.float32)
    table = jnp.round(jnp.maximum(up_to - darkest, 0).astype(jnp.float32) * scale)
    unchanged = np.arange(MAX_LEVEL + 1, dtype=np.float32)
    return jnp.where(others == 0, unchanged, table).astype(jnp.uint8)[levels]
