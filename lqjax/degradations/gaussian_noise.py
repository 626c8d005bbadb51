"""Additive Gaussian noise."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from lqjax.imaging.draws import unit_normal
from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Scalar


@operation(
    "gaussian_noise",
    "degradation",
    Parameter("sigma", "1", 0, 4, identity=0, meaning="standard deviation for images in [0, 1]"),
    draw=unit_normal,
    source="Hendrycks & Dietterich 2019 (1903.12261), without its rounding to 8 bits",
)
def gaussian_noise(images: Images, draws: jax.Array, *, sigma: Scalar) -> Images:
    """Add independent normal noise to every value, then clip to [0, 1].

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: unit normal, of the same shape.
      sigma: standard deviation, in units of the image's range.
    """
    return jnp.clip(images + sigma * draws, 0, 1)
