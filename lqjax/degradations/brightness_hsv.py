"""Brightness by the value of HSV."""

from __future__ import annotations

import jax.numpy as jnp

from lqjax.imaging.colour import value_range
from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Scalar


@operation(
    "brightness_hsv",
    "degradation",
    Parameter("shift", "1", -1, 1, identity=0, meaning="added to the value; 1 makes black white"),
    source="Hendrycks and Dietterich, ImageNet-C (brightness): scikit-image HSV, value plus shift",
)
def brightness_hsv(images: Images, draws: None, *, shift: Scalar) -> Images:
    """Add to the value in HSV, keep hue and saturation.

    The value is the largest channel. With hue and saturation fixed, all channels are
    proportional to it, so they are scaled together; black, which has no hue, becomes grey.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: unused.
      shift: in units of white; the new value is clipped to [0, 1].
    """
    _, value = value_range(images)
    shifted = jnp.clip(value + shift, 0, 1)
    scaled = images * (shifted / jnp.where(value > 0, value, 1))
    found = jnp.where(value > 0, jnp.minimum(scaled, 1), shifted)
    # Not left to x / x: some backends divide by a reciprocal.
    return jnp.where(shifted == value, images, found)
