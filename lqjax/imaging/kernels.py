"""One-dimensional kernels from traced parameters, and their product with an image."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.typing import Images, Scalar

_LEAST_SIGMA = 1e-6
"""px; stands in for sigma 0, where all weight falls on the centre."""


def gaussian_weights(kernel_size: Scalar, sigma: Scalar, max_radius: int) -> jax.Array:
    """Sample a Gaussian, cut it off, normalise its sum to 1.

    Args:
      kernel_size: odd number of taps, at most 2 * max_radius + 1; may be traced.
      sigma: standard deviation in px, at least 0; may be traced.
      max_radius: fixes the length of the result; taps outside the kernel are 0.

    Returns:
      float32, (2 * max_radius + 1,).

    Source: OpenCV getGaussianKernel (sigma given).
    """
    offsets = np.arange(-max_radius, max_radius + 1, dtype=np.float32)
    scaled = offsets / jnp.maximum(sigma, _LEAST_SIGMA)
    inside = 2 * np.abs(offsets) < kernel_size
    weights = jnp.where(inside, jnp.exp(-0.5 * jnp.square(scaled)), 0.0)
    return (weights / jnp.sum(weights)).astype(jnp.float32)


def band_matrix(weights: jax.Array, size: int) -> jax.Array:
    """Write the correlation with a kernel, borders reflect-101, as a matrix.

    Args:
      weights: (2 * radius + 1,), the centre in the middle; may be traced.
      size: number of pixels of the line, at least 1; the kernel may be longer.

    Returns:
      (size, size): output pixel, input pixel. A unit kernel gives the identity exactly.
    """
    radius = weights.shape[0] // 2
    period = max(2 * (size - 1), 1)
    # Pixel s also lies at s + k * period and, its mirror image, at -s + k * period.
    copies = range(-(radius // period) - 1, (radius + 2 * size) // period + 2)
    row, column = np.indices((size, size))
    edge = (column == 0) | (column == size - 1)  # there the mirror image is the pixel itself
    matrix = jnp.zeros((size, size), weights.dtype)
    for copy in copies:
        matrix += _tap(weights, copy * period + column - row)
        matrix += jnp.where(edge, 0, _tap(weights, copy * period - column - row))
    return matrix if size > 1 else jnp.sum(weights)[None, None]


def _tap(weights: jax.Array, offset: np.ndarray) -> jax.Array:
    radius = weights.shape[0] // 2
    inside = np.abs(offset) <= radius
    return jnp.where(inside, weights[np.where(inside, offset + radius, 0)], 0)


def separable_product(rows: jax.Array, columns: jax.Array, images: Images) -> Images:
    """Multiply each channel by a matrix from the left and one from the right.

    Args:
      rows: (new height, height).
      columns: (new width, width).
      images: (batch, height, width, channel).

    Returns:
      (batch, new height, new width, channel).
    """
    highest = jax.lax.Precision.HIGHEST
    # Channels in front in between: the second product then runs over contiguous rows.
    tall = jnp.einsum("yh,bhwc->bcyw", rows, images, precision=highest)
    return jnp.einsum("xw,bcyw->byxc", columns, tall, precision=highest)
