"""8-bit levels and floats in [0, 1]: the one conversion that all image code uses."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.pairs import rounded_product
from lqjax.typing import Images

MAX_LEVEL = 255
"""White in 8 bits."""

_SHORTFALL = np.float32(2.5e-4)
"""Levels; eight times the noise of float32 at 255."""

_STEP = np.float32(1 / MAX_LEVEL)


def from_levels(levels: jax.Array) -> Images:
    """Map integer levels 0..255 to float32 in [0, 1].

    The level is multiplied by the float32 reciprocal of 255. That is what compilers make of a
    division by a constant; written out, every backend gives the same bits (NumPy's division
    differs in the last one for half of the levels).
    """
    return levels.astype(jnp.float32) * _STEP


def to_levels(images: Images) -> jax.Array:
    """Round floats in [0, 1] to the nearest of 256 levels, int32 (halves go to the even level).

    The inverse of `from_levels`, bit for bit. Values outside [0, 1] are clipped.
    """
    # round, not floor(x + 0.5): a fused multiply-add would round ties differently under jit.
    return jnp.clip(jnp.round(images * np.float32(MAX_LEVEL)), 0, MAX_LEVEL).astype(jnp.int32)


def truncate(images: Images) -> Images:
    """Cut floats in [0, 1] down to 8-bit levels, as a cast to uint8 does; float32 levels again.

    A value within 0.00025 of a level below the next one counts as that level: in exact
    arithmetic it is one, and float32 fell short. Levels themselves come back bit for bit.

    Source: the published ImageNet-C code, `np.uint8(image * 255)`.
    """
    # Rounded before the sum, or a fused multiply-add would cut differently under jit.
    scaled = rounded_product(images, np.float32(MAX_LEVEL))
    levels = jnp.floor(scaled + _SHORTFALL)
    return from_levels(jnp.clip(levels, 0, MAX_LEVEL).astype(jnp.int32))


def as_float(images: jax.Array) -> Images:
    """Return float32 images in [0, 1] from uint8 levels; float32 images come back unchanged.

    Raises:
      ValueError: another dtype.
    """
    if images.dtype == jnp.uint8:
        return from_levels(images)
    if images.dtype != jnp.float32:
        raise ValueError(f"images must be uint8 or float32 in [0, 1], got {images.dtype}")
    return images
