"""Defocus blur with an antialiased disk, as ImageNet-C has it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.kernels import symmetric_correlation
from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Scalar

MAX_RADIUS = 16
"""px; above the published 12."""

_SMALL_RADIUS = 8
"""px; up to here the grid of the disk has this half side, and 3 taps smooth it, else 5."""

_LEAST_SIGMA = 1e-3
"""px; stands in for sigma 0, where the disk is not smoothed."""


@operation(
    "defocus_blur",
    "degradation",
    Parameter("radius", "px", 0, MAX_RADIUS, meaning="radius of the disk"),
    Parameter("alias_sigma", "px", 0, 4, meaning="standard deviation that smooths its edge"),
    minimum_size=2,  # the border is a reflection without the end pixel
    source="ImageNet-C defocus_blur (hendrycks/robustness), its kernel by OpenCV GaussianBlur",
)
def defocus_blur(images: Images, draws: None, *, radius: Scalar, alias_sigma: Scalar) -> Images:
    """Average over a disk whose edge is smoothed; borders reflect-101.

    As published, the smoothing mirrors at the border of the disk's grid and nothing is normalised
    after it: where the disk touches that border (radius 8, and all larger ones) images get about
    1 % brighter. Above 8 px the grid ends at the whole part of the radius.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: unused.
      radius: px.
      alias_sigma: of the 3 x 3 Gaussian (5 x 5 above radius 8) that smooths the disk, px.
    """
    return jnp.clip(symmetric_correlation(_smoothed_disk(radius, alias_sigma), images), 0, 1)


def _smoothed_disk(radius: Scalar, alias_sigma: Scalar) -> jax.Array:
    """Return the kernel, float32, (2 * MAX_RADIUS + 1, 2 * MAX_RADIUS + 1)."""
    radius = jnp.asarray(radius, jnp.float32)
    places = np.arange(-MAX_RADIUS, MAX_RADIUS + 1)
    squares = (places[:, None] ** 2 + places[None] ** 2).astype(np.float32)
    disk = (squares <= jnp.square(radius)).astype(jnp.float32)
    disk = disk / jnp.sum(disk)
    large = radius > _SMALL_RADIUS
    half_side = jnp.where(large, jnp.floor(radius), _SMALL_RADIUS).astype(jnp.int32)
    taps = jnp.where(large, 2, 1)
    smoothing = _smoothing(half_side, taps, jnp.asarray(alias_sigma, jnp.float32))
    highest = jax.lax.Precision.HIGHEST
    return jnp.einsum("yi,ij,xj->yx", smoothing, disk, smoothing, precision=highest)


def _smoothing(half_side: jax.Array, taps: jax.Array, sigma: jax.Array) -> jax.Array:
    """Write the Gaussian over `taps` pixels to each side, mirrored at the grid, as a matrix."""
    places = np.arange(-MAX_RADIUS, MAX_RADIUS + 1)
    offsets = np.arange(-2, 3)
    bell = jnp.exp(-0.5 * jnp.square(offsets.astype(np.float32) / jnp.maximum(sigma, _LEAST_SIGMA)))
    weights = jnp.where(np.abs(offsets) <= taps, bell, 0.0)
    weights = weights / jnp.sum(weights)
    reached = places[:, None] + offsets[None]
    beyond = jnp.maximum(jnp.abs(reached) - half_side, 0)
    source = reached - 2 * jnp.sign(reached) * beyond
    inside = (np.abs(places) <= half_side)[:, None, None]
    matches = inside & (source[:, None, :] == places[None, :, None])
    return jnp.sum(jnp.where(matches, weights[None, None], 0.0), axis=2)
