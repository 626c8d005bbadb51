"""The blur of a picture, by how much more blur changes its edges."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.auditing.noise import noise_sigma
from lqjax.auditing.quantiles import quantile_and_number
from lqjax.auditing.samples import LEVELS


class _Scale(NamedTuple):
    """A Gaussian by which a picture is blurred before its gradient is taken.

    Attributes:
      sigma: px.
      radius: where the kernel ends, px.
    """

    sigma: float
    radius: int

    @property
    def weights(self) -> np.ndarray:
        """The kernel in whole numbers from its centre outwards, (radius + 1,)."""
        kernel = np.exp(-0.5 * np.square(np.arange(self.radius + 1) / self.sigma))
        return np.rint(WEIGHTS * kernel / (2 * kernel.sum() - kernel[0]))

    @property
    def gain(self) -> float:
        """What the slopes of a blurred picture must be divided by to be levels per px."""
        total = 2 * self.weights.sum() - self.weights[0]
        return float(2 * total**2 / UNIT)

    @property
    def variance(self) -> float:
        """Variance of the kernel as it is, and of the difference of two neighbours, px squared."""
        kernel = np.concatenate([self.weights[:0:-1], self.weights])
        squares = np.square(np.arange(-self.radius, self.radius + 1))
        return float(np.average(squares, weights=kernel)) + VARIANCE_OF_DIFFERENCE


WEIGHTS = 128
"""About what a kernel sums to: then floats hold the whole numbers of a blurred picture exactly,
and which pixels are edges does not depend on the order in which a compiler adds."""

UNIT = 256
"""Of slopes, which are rounded to it: squares and products of them fit into 31 bits."""

VARIANCE_OF_DIFFERENCE = 1 / 3
"""Of half the difference of the neighbours, px squared: it averages the slope over 2 px."""

FINE, COARSE = _Scale(1.0, 3), _Scale(2.0, 5)
"""On twelve photographs and drawings this pair was within 20 % of added blurs of 1 to 4 px
(root of the sum of squares with the pictures' own); with sigmas of 1 and 1.5 px noise of 2 %
halved what was found of a blur of 4 px."""

MARGIN = COARSE.radius + 1
"""px at the sides of a picture where gradients are not known."""

SHARE_OF_STRONGEST = 0.3
"""Edges count that have at least this share of the strongest gradient."""

LEAST_GRADIENT = 2.0
"""Levels per px; weaker edges are steps of the levels and shading."""

NOISE_GRADIENTS = 6.0
"""How many times the noise of the gradient an edge must exceed."""

FEWEST_EDGES = 8
"""Pixels on edges; fewer tell nothing."""

LARGEST_SIGMA = 20.0
"""px; a larger blur cannot be told from shading."""

TANGENT = math.tan(math.pi / 8)
"""Of half the angle between the eight directions."""


def blur_sigma(pixels: jax.Array, extent: jax.Array) -> jax.Array:
    """Estimate the standard deviation of the Gaussian by which edges are blurred.

    A step blurred by sigma has a gradient of 1 / sqrt(sigma^2 + s^2) after more blur by s, so the
    ratio of its gradients at two s gives sigma. The median of the ratio over the strong edges is
    taken: their maxima at the coarse scale, where noise moves them little, and there the fine
    gradient along the coarse one, whose noise has no mean. Soft shading counts as blur, and lines
    and texture finer than a step count as sharp.

    Args:
      pixels: luma, uint8, (batch, height, width); sides of at least 2 * MARGIN + 1 px.
      extent: height and width of the pictures in px, int32, (batch, 2); zeros lie beyond.

    Returns:
      float32 in px, (batch,), 0 to LARGEST_SIGMA; NaN where a picture has no edges or is too
      small.

    Source: Zhuo and Sim, "Defocus map estimation from a single image" (2011).
    """
    levels = pixels.astype(jnp.float32)
    fine_down, fine_right = _slopes(levels, FINE)
    down, right = _slopes(levels, COARSE)
    inside = _inside(extent, down.shape[1:])
    strength = jnp.where(inside, jnp.square(down) + jnp.square(right), 0)
    edges = _maxima(strength, down, right)
    least = _threshold(strength, edges, noise_sigma(pixels, extent))
    edges &= strength >= least[:, None, None]
    along = fine_down * down + fine_right * right
    edges &= along > 0
    # The coarse gradient over the fine one, squared: 1 where more blur changes nothing.
    gains = np.float32(FINE.gain / COARSE.gain)
    ratio = jnp.square(gains * (strength.astype(jnp.float32) / jnp.where(edges, along, 1)))
    median, number = quantile_and_number(jnp.clip(ratio, 0, 1), edges, 0.5, 1.0)
    return jnp.where(number >= FEWEST_EDGES, _sigma(median), jnp.nan)


def _sigma(ratio: jax.Array) -> jax.Array:
    """Solve ratio = (sigma^2 + fine) / (sigma^2 + coarse)."""
    least = np.float32(FINE.variance / COARSE.variance)
    largest = (LARGEST_SIGMA**2 + FINE.variance) / (LARGEST_SIGMA**2 + COARSE.variance)
    ratio = jnp.clip(ratio, least, np.float32(largest))
    return jnp.sqrt((ratio - least) * np.float32(COARSE.variance) / (1 - ratio))


def _threshold(strength: jax.Array, edges: jax.Array, noise: jax.Array) -> jax.Array:
    """Give the least squared gradient that counts, float32, (batch,)."""
    strongest = jnp.max(jnp.where(edges, strength, 0), (1, 2)).astype(jnp.float32)
    of_noise = (LEVELS - 1) / (math.sqrt(8 * math.pi) * COARSE.sigma**2)  # white noise after blur
    above_noise = jnp.nan_to_num(noise) * np.float32(NOISE_GRADIENTS * of_noise)
    least = COARSE.gain * jnp.maximum(above_noise, LEAST_GRADIENT)
    return jnp.maximum(np.float32(SHARE_OF_STRONGEST**2) * strongest, jnp.square(least))


def _slopes(levels: jax.Array, scale: _Scale) -> tuple[jax.Array, jax.Array]:
    """Take the slopes down and to the right of a blurred picture, MARGIN px from its sides.

    Returns:
      int32, (batch, height - 2 * MARGIN, width - 2 * MARGIN) each.
    """
    blurred = _blurred(_blurred(levels, scale, 1), scale, 2)
    cut = COARSE.radius - scale.radius
    blurred = blurred[:, cut : blurred.shape[1] - cut, cut : blurred.shape[2] - cut]
    down = blurred[:, 2:, 1:-1] - blurred[:, :-2, 1:-1]
    right = blurred[:, 1:-1, 2:] - blurred[:, 1:-1, :-2]
    return _in_units(down), _in_units(right)


def _in_units(slopes: jax.Array) -> jax.Array:
    return jnp.floor(slopes / UNIT + 0.5).astype(jnp.int32)


def _blurred(levels: jax.Array, scale: _Scale, axis: int) -> jax.Array:
    count = levels.shape[axis] - 2 * scale.radius

    def shifted(distance: int) -> jax.Array:
        start = scale.radius + distance
        return jax.lax.slice_in_dim(levels, start, start + count, axis=axis)

    weights = scale.weights.astype(np.float32)
    total = weights[0] * shifted(0)
    for distance in range(1, scale.radius + 1):
        total = total + weights[distance] * (shifted(-distance) + shifted(distance))
    return total


def _maxima(strength: jax.Array, down: jax.Array, right: jax.Array) -> jax.Array:
    """Mark the pixels whose gradient is the largest across the edge; of equal ones the first."""
    height, width = strength.shape[1:]
    wide = jnp.pad(strength, ((0, 0), (1, 1), (1, 1)))

    def peak(y: int, x: int) -> jax.Array:
        before, after = (
            wide[:, 1 + sign * y : 1 + sign * y + height, 1 + sign * x : 1 + sign * x + width]
            for sign in (-1, 1)
        )
        return (strength > before) & (strength >= after)

    steep, flat = jnp.abs(down), jnp.abs(right)
    diagonal = jnp.where((down > 0) == (right > 0), peak(1, 1), peak(1, -1))
    upright = jnp.where(steep <= TANGENT * flat, peak(0, 1), diagonal)
    return jnp.where(flat <= TANGENT * steep, peak(1, 0), upright)


def _inside(extent: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Mark the gradients of which no pixel lies beyond the extent: (batch, *shape)."""
    down, right = (
        extent[:, axis : axis + 1] > (np.arange(count) + 2 * MARGIN)[None]
        for axis, count in enumerate(shape)
    )
    return down[:, :, None] & right[:, None, :]
