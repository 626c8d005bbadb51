"""Motion blur along a centred, antialiased line."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.draws import unit_uniform
from lqjax.imaging.operations import DRAWN, Parameter, operation
from lqjax.typing import Images, Keys, Scalar

MAX_LENGTH = 101
"""px; bounds the margin around the image."""

_RADIUS = (MAX_LENGTH + 1) // 2
_RADII = (15, _RADIUS)  # px; the margin of the shortest that suffices is put around the image
_HALF_TURN = 180.0  # degrees; a line has no front, so half a turn is every direction


def _unit_angle(key: Keys, shape: tuple[int, ...]) -> jax.Array:
    return unit_uniform(key, ())


@operation(
    "motion_blur_line",
    "degradation",
    Parameter("length", "px", 0, MAX_LENGTH, identity=1, meaning="length of the line"),
    Parameter(
        "angle",
        "degree",
        0,
        _HALF_TURN,
        default=DRAWN,
        meaning="0 horizontal, counter-clockwise as seen; drawn per example unless given",
    ),
    draw=_unit_angle,
    source="lqjax: unit-spaced bilinear samples along the line, sum 1, border reflect-101",
)
def motion_blur_line(images: Images, draws: jax.Array, *, length: Scalar, angle: Scalar) -> Images:
    """Average each image along a line through every pixel.

    Sample i = -R..R lies i px from the centre and weighs clip(length / 2 + 1/2 - |i|, 0, 1);
    weights are divided by their sum, values between pixels are bilinear.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: uniform in [0, 1), (batch,): the angle as a share of half a turn.
      length: px; up to 1 px nothing changes.
      angle: degrees, 0 horizontal, counter-clockwise as seen; NaN takes the drawn one.
    """
    degrees = jnp.where(jnp.isnan(angle), draws * _HALF_TURN, angle)
    radians = jnp.deg2rad(degrees)
    distances = np.abs(np.arange(-_RADIUS, _RADIUS + 1, dtype=np.float32))
    weights = jnp.clip(length / 2 + 0.5 - distances, 0, 1)
    weights = weights / jnp.sum(weights)
    # Only as many samples as the line has: the outermost with weight lies this far out.
    reach = jnp.clip(jnp.ceil(length / 2 - 0.5).astype(jnp.int32), 0, _RADIUS)

    def within(radius: int) -> Callable[[Images], Images]:
        return lambda images: _blurred(images, radians, weights, reach, radius)

    near, far = (within(radius) for radius in _RADII)
    return jax.lax.cond(reach <= _RADII[0], near, far, images)


def _blurred(
    images: Images, radians: jax.Array, weights: jax.Array, reach: jax.Array, radius: int
) -> Images:
    """Add up the samples up to `reach`, which is `radius` px at most."""
    batch, height, width, channels = images.shape
    flat = (height, width * channels)
    side = radius + 1  # rounding in cos and sin may put a sample just beyond

    def blur(padded: jax.Array, direction: jax.Array) -> jax.Array:
        def add_sample(place: jax.Array, total: jax.Array) -> jax.Array:
            moved = _shifted(padded, place, direction, side, images.shape[1:])
            return total + weights[place + _RADIUS] * moved

        return jax.lax.fori_loop(-reach, reach + 1, add_sample, jnp.zeros(flat, jnp.float32))

    margin = ((0, 0), (side, side), (side, side), (0, 0))
    padded = jnp.pad(images, margin, mode="reflect").reshape(batch, height + 2 * side, -1)
    return jnp.clip(jax.vmap(blur)(padded, radians), 0, 1).reshape(images.shape)


def _shifted(
    padded: jax.Array,
    distance: jax.Array,
    radians: jax.Array,
    margin: int,
    shape: tuple[int, ...],
) -> jax.Array:
    """Sample the image `distance` px along the line; rows hold the channels of all pixels."""
    height, width, channels = shape
    down, right = -distance * jnp.sin(radians), distance * jnp.cos(radians)
    top, left = jnp.floor(down), jnp.floor(right)
    start = (margin + top.astype(jnp.int32), (margin + left.astype(jnp.int32)) * channels)
    window = jax.lax.dynamic_slice(padded, start, (height + 1, (width + 1) * channels))
    across = _mix(window[:, :-channels], window[:, channels:], right - left)
    return _mix(across[:-1], across[1:], down - top)


def _mix(first: jax.Array, second: jax.Array, share: jax.Array) -> jax.Array:
    return (1 - share) * first + share * second
