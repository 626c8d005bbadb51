"""Saturation in HSV."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from lqjax.imaging.colour import as_channels, as_colour, value_range
from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Scalar

MAX_FACTOR = 100
"""Beyond every published severity, the strongest of which is 30."""

_RED_HUE = np.array([0, 1, 1], bool)
"""Channels that fall short of the value at hue 0, which scikit-image gives to grey."""


@operation(
    "saturate_hsv",
    "degradation",
    Parameter("factor", "1", 0, MAX_FACTOR, default=1, meaning="times the saturation"),
    Parameter("shift", "1", -1, 1, default=0, meaning="then added to the saturation"),
    source="Hendrycks and Dietterich, ImageNet-C (saturate): scikit-image HSV",
)
def saturate_hsv(images: Images, draws: None, *, factor: Scalar, shift: Scalar) -> Images:
    """Multiply the saturation in HSV and add to it, keep hue and value.

    A channel falls short of the value, the largest channel, in proportion to the saturation.
    Grey has hue 0, so a positive shift makes it reddish. One channel is treated as three equal
    ones and brought back by luma; only a positive shift changes it.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: unused.
      factor: at least 0.
      shift: share of full saturation; the sum is clipped to [0, 1].
    """
    colour = as_colour(images)
    least, value = value_range(colour)
    spread = value - least
    saturation = spread / jnp.where(value > 0, value, 1)
    new = jnp.clip(saturation * factor + shift, 0, 1)
    share = (value - colour) / jnp.where(spread > 0, spread, 1)
    share = jnp.where(spread > 0, share, _RED_HUE.astype(np.float32)[None, None, None])
    found = jnp.where(new == saturation, colour, value * (1 - new * share))
    return as_channels(found, images.shape[-1])
