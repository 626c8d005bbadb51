"""Falling snow, as ImageNet-C draws it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.colour import luma
from lqjax.imaging.draws import unit_normal, unit_uniform
from lqjax.imaging.fixed_point import on_grid
from lqjax.imaging.levels import MAX_LEVEL, from_levels
from lqjax.imaging.one_sided_motion import MAX_RADIUS, blur_one_sided
from lqjax.imaging.operations import DRAWN, Parameter, operation
from lqjax.imaging.zooming import zoom_places, zoom_sizes
from lqjax.typing import Images, Keys, Scalar

MAX_ZOOM = 8
"""Larger than any published severity."""

LEAST_ANGLE, MOST_ANGLE = -135.0, -45.0
"""Degrees; the drawn angles lie between. Source: ImageNet-C."""

_WHITENING, _WHITE = np.float32(1.5), np.float32(0.5)
"""The bleached image is 1.5 * grey + 0.5. Source: ImageNet-C."""


def _unit_draws(key: Keys, shape: tuple[int, ...]) -> dict[str, jax.Array]:
    flakes, angle = jax.random.split(key)
    return {"layer": unit_normal(flakes, shape[:2]), "angle": unit_uniform(angle, ())}


@operation(
    "snow",
    "degradation",
    Parameter("mean", "1", 0, 1, meaning="mean of the random layer"),
    Parameter("deviation", "1", 0, 1, meaning="standard deviation of its pixels"),
    Parameter("zoom", "1", 1, MAX_ZOOM, meaning="size of a flake"),
    Parameter("threshold", "1", 0, 1, meaning="the layer is snow from this on"),
    Parameter("radius", "px", 0, MAX_RADIUS, meaning="length of the flakes' motion blur"),
    Parameter("sigma", "px", 0, 2 * MAX_RADIUS, meaning="its standard deviation"),
    Parameter("mix", "1", 0, 1, meaning="share of the image that is not bleached"),
    Parameter(
        "angle",
        "degree",
        -360,
        360,
        default=DRAWN,
        meaning="0 to the right, clockwise; drawn per example from -135 to -45 unless given",
    ),
    draw=_unit_draws,
    source="ImageNet-C snow (hendrycks/robustness), with ImageMagick's motion blur",
)
def snow(
    images: Images,
    draws: dict[str, jax.Array],
    *,
    mean: Scalar,
    deviation: Scalar,
    zoom: Scalar,
    threshold: Scalar,
    radius: Scalar,
    sigma: Scalar,
    mix: Scalar,
    angle: Scalar,
) -> Images:
    """Bleach each image and add flakes, once as they are and once turned by half a turn.

    The layer of flakes is cut down to 8 bits before and after its motion blur, as published.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: layer, standard normal, (batch, height, width); angle, uniform in [0, 1), (batch,).
      mean, deviation: of the layer; 1 is white.
      zoom: how much its centre is enlarged.
      threshold: the layer is 0 below.
      radius, sigma: of the one-sided motion blur, px.
      mix: share of the image; the rest is bleached.
      angle: of the motion blur, degrees; NaN takes the drawn one.
    """
    drawn = on_grid(draws["angle"] * (MOST_ANGLE - LEAST_ANGLE)) + LEAST_ANGLE
    degrees = jnp.where(jnp.isnan(angle), drawn, angle)
    levels = _layer(draws["layer"], mean, deviation, zoom, threshold)
    flakes = from_levels(blur_one_sided(levels, radius, sigma, degrees))
    bleached = jnp.maximum(images, luma(images) * _WHITENING + _WHITE)
    faded = mix * images + (1 - mix) * bleached
    return jnp.clip(faded + flakes + flakes[:, ::-1, ::-1], 0, 1)


def _layer(
    draws: jax.Array, mean: Scalar, deviation: Scalar, zoom: Scalar, threshold: Scalar
) -> jax.Array:
    """Turn unit draws into levels 0..255 before their blur, int32, one channel."""
    layer = on_grid(jnp.asarray(deviation, jnp.float32) * draws)
    layer = jnp.asarray(mean, jnp.float32) + _zoomed(_zoomed(layer, zoom, 1), zoom, 2)
    cut = jnp.where(layer < threshold, 0, jnp.clip(layer, 0, 1))
    return jnp.floor(cut * MAX_LEVEL).astype(jnp.int32)[..., None]


def _zoomed(layers: jax.Array, zoom: Scalar, axis: int) -> jax.Array:
    """Enlarge the centre along one axis, linearly, corners on corners; sums on the grid."""
    size = layers.shape[axis]
    before, share = zoom_places(*zoom_sizes(zoom, size), size)
    near = jnp.take(layers, before, axis=axis, mode="clip")
    far = jnp.take(layers, before + 1, axis=axis, mode="clip")
    across = share[None, :, None] if axis == 1 else share[None, None]
    return near + on_grid(across * (far - near))
