"""Sums of products that have the same bits in every program.

Compilers fuse a product and the sum that it goes into, or do not, and the last bit differs. Where
a sum is then compared with a threshold or cut down to 8 bits, that bit decides whole levels.
Products are rounded here to a grid before they are added: nothing is left to fuse.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.typing import Scalar

_FINENESS = np.float32(2**22)
_STEP = np.float32(2**-22)
_BELL_FINENESS = np.float32(2**20)
_LEAST_SIGMA = np.float32(1e-6)  # px; stands in for 0, where all weight falls on the centre
_TAPS_AT_ONCE = 4
"""A trip through the loop costs about as much as two pairs of taps."""


def on_grid(values: jax.Array) -> jax.Array:
    """Round to multiples of 2**-22; for products that are about to be added to something."""
    return jnp.round(values * _FINENESS) * _STEP


def gaussian_on_grid(
    layers: jax.Array, sigma: Scalar, *, truncate: float, max_radius: int
) -> jax.Array:
    """Blur along both axes with a cut-off Gaussian; borders replicate.

    The kernel ends int(truncate * sigma + 0.5) px from its centre. Layers and taps are rounded to
    2**-22: an error of about 2e-7 in all.

    Args:
      layers: float32, sizes of about 1, (batch, height, width).
      sigma: standard deviation in px, at least 0; may be traced.
      truncate: radius of the kernel in sigmas.
      max_radius: px; a longer kernel is cut off here.

    Source: SciPy gaussian_filter, mode nearest.
    """
    sigma = jnp.asarray(sigma, jnp.float32)
    radius = jnp.minimum(jnp.floor(truncate * sigma + 0.5).astype(jnp.int32), max_radius)
    length = max_radius + _TAPS_AT_ONCE  # the last trip may run over, with weights of 0
    weights = _half_kernel(sigma, radius, length)
    down = _blurred(on_grid(layers), weights, radius, 1)
    return _blurred(down, weights, radius, 2)


def _half_kernel(sigma: jax.Array, radius: jax.Array, length: int) -> jax.Array:
    """Weights from the centre outwards; both halves together sum to 1."""
    distances = np.arange(length)
    # Reciprocals, since compilers turn a division by a constant, and no other, into one.
    scaled = distances.astype(np.float32) * (1 / jnp.maximum(sigma, _LEAST_SIGMA))
    bell = jnp.where(distances <= radius, jnp.exp(-0.5 * jnp.square(scaled)), 0)
    # Whole numbers: their sum does not depend on the order in which a compiler adds, and the last
    # bit of exp, which compilers evaluate in another way for constants, hardly ever matters.
    whole = jnp.round(bell * _BELL_FINENESS).astype(jnp.int32)
    total = jnp.sum(whole, dtype=jnp.int32) * 2 - whole[0]
    return whole.astype(jnp.float32) * (1 / total.astype(jnp.float32))


def _blurred(layers: jax.Array, weights: jax.Array, radius: jax.Array, axis: int) -> jax.Array:
    size, margin = layers.shape[axis], weights.shape[0]
    widths = [(margin, margin) if i == axis else (0, 0) for i in range(layers.ndim)]
    padded = jnp.pad(layers, widths, mode="edge")

    def shifted(distance: jax.Array) -> jax.Array:
        return jax.lax.dynamic_slice_in_dim(padded, margin + distance, size, axis)

    def add_taps(trip: jax.Array, total: jax.Array) -> jax.Array:
        for place in range(1, _TAPS_AT_ONCE + 1):
            distance = trip * _TAPS_AT_ONCE + place
            pair = shifted(distance) + shifted(-distance)
            total = total + on_grid(pair * weights[distance])
        return total

    trips = (radius + _TAPS_AT_ONCE - 1) // _TAPS_AT_ONCE
    return jax.lax.fori_loop(0, trips, add_taps, on_grid(layers * weights[0]))
