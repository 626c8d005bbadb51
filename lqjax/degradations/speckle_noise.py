"""Speckle noise: normal noise in proportion to the value."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from lqjax.imaging.draws import unit_normal
from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Scalar


@operation(
    "speckle_noise",
    "degradation",
    Parameter("sigma", "1", 0, 4, identity=0, meaning="standard deviation as a share of the value"),
    draw=unit_normal,
    source="Hendrycks & Dietterich 2019 (1903.12261), without its rounding to 8 bits",
)
def speckle_noise(images: Images, draws: jax.Array, *, sigma: Scalar) -> Images:
    """Add to every value independent normal noise in proportion to it, then clip to [0, 1].

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: unit normal, of the same shape.
      sigma: standard deviation at a value of 1.
    """
    return jnp.clip(images + images * (sigma * draws), 0, 1)
