"""Drops of water or splashes of mud on the lens, as ImageNet-C draws them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.canny import canny
from lqjax.imaging.chamfer import UNIT, chamfer_distance
from lqjax.imaging.colour import as_channels, as_colour
from lqjax.imaging.draws import unit_normal
from lqjax.imaging.fixed_point import gaussian_on_grid
from lqjax.imaging.histogram import equalize
from lqjax.imaging.levels import MAX_LEVEL
from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Keys, Scalar

MAX_SIGMA = 8
"""px; longer than any published severity."""

WATER = np.array([175, 238, 238], np.float32) / MAX_LEVEL
"""Pale turquoise. Source: ImageNet-C."""
MUD = np.array([63, 42, 20], np.float32) / MAX_LEVEL
"""Brown. Source: ImageNet-C."""

_TRUNCATE = 4.0  # sigmas; the default of scikit-image
_MAX_RADIUS = int(_TRUNCATE * MAX_SIGMA + 0.5)
_EDGES = (50, 150)  # thresholds of Canny
_FARTHEST = 20  # px; distances from the edge of a drop are cut off here
_THINNEST_MUD = np.float32(0.8)
_BOX = np.ones((3, 3), np.int32)
_LIGHTING = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
"""Makes drops bright on one side and dark on the other."""


def _unit_layer(key: Keys, shape: tuple[int, ...]) -> jax.Array:
    return unit_normal(key, shape[:2])


@operation(
    "spatter",
    "degradation",
    Parameter("mean", "1", 0, 1, meaning="mean of the random layer"),
    Parameter("deviation", "1", 0, 1, meaning="standard deviation of its pixels"),
    Parameter("blur_sigma", "px", 0, MAX_SIGMA, meaning="Gaussian blur of the layer"),
    Parameter("threshold", "1", 0, 1, meaning="the layer is liquid above this"),
    Parameter("strength", "1", 0, MAX_SIGMA, meaning="brightness of water; blur of mud in px"),
    Parameter("mud", "1", 0, 1, integer=True, meaning="0 water, 1 mud"),
    draw=_unit_layer,
    minimum_size=2,
    source="ImageNet-C spatter (hendrycks/robustness), with OpenCV's Canny and distances",
)
def spatter(
    images: Images,
    draws: jax.Array,
    *,
    mean: Scalar,
    deviation: Scalar,
    blur_sigma: Scalar,
    threshold: Scalar,
    strength: Scalar,
    mud: Scalar,
) -> Images:
    """Cover parts of each image with a liquid, where a blurred random layer is high.

    Water adds pale turquoise, lit from one side; mud replaces the image by brown. Where the
    layer leaves no liquid at all, the image stays as it is.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel); one channel stands for three
        equal ones and gets the luma of the result.
      draws: standard normal, (batch, height, width).
      mean, deviation: of the layer before its blur; 1 is white.
      blur_sigma: px.
      threshold: of the blurred layer.
      strength: for water the weight of the brightest pixel, for mud the sigma of its outline, px.
      mud: 0 or 1.
    """
    unblurred = jnp.asarray(deviation, jnp.float32) * draws
    layer = jnp.asarray(mean, jnp.float32) + _blurred(unblurred, blur_sigma)
    is_mud = jnp.asarray(mud) > 0
    share = jax.lax.cond(
        is_mud, lambda: _mud(layer, threshold, strength), lambda: _water(layer, threshold, strength)
    )[..., None]
    colour = jnp.where(is_mud, MUD, WATER)[None, None, None]
    kept = 1 - jnp.where(is_mud, share, 0)  # water only adds
    covered = as_colour(images) * kept + share * colour
    return as_channels(jnp.clip(covered, 0, 1), images.shape[-1])


def _blurred(layers: jax.Array, sigma: Scalar) -> jax.Array:
    return gaussian_on_grid(layers, sigma, truncate=_TRUNCATE, max_radius=_MAX_RADIUS)


def _mud(layer: jax.Array, threshold: Scalar, strength: Scalar) -> jax.Array:
    """Give the share of mud in each pixel."""
    share = _blurred((layer > threshold).astype(jnp.float32), strength)
    return jnp.where(share < _THINNEST_MUD, 0, share)


def _water(layer: jax.Array, threshold: Scalar, strength: Scalar) -> jax.Array:
    """Give the weight of the water colour: thick drops, lit by the distance from their edges."""
    thickness = jnp.where(layer < threshold, 0, jnp.floor(layer * MAX_LEVEL)).astype(jnp.int32)
    levels = thickness.astype(jnp.uint8)  # 256 becomes 0, as in the published code
    distance = chamfer_distance(canny(levels, *_EDGES), _FARTHEST)
    depth = _weighted(distance, _BOX) // (_BOX.size * UNIT)
    spread = equalize(depth.astype(jnp.uint8)).astype(jnp.int16)
    lit = jnp.clip(_weighted(spread, _LIGHTING), 0, MAX_LEVEL)
    smooth = (_weighted(lit, _BOX) + _BOX.size // 2) // _BOX.size
    shine = levels.astype(jnp.float32) * smooth.astype(jnp.float32)
    brightest = jnp.max(shine, axis=(1, 2), keepdims=True)
    return shine * (strength / jnp.maximum(brightest, 1))


def _weighted(levels: jax.Array, weights: np.ndarray) -> jax.Array:
    """Correlate with 3x3 whole weights, borders reflect-101."""
    height, width = levels.shape[1:]
    padded = jnp.pad(levels, ((0, 0), (1, 1), (1, 1)), mode="reflect")
    table = jnp.asarray(weights, levels.dtype)

    def add_row(row: jax.Array, total: jax.Array) -> jax.Array:
        line = jax.lax.dynamic_slice_in_dim(padded, row, height, axis=1)
        return total + sum(table[row, k] * line[..., k : k + width] for k in range(3))

    # A loop: compilers would fuse such windows into one another and compute all pixels nine times.
    return jax.lax.fori_loop(0, 3, add_row, jnp.zeros_like(levels))
