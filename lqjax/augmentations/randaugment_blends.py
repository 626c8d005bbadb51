"""The operations of RandAugment that move away from, or towards, another version of the image."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.augmentations.randaugment_draws import Drawn
from lqjax.imaging.colour import grey_levels
from lqjax.imaging.levels import MAX_LEVEL
from lqjax.imaging.pairs import as_rounded

MAX_CHANGE = 0.9
"""Of the factor, either way from 1. Source: torchvision RandAugment."""

CENTRE_WEIGHT = 5
"""Of the smoothing kernel of 3 x 3 px, whose other weights are 1. Source: Pillow SMOOTH."""

BLENDS = ("color", "sharpness")
"""The operations."""

_WEIGHTS = CENTRE_WEIGHT + 8  # in all


def factors(drawn: Drawn) -> jax.Array:
    """Give the factor of each image: 1 + or - the share that the strength asks for, (batch,)."""
    change = MAX_CHANGE * drawn.strength
    return jnp.where(drawn.negative, np.float32(1 - change), np.float32(1 + change))


def blended(other: jax.Array, levels: jax.Array | np.ndarray, factor: jax.Array) -> jax.Array:
    """Go from another version of the image to `factor` times the way to the image.

    Cut off at black and white, and so is the fraction of a level.

    Returns:
      int32 in 0..255.

    Source: Pillow, Blend.c.
    """
    # Rounded before the sum, as in C; a fused multiply-add would cut some values a level lower.
    way = as_rounded(jnp.asarray(levels - other, jnp.float32) * factor)
    found = jnp.floor(other.astype(jnp.float32) + way)
    return jnp.clip(found, 0, MAX_LEVEL).astype(jnp.int32)


def blend(levels: jax.Array, drawn: Drawn) -> jax.Array:
    """Change colour or sharpness of those images whose operation does so.

    Equal to Pillow's ImageEnhance.Color and ImageEnhance.Sharpness bit for bit. Grey images have
    no colour to change.

    Args and result: as for `randaugment.transform`.
    """

    def change(levels: jax.Array) -> jax.Array:
        color, sharpness = (drawn.is_drawn(name)[:, None, None, None] for name in BLENDS)
        wide = levels.astype(jnp.int32)
        grey = wide if levels.shape[-1] == 1 else grey_levels(wide)
        other = jnp.where(sharpness, _smoothed(wide), grey)
        changed = blended(other, wide, factors(drawn)[:, None, None, None])
        return jnp.where(color | sharpness, changed, wide).astype(jnp.uint8)

    return jax.lax.cond(drawn.any_of(BLENDS), change, lambda levels: levels, levels)


def _smoothed(levels: jax.Array) -> jax.Array:
    """Smooth all but the outermost pixels, rounded to levels."""
    height, width = levels.shape[1:3]
    rows = levels[:, :-2] + levels[:, 1:-1] + levels[:, 2:]
    around = rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]
    inner = levels[:, 1:-1, 1:-1]
    total = around + (CENTRE_WEIGHT - 1) * inner
    # The weights sum to an odd number, so that no quotient comes near where rounding turns.
    smooth = jnp.round(total.astype(jnp.float32) * np.float32(1 / _WEIGHTS)).astype(jnp.int32)
    y, x = np.arange(height)[:, None], np.arange(width)[None]
    border = (y == 0) | (y == height - 1) | (x == 0) | (x == width - 1)
    padded = jnp.pad(smooth, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return jnp.where(border[None, :, :, None], levels, padded)
