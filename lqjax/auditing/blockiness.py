"""Jumps at the borders of JPEG's blocks."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.auditing.samples import LEVELS
from lqjax.imaging.jpeg_codec import BLOCK

HIGHEST_JUMP = 32 / (LEVELS - 1)
"""Larger jumps count as much as this: those are edges of what is in the picture."""

NO_JUMP = 0.1 / (LEVELS - 1)
"""Added to both mean jumps, so that a flat picture has no blocks rather than no answer."""


def blockiness(pixels: jax.Array, extent: jax.Array) -> jax.Array:
    """Compare the jumps between pixels at the borders of 8 x 8 blocks with those inside.

    Args:
      pixels: luma, uint8, (batch, height, width); the corner is that of a block.
      extent: height and width in px, int32, (batch, 2).

    Returns:
      The mean jump at borders over the mean jump inside, float32, (batch,): near 1 without blocks,
      or where nothing changes at all; NaN where a picture has no border. Nine photographs and
      drawings had 0.9 to 1.1 before compression, 1.1 to 1.5 at JPEG quality 50, 1.4 to 2.1 at 15
      and 1.9 to 4.8 at 5.
    """
    levels = pixels.astype(jnp.float32) / (LEVELS - 1)
    at_border, borders, inside, others = (
        across + along
        for across, along in zip(
            _sums(levels, extent), _sums(levels.mT, extent[:, ::-1]), strict=True
        )
    )
    border, within = at_border / jnp.maximum(borders, 1), inside / jnp.maximum(others, 1)
    ratio = (border + np.float32(NO_JUMP)) / (within + np.float32(NO_JUMP))
    return jnp.where(borders > 0, ratio, jnp.nan)


def _sums(levels: jax.Array, extent: jax.Array) -> tuple[jax.Array, ...]:
    """Add up the jumps down the rows: at borders, their number; inside, their number."""
    jumps = jnp.minimum(jnp.abs(jnp.diff(levels, axis=1)), np.float32(HIGHEST_JUMP))
    right = np.arange(jumps.shape[2])[None] < extent[:, 1:]
    of_row = jnp.sum(jnp.where(right[:, None, :], jumps, 0), axis=2)
    row = np.arange(jumps.shape[1])[None]
    down = row < extent[:, :1] - 1
    border = row % BLOCK == BLOCK - 1
    return tuple(
        total
        for mask in (down & border, down & ~border)
        for total in (
            jnp.sum(jnp.where(mask, of_row, 0), axis=1),
            jnp.sum(mask, axis=1, dtype=jnp.int32) * extent[:, 1],
        )
    )
