"""Local response normalisation, the contrast control of the 2012 AlexNet."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

NEIGHBOURS = 5
"""Channels in a neighbourhood, the channel itself in the middle (the paper's n)."""

OFFSET = 2.0
"""The paper's k."""

SHARE = 1e-4
"""Weight of the sum of squares (the paper's alpha; not divided by n, as some programs do)."""

EXPONENT = 0.75
"""The paper's beta."""


def local_response_norm(maps: jax.Array) -> jax.Array:
    """Divide each activation by a power of the energy of its neighbouring channels.

    Args:
      maps: (batch, height, width, channel).

    Returns:
      maps / (k + alpha * sum of squares over n channels) ** beta, of the same shape.

    Source: Krizhevsky et al. 2012, section 3.3.
    """
    half = NEIGHBOURS // 2
    squares = jnp.pad(jnp.square(maps), ((0, 0), (0, 0), (0, 0), (half, half)))
    channels = maps.shape[-1]
    energy = sum(lax.slice_in_dim(squares, i, i + channels, axis=-1) for i in range(NEIGHBOURS))
    return maps * (OFFSET + SHARE * energy) ** -EXPONENT
