"""Stain deposits: black blots on the slide."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.blobs import blob_sum
from lqjax.imaging.draws import unit_uniform
from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Keys, Scalar

MOST_STAINS = 8
"""In an image; the strongest published level has up to 5."""
LEAST_SIZE, MOST_SIZE = 4, 128
"""px."""

_SIZE = 24
"""px; the side of the published masks of levels 1 to 4."""

_MARGIN = 10  # px between a stain and the border, as published

_DROPS = 9
"""Of which a stain consists: one in the middle, the others around it."""

_CORE_SIGMA = 0.2  # of the size; shapes and areas are then like those of the published masks
_DROP_SIGMA = 0.1  # of the size
_DROP_RING = (0.2, 0.4)  # of the size: distance of the outer drops from the middle
_EDGE = 0.5  # height of the hills at which the ink ends
_STEEPNESS = 6  # of the edge: about 1 px wide at 24 px, and wider in proportion


class Stains(NamedTuple):
    """Uniform in [0, 1): how many there are, (stain) each, then (stain, drop) each."""

    number: jax.Array
    row: jax.Array
    column: jax.Array
    distance: jax.Array
    angle: jax.Array


def _unit_stains(key: Keys, shape: tuple[int, ...]) -> Stains:
    outer = _DROPS - 1
    drawn = unit_uniform(key, (1 + MOST_STAINS * (2 + 2 * outer),))
    places = drawn[1 : 1 + 2 * MOST_STAINS].reshape(2, MOST_STAINS)
    drops = drawn[1 + 2 * MOST_STAINS :].reshape(2, MOST_STAINS, outer)
    return Stains(drawn[0], *places, *drops)


@operation(
    "stain_deposit",
    "degradation",
    Parameter(
        "maximum",
        "1",
        1,
        MOST_STAINS,
        integer=True,
        meaning="largest number of stains",
        examples=(1, 5),
    ),
    Parameter(
        "size", "px", LEAST_SIZE, MOST_SIZE, default=_SIZE, meaning="side of the box around one"
    ),
    draw=_unit_stains,
    source="after MedMNIST-C (stain_deposit), medmnistc 0.1.0; the shapes are ours",
)
def stain_deposit(images: Images, draws: Stains, *, maximum: Scalar, size: Scalar) -> Images:
    """Multiply code values by 1 - ink, with 1 to `maximum` blots of ink, all equally likely.

    Number and places are drawn as published: whole boxes at least 10 px from the border, or in
    the middle where the image is too small. The blots are not the published ones, ten fixed
    black-and-white masks of 24 px and ten of 32 px, which may not travel with this package: each is
    drawn anew, a black blot with a ragged outline that fills about as much of its box, and its
    edge is about a pixel wide where the published one is a sharp staircase.

    Published for 224 px: the size does not grow with the image.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: uniform in [0, 1), with a leading batch axis.
      maximum: stains in an image.
      size: px.
    """
    hills = _hills(draws, maximum, jnp.asarray(size, jnp.float32), images.shape[1:3])
    ink = jnp.clip(0.5 + _STEEPNESS * (hills - _EDGE), 0, 1)
    return images * (1 - ink[..., None])


def _hills(draws: Stains, maximum: Scalar, size: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Sum the drops of all stains; ink is where they are high. (batch, height, width)."""
    # One product and then floor: no compiler rounds these in another way.
    count = 1 + jnp.floor(draws.number * jnp.asarray(maximum).astype(jnp.float32))
    there = np.arange(MOST_STAINS, dtype=np.float32)[None] < count[:, None]
    rows, columns = (
        _middles(place, size, length)[..., None]
        for place, length in zip((draws.row, draws.column), shape, strict=True)
    )
    near, far = _DROP_RING
    distance = size * (near + (far - near) * draws.distance)
    # The drops stand around the middle one by one, each somewhere in its own sector.
    sector = np.arange(_DROPS - 1, dtype=np.float32)[None, None]
    angle = (sector + draws.angle) * (2 * math.pi / (_DROPS - 1))
    core = jnp.zeros_like(distance[..., :1])
    rows = rows + jnp.concatenate([core, distance * jnp.sin(angle)], axis=2)
    columns = columns + jnp.concatenate([core, distance * jnp.cos(angle)], axis=2)
    shares = np.array([_CORE_SIGMA] + [_DROP_SIGMA] * (_DROPS - 1), np.float32)
    sigmas = jnp.broadcast_to(size * shares[None, None], rows.shape)
    heights = jnp.broadcast_to(there[..., None].astype(jnp.float32), rows.shape)
    flat = (rows.shape[0], MOST_STAINS * _DROPS)
    rows, columns, sigmas, heights = (
        part.reshape(flat) for part in (rows, columns, sigmas, heights)
    )
    return blob_sum(rows, columns, sigmas, heights, shape)


def _middles(place: jax.Array, size: jax.Array, length: int) -> jax.Array:
    room = jnp.maximum(length - size - 2 * _MARGIN, 0)
    return (length - 1 - room) / 2 + place * room
