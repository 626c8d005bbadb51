"""Shrinking and enlarging a line of pixels by a traced scale, as matrices of a fixed size.

A line that is shrunk to `count` pixels keeps its array size: the first `count` hold the result.
Places are ratios of whole numbers, compared as whole numbers, so no float32 rounds them.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.kernel_names import KERNELS as KERNELS
from lqjax.typing import Scalar

MAX_SIZE = 16384
"""px; beyond, the products of sizes leave int32."""

_CUBIC = np.float32(-0.5)  # Pillow's; Keys 1981 shows it to be the most accurate
_LOBES = np.float32(3)


def proportional(count: Scalar, size: int, reference: int) -> jax.Array:
    """Scale a size as `reference` is scaled to `count`: rounded, halves up, exactly.

    Args:
      count: whole; may be traced.
      size, reference: px, at most `MAX_SIZE`.
    """
    return (2 * size * jnp.asarray(count, jnp.int32) + reference) // (2 * reference)


def area_matrix(count: Scalar, size: int) -> jax.Array:
    """Write the shrinking of a line by averaging over areas as a matrix.

    Each new pixel is the mean over the stretch of `size / count` pixels that it covers; pixels at
    the ends of the stretch count by the share that lies in it.

    Args:
      count: number of new pixels, 1 to `size`; whole, may be traced.
      size: number of pixels, at most `MAX_SIZE`.

    Returns:
      float32, (size, size): new pixel, pixel; rows from `count` on are 0.

    Source: OpenCV resize with INTER_AREA.
    """
    count = jnp.asarray(count, jnp.int32)
    new, old = np.indices((size, size), dtype=np.int32)
    # In units of 1 / count of a pixel both borders are whole.
    start = jnp.maximum(old * count, new * np.int32(size))
    end = jnp.minimum((old + 1) * count, (new + 1) * np.int32(size))
    return jnp.maximum(end - start, 0).astype(jnp.float32) / np.float32(size)


def enlarging_matrix(count: Scalar, size: int, kernel: Scalar) -> jax.Array:
    """Write the interpolation of the first `count` values of a line to `size` pixels as a matrix.

    Pixel centres lie at halves. Weights of pixels beyond the ends are left out and the others
    divided by their sum.

    Args:
      count: number of values, 1 to `size`; whole, may be traced.
      size: number of pixels of array and result, at most `MAX_SIZE`.
      kernel: number of one of `KERNELS`; may be traced.

    Returns:
      float32, (size, size): new pixel, value; columns from `count` on are 0.

    Source: Pillow Image.resize; nearest takes the pixel in which the centre lies, the right one
    at a border.
    """
    count = jnp.asarray(count, jnp.int32)
    new, old = np.indices((size, size), dtype=np.int32)
    centre = (2 * new + 1) * count  # in units of 1 / (2 * size) of a value
    distance = centre - (2 * old + 1) * np.int32(size)
    offset = jnp.abs(distance).astype(jnp.float32) / np.float32(2 * size)
    nearest = (centre // np.int32(2 * size) == old).astype(jnp.float32)
    kernels = (nearest, jnp.maximum(1 - offset, 0), _cubic(offset), _lanczos(offset))
    weights = jax.lax.select_n(jnp.asarray(kernel, jnp.int32), *kernels)
    weights = jnp.where(old < count, weights, 0)
    return weights / jnp.sum(weights, axis=1, keepdims=True)


def _cubic(offset: jax.Array) -> jax.Array:
    """Evaluate the cubic convolution kernel of Keys (1981) at distances in values."""
    near = ((_CUBIC + 2) * offset - (_CUBIC + 3)) * offset * offset + 1
    far = (((offset - 5) * offset + 8) * offset - 4) * _CUBIC
    return jnp.where(offset < 1, near, jnp.where(offset < 2, far, 0))


def _lanczos(offset: jax.Array) -> jax.Array:
    """Evaluate the sinc kernel with a sinc window of three lobes at distances in values."""
    return jnp.where(offset < _LOBES, jnp.sinc(offset) * jnp.sinc(offset / _LOBES), 0)
