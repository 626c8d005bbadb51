"""Contrast around the mean of each channel."""

from __future__ import annotations

import jax.numpy as jnp

from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Scalar

MAX_FACTOR = 100
"""Beyond every published severity; nearly all pixels end black or white."""


@operation(
    "contrast_channel_mean",
    "degradation",
    Parameter("factor", "1", 0, MAX_FACTOR, identity=1, meaning="times the distance from the mean"),
    source="Hendrycks and Dietterich, ImageNet-C (contrast)",
)
def contrast_channel_mean(images: Images, draws: None, *, factor: Scalar) -> Images:
    """Scale the distance of each value from the mean of its channel in the image.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: unused.
      factor: 0 leaves the mean, below 1 flattens; the result is clipped to [0, 1].
    """
    # One axis at a time: sums of whole rows are fast, and short sums keep their digits.
    means = jnp.mean(jnp.mean(images, axis=1), axis=1)[:, None, None]
    # Written so that a factor of 1 gives the image itself, and not up to rounding.
    return jnp.clip(images * factor + means * (1 - factor), 0, 1)
