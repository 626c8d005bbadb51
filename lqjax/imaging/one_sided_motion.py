"""Motion blur along a one-sided Gaussian, in whole numbers, as ImageMagick computes it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.typing import Scalar

MAX_RADIUS = 30
"""px; above the published 22."""

_TAPS = 2 * MAX_RADIUS + 1
_REACH = _TAPS - 1  # px; the last tap lies so far from the pixel
_UNIT = np.float32(2**24)
"""Weights are multiples of 1 / _UNIT: sums of 255 times that still fit 32 bits."""
_SHIFT = 24
_HALF_STEP = np.uint32(2**24 / (2 * 257))
"""Half a 16-bit level, which ImageMagick adds: levels are 257 apart there."""
_TIE_STEP = 30.0
"""Degrees; at its multiples offsets fall on halves, and the last bit of the cosine decides."""
_LEAST_SIGMA = 1e-3
"""px; stands in for sigma 0, where all weight falls on the pixel itself."""


def blur_one_sided(
    levels: jax.Array, radius: Scalar, sigma: Scalar, angle_degrees: jax.Array
) -> jax.Array:
    """Blur each image along its own direction, in 16-bit arithmetic cut off to 8 bits.

    The sum goes from the pixel in one direction only: 2 * ceil(radius) + 1 samples, weights
    exp(-i**2 / (2 sigma**2)) divided by their sum; beyond the border the edge pixel goes on.
    Weights are rounded to whole numbers, so that every transformation gives the same bits.

    Args:
      levels: whole numbers 0..255, (batch, height, width, channel), any channel count.
      radius: px, 0 to MAX_RADIUS; may be traced.
      sigma: px, at least 0; may be traced.
      angle_degrees: float32, (batch,), at most 360 in size: 0 samples to the right of the pixel,
        90 below it.

    Returns:
      Whole numbers 0..255, dtype and shape of `levels`.

    Source: ImageMagick 6 MotionBlurImage, 16 bit without HDRI.
    """
    batch, height, width, channels = levels.shape
    count = 2 * jnp.ceil(radius).astype(jnp.int32) + 1
    weights = _whole_weights(count, sigma)
    down, right = _offsets(angle_degrees)

    def blur(padded: jax.Array, down: jax.Array, right: jax.Array) -> jax.Array:
        def add_sample(tap: jax.Array, total: jax.Array) -> jax.Array:
            start = (_REACH + down[tap], (_REACH + right[tap]) * channels)
            moved = jax.lax.dynamic_slice(padded, start, total.shape)
            return total + weights[tap] * moved.astype(jnp.uint32)

        flat = jnp.full((height, width * channels), _HALF_STEP)
        return jax.lax.fori_loop(0, jnp.minimum(count, _TAPS), add_sample, flat)

    margin = ((0, 0), (_REACH, _REACH), (_REACH, _REACH), (0, 0))
    padded = jnp.pad(levels.astype(jnp.uint8), margin, mode="edge")
    total = jax.vmap(blur)(padded.reshape(batch, height + 2 * _REACH, -1), down, right)
    return (total >> _SHIFT).astype(levels.dtype).reshape(levels.shape)


def _whole_weights(count: jax.Array, sigma: Scalar) -> jax.Array:
    """Return the weights of all taps as uint32 multiples of 1 / _UNIT, 0 from `count` on."""
    taps = np.arange(_TAPS, dtype=np.float32)
    sigma = jnp.maximum(jnp.asarray(sigma, jnp.float32), _LEAST_SIGMA)
    bell = jnp.where(taps < count, jnp.exp(-0.5 * jnp.square(taps / sigma)), 0)
    # A sum of whole numbers does not depend on the order in which a compiler adds.
    total = jnp.sum(jnp.round(bell * _UNIT).astype(jnp.int32)).astype(jnp.float32) / _UNIT
    return jnp.round(bell / total * _UNIT).astype(jnp.uint32)


def _offsets(degrees: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the rows and columns of all taps from the pixel, int32, (batch, taps)."""
    taps = np.arange(_TAPS)
    multiples = np.deg2rad(np.arange(-360, 361, _TIE_STEP))[:, None]
    nearest = jnp.round(degrees / _TIE_STEP)
    row = nearest.astype(jnp.int32) + len(multiples) // 2
    is_multiple = (degrees == nearest * _TIE_STEP)[:, None]
    radians = jnp.deg2rad(degrees.astype(jnp.float32))[:, None]

    def ceil(unit: jax.Array, in_double: np.ndarray) -> jax.Array:
        table = jnp.asarray(np.ceil(in_double * taps - 0.5), jnp.int32)
        float_taps = taps[None].astype(np.float32)
        rounded = jnp.ceil(unit * float_taps - 0.5).astype(jnp.int32)
        return jnp.where(is_multiple, table[row], rounded)

    down = ceil(jnp.sin(radians), np.sin(multiples))
    return down, ceil(jnp.cos(radians), np.cos(multiples))
