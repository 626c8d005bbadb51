"""Haze: light lost on the way, and light scattered into it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.draws import unit_uniform
from lqjax.imaging.light import from_linear, to_linear
from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Keys, Scalar

MAX_OPTICAL_DEPTH = 20
"""Of the farthest point; the image is gone long before."""

_AIRLIGHT = 0.9
"""Share of white: a bright overcast sky, just short of clipping."""

_VARIATION = 0.5
"""The nearest point has half the depth of the farthest."""

_MAX_TILT = 30.0
"""Degrees; horizons are level, or nearly so."""


def _unit_tilt(key: Keys, shape: tuple[int, ...]) -> jax.Array:
    return unit_uniform(key, ())


@operation(
    "haze",
    "degradation",
    Parameter(
        "optical_depth",
        "1",
        0,
        MAX_OPTICAL_DEPTH,
        identity=0,
        meaning="of the air before the farthest point; exp(-optical_depth) of its light arrives",
        examples=(0.5, 2),
    ),
    Parameter(
        "airlight",
        "1",
        0,
        1,
        default=_AIRLIGHT,
        meaning="light of endless haze, a share of white",
        examples=(0.9, 0.7),
    ),
    Parameter(
        "variation",
        "1",
        0,
        1,
        default=_VARIATION,
        meaning="how much less depth the nearest point has; 0 for an even layer",
        examples=(0.5, 0),
    ),
    draw=_unit_tilt,
    source="Koschmieder 1924, Theorie der horizontalen Sichtweite; on linear light (sRGB)",
)
def haze(
    images: Images, draws: jax.Array, *, optical_depth: Scalar, airlight: Scalar, variation: Scalar
) -> Images:
    """Mix linear light with airlight by Koschmieder's law: J t + A (1 - t).

    t = exp(-optical_depth * d) is the share of an object's light J that arrives. One image does
    not tell how far its objects are, so the depth d stands in for it: it falls evenly from 1 at
    the top to 1 - variation at the bottom, as over flat ground, tilted by up to 30 degrees as
    drawn per example. Objects therefore do not stand out of it. A variation of 0 is an even layer,
    as a satellite or a fogged window sees it; nothing is random then.

    The airlight is white and the same in all directions, and t is the same in all channels:
    droplets and dust that are large against the wavelength, not the blue of clean air. Light
    scattered forward, which blurs, is not modelled. `fog` is the published corruption, which adds
    drawn clouds to code values.

    Works on linear light: code values are decoded as sRGB, and images of another encoding are
    only treated as if they were.

    Args:
      images: float32 sRGB code values in [0, 1], (batch, height, width, channel).
      draws: uniform in [0, 1), (batch,): the tilt.
      optical_depth: of the farthest point, 0 for clear air.
      airlight: share of white, in linear light.
      variation: share of the depth.
    """
    depth = 1 - variation * _nearness(draws, *images.shape[1:3])
    # Kept apart, or it would be computed again for every channel.
    kept = jax.lax.optimization_barrier(jnp.exp(-optical_depth * depth))[..., None]
    light = to_linear(images) * kept + airlight * (1 - kept)
    return jnp.where(jnp.asarray(optical_depth) == 0, images, from_linear(light))


def _nearness(draws: jax.Array, height: int, width: int) -> jax.Array:
    """Give a tilted ramp, 0 at its uppermost corner and 1 at the lowest, (batch, h, w)."""
    tilt = jnp.deg2rad((2 * draws - 1) * _MAX_TILT)[:, None, None]
    down = np.linspace(-(height - 1) / 2, (height - 1) / 2, height, dtype=np.float32)
    right = np.linspace(-(width - 1) / 2, (width - 1) / 2, width, dtype=np.float32)
    across, along = jnp.sin(tilt), jnp.cos(tilt)
    reach = jnp.abs(across) * right[-1] + along * down[-1]
    place = across * right[None, None] + along * down[None, :, None]
    return 0.5 + 0.5 * place / jnp.maximum(reach, 1)
