"""Fog: a plasma heightmap is laid over the image."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.draws import unit_uniform
from lqjax.imaging.keys import GENERATOR
from lqjax.imaging.operations import Parameter, operation
from lqjax.imaging.plasma import plasma
from lqjax.typing import Images, Keys, Scalar

MAX_SIDE = 4096
"""px; larger than any image that fits this use."""

_DARKEST = np.float32(1e-6)
"""Keeps 0 / 0 away from a black image without fog."""


def _key_words(key: Keys, shape: tuple[int, ...]) -> jax.Array:
    """Hand on the key itself: how many numbers the map takes depends on a parameter."""
    return jax.random.key_data(key)


@operation(
    "fog",
    "degradation",
    Parameter("amount", "1", 0, 10, identity=0, meaning="height of the fog, white being 1"),
    Parameter("decay", "1", 1, 10, meaning="larger is smoother"),
    Parameter(
        "side",
        "px",
        0,
        MAX_SIDE,
        default=0,
        integer=True,
        static="it fixes the shape of the map",
        meaning="side of the map, rounded up to a power of two that covers the image",
        examples=(0, 64),
    ),
    draw=_key_words,
    source="Hendrycks & Dietterich 2019 (1903.12261), without its rounding to 8 bits",
)
def fog(
    images: Images, draws: jax.Array, *, amount: Scalar, decay: Scalar, side: int = 0
) -> Images:
    """Add a heightmap to all channels, then darken so that the brightest value is kept.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: uint32, (batch, 2): the words of a key, from which the draws of the map come.
      amount: what the highest point of the map adds.
      decay: how fast the details of the map fade, see `lqjax.imaging.plasma`.
      side: px; the map is this large even under smaller images, which shifts its details. Static:
        it fixes the shape of the map. 0 takes the least power of two that covers the image.
    """
    covering = 1 << (max(*images.shape[1:3], side) - 1).bit_length()

    def heights(words: jax.Array) -> jax.Array:
        key = jax.random.wrap_key_data(words, impl=GENERATOR)
        return plasma(2 * unit_uniform(key, (covering * covering - 1,)) - 1, decay)

    return under_fog(images, jax.vmap(heights)(draws), amount)


def under_fog(images: Images, heights: jax.Array, amount: Scalar) -> Images:
    """Lay heightmaps over images.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      heights: in [0, 1], (batch, side, side), at least as large; cropped at the top left.
      amount: what a height of 1 adds.
    """
    height, width = images.shape[1:3]
    brightest = jnp.maximum(jnp.max(images, axis=(1, 2, 3), keepdims=True), _DARKEST)
    added = amount * heights[:, :height, :width, None]
    return jnp.clip((images + added) * (brightest / (brightest + amount)), 0, 1)
