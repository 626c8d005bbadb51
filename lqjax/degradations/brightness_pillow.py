"""Brightness as Pillow's ImageEnhance changes it."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from lqjax.imaging.levels import MAX_LEVEL, from_levels, to_levels
from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Scalar

MAX_FACTOR = 10
"""Beyond every published level, the strongest of which is 2."""


@operation(
    "brightness_pillow",
    "degradation",
    Parameter(
        "factor",
        "1",
        0,
        MAX_FACTOR,
        identity=1,
        meaning="times the code values",
        examples=(1.5, 0.5),
    ),
    exact=True,
    source="Pillow, ImageEnhance.Brightness (MedMNIST-C brightness_up and brightness_down)",
)
def brightness_pillow(images: Images, draws: None, *, factor: Scalar) -> Images:
    """Multiply 8-bit code values, cut off what is beyond white and the fraction of a level.

    Equal to Pillow bit for bit on 8-bit images; other values are first rounded to the nearest of
    256 levels. Works on code values: it is not a longer exposure. `brightness_hsv` is the
    brightness of ImageNet-C, which adds.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: unused.
      factor: above 1 brightens, below 1 darkens.
    """
    factor = jnp.asarray(factor, jnp.float32)
    raised = jnp.floor(to_levels(images).astype(jnp.float32) * factor)
    found = from_levels(jnp.minimum(raised, np.float32(MAX_LEVEL)).astype(jnp.int32))
    return jnp.where(factor == 1, images, found)
