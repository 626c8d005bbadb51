"""Contrast as Pillow's ImageEnhance changes it."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from lqjax.imaging.colour import grey_levels
from lqjax.imaging.levels import MAX_LEVEL, from_levels, to_levels
from lqjax.imaging.operations import Parameter, operation
from lqjax.imaging.pairs import as_rounded
from lqjax.typing import Images, Scalar

MAX_FACTOR = 10
"""Beyond every published level, the strongest of which is 1.8."""


@operation(
    "contrast_pillow",
    "degradation",
    Parameter(
        "factor",
        "1",
        0,
        MAX_FACTOR,
        identity=1,
        meaning="times the distance from the mean grey",
        examples=(1.6, 0.4),
    ),
    exact=True,
    source="Pillow, ImageEnhance.Contrast (MedMNIST-C contrast_up and contrast_down)",
)
def contrast_pillow(images: Images, draws: None, *, factor: Scalar) -> Images:
    """Move 8-bit code values away from, or towards, the mean of the image's grey version.

    The mean is rounded to a level and is one for all channels, unlike in
    `contrast_channel_mean`. The result is cut off at black and white, and so is the fraction of a
    level. Equal to Pillow bit for bit on 8-bit images; other values are first rounded to the
    nearest of 256 levels. Works on code values.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: unused.
      factor: above 1 adds contrast, below 1 takes it away.
    """
    factor = jnp.asarray(factor, jnp.float32)
    levels = to_levels(images)
    mean = _mean_level(levels)
    # Rounded before the sum, as in C; a fused multiply-add would cut some values a level lower.
    moved = as_rounded((levels - mean).astype(jnp.float32) * factor)
    found = jnp.clip(jnp.floor(mean.astype(jnp.float32) + moved), 0, MAX_LEVEL)
    return jnp.where(factor == 1, images, from_levels(found.astype(jnp.int32)))


def _mean_level(levels: jax.Array) -> jax.Array:
    """Give the mean of the grey version as a level, int32, (batch, 1, 1, 1)."""
    grey = (levels if levels.shape[-1] == 1 else grey_levels(levels))[..., 0]
    count = grey.shape[1] * grey.shape[2]
    total = jnp.sum(grey, axis=(1, 2), keepdims=True, dtype=jnp.int32)
    return ((2 * total + count) // (2 * count))[..., None]
