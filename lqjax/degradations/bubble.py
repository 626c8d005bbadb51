"""Air bubbles under the cover glass: translucent white discs."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.draws import unit_uniform
from lqjax.imaging.levels import MAX_LEVEL, from_levels, to_levels
from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Keys, Scalar

LEAST_RADIUS, MOST_RADIUS = 3, 64
"""px; the smallest bubble, and more than twice the largest published one."""
LEAST_COUNT, MOST_COUNT = 7, 32
"""Bubbles in an image: the fewest, and more than the 25 of the strongest published level."""

_BORDER = 2  # px, of the ring around a bubble
_ALPHA = 100  # of 255: how white the inside is
_RING_ALPHA = 130  # of 255: how white the ring is


class Bubbles(NamedTuple):
    """Uniform in [0, 1): how many there are, then (bubble) each."""

    number: jax.Array
    radius: jax.Array
    row: jax.Array
    column: jax.Array


def _unit_bubbles(key: Keys, shape: tuple[int, ...]) -> Bubbles:
    drawn = unit_uniform(key, (1 + 3 * MOST_COUNT,))
    return Bubbles(drawn[0], *drawn[1:].reshape(3, MOST_COUNT))


@operation(
    "bubble",
    "degradation",
    Parameter(
        "radius_max",
        "px",
        LEAST_RADIUS,
        MOST_RADIUS,
        integer=True,
        meaning="largest radius of a bubble without its ring",
        examples=(7, 17),
    ),
    Parameter(
        "count_max",
        "1",
        LEAST_COUNT,
        MOST_COUNT,
        integer=True,
        meaning="largest number of bubbles",
        examples=(15, 25),
    ),
    draw=_unit_bubbles,
    exact=True,
    source="MedMNIST-C (bubble), medmnistc 0.1.0: Pillow ellipse and paste",
)
def bubble(images: Images, draws: Bubbles, *, radius_max: Scalar, count_max: Scalar) -> Images:
    """Lay 7 to `count_max` white discs over the image, in front of one another.

    Radii are whole, 3 to `radius_max`, all equally likely, and so are the places at which the
    disc lies within the image; a disc larger than the image is put at its middle. The inside is
    100/255 white, a ring of 2 px around it 130/255. A later bubble replaces what earlier ones
    left, it does not add to it. Values are first rounded to the nearest of 256 levels, which
    changes nothing in 8-bit images; code values are mixed in 8 bits, as Pillow pastes.

    Published for 224 px: radii do not grow with the image.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: uniform in [0, 1), with a leading batch axis.
      radius_max: px.
      count_max: bubbles in an image.
    """
    layer = _layer(draws, radius_max, count_max, images.shape[1:3])
    # Kept apart, or it would be computed again for every channel.
    alpha = jax.lax.optimization_barrier(layer)[..., None]
    mixed = to_levels(images) * (MAX_LEVEL - alpha) + MAX_LEVEL * alpha
    return jnp.where(alpha > 0, from_levels(_divided(mixed)), images)


def _divided(products: jax.Array) -> jax.Array:
    """Divide by 255 and round, in integers. Source: Pillow, ImagingUtils.h (DIV255)."""
    raised = products + 128
    return ((raised >> 8) + raised) >> 8


def _layer(
    draws: Bubbles, radius_max: Scalar, count_max: Scalar, shape: tuple[int, ...]
) -> jax.Array:
    """Give how white each pixel of the layer of bubbles is, int32, (batch, height, width)."""
    radii = _whole(draws.radius, jnp.asarray(radius_max) - LEAST_RADIUS + 1) + LEAST_RADIUS
    count = _whole(draws.number, jnp.asarray(count_max) - LEAST_COUNT + 1) + LEAST_COUNT
    rows, columns = (
        jnp.where(length >= 2 * radii, radii + _whole(place, length - 2 * radii + 1), length // 2)
        for place, length in zip((draws.row, draws.column), shape, strict=True)
    )
    away = jnp.abs(np.arange(shape[0], dtype=np.int32)[None, None] - rows[..., None])
    inner = _half_width(radii, away)
    ring = _half_width(radii + _BORDER, away)
    pixels = np.arange(shape[1], dtype=np.int32)[None, None]
    there = np.arange(MOST_COUNT, dtype=np.int32)[None] < count[:, None]
    alpha = jnp.zeros((len(radii), *shape), jnp.int32)

    def lay(alpha: jax.Array, disc: tuple[jax.Array, ...]) -> tuple[jax.Array, None]:
        column, inner, ring = disc
        aside = jnp.abs(pixels - column[:, None, None])
        alpha = jnp.where(aside <= ring[..., None], _RING_ALPHA, alpha)
        return jnp.where(aside <= inner[..., None], _ALPHA, alpha), None

    # A disc that is not there is no pixel wide.
    widths = (jnp.where(there[..., None], wide, -1) for wide in (inner, ring))
    disc_first = tuple(jnp.moveaxis(part, 1, 0) for part in (columns, *widths))
    # Unrolled, all discs take one pass over memory.
    return jax.lax.scan(lay, alpha, disc_first, unroll=True)[0]


def _whole(uniform: jax.Array, choices: jax.Array) -> jax.Array:
    """Choose a whole number from 0 to `choices` - 1; one product, which rounds in one way only."""
    return jnp.floor(uniform * choices.astype(jnp.float32)).astype(jnp.int32)


def _half_width(radii: jax.Array, away: jax.Array) -> jax.Array:
    """Look up how far a disc reaches to either side, -1 for rows outside; (batch, disc, row)."""
    table = _half_widths()
    row = jnp.minimum(away, table.shape[1] - 1)
    return jnp.asarray(table)[radii[..., None], row]


@cache
def _half_widths() -> np.ndarray:
    """Tabulate the half-widths of Pillow's discs, int32, by radius and distance of the row.

    Source: Pillow, Draw.c (quarter_next).
    """
    most = MOST_RADIUS + _BORDER
    table = np.full((most + 1, most + 2), -1, np.int32)
    for radius in range(most + 1):
        for away, aside in _outline(radius):
            table[radius, away] = max(table[radius, away], aside)
    return table


def _outline(radius: int) -> list[tuple[int, int]]:
    """Walk a quarter of a circle: at each step to the neighbour that lies nearest to it."""

    def error(place: tuple[int, int]) -> int:
        return abs(place[0] ** 2 + place[1] ** 2 - radius**2)

    walked = [(0, radius)]
    while walked[-1] != (radius, 0):
        away, aside = walked[-1]
        steps = [(away + 1, aside), (away + 1, aside - 1), (away, aside - 1)]
        walked.append(min(steps[: 3 if aside else 1], key=error))
    return walked
