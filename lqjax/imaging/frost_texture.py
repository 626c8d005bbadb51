"""Frost on a window pane, drawn from a key: feathered ice crystals over a cloudy ground."""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.draws import unit_uniform
from lqjax.imaging.keys import GENERATOR

# Lengths are px of a texture at full scale, as the published photographs are at 224 px.
_LAYERS = ((44, 0.9), (44, 0.75), (24, 0.6))
"""Side of the cells that hold one crystal each, and the brightness of the crystals."""

_LEAST_CELL = 4
"""px of the image; smaller crystals would be single pixels."""

_CLOUD_CELL = 90
_BARB_SPACING = (4.0, 9.0)
_BARB_SLOPE = 0.577
"""Barbs leave the spine at 60 degrees, as ice does."""
_LEAST_PERIOD = 1.5
"""px of the image; a finer comb could not be told from noise."""
_LENGTH = (0.55, 0.98)
_WIDTH = (0.08, 0.28)
"""Half length and half width of a crystal, as shares of the cell; it must stay below one cell."""

# Fitted to random crops of the published photographs: mean colour 0.58, 0.65, 0.70; means of grey
# from 0.38 to 0.87, their standard deviation 0.15; that within a crop 0.09.
_MEAN_LEVEL = (0.46, 0.87)
_CONTRAST = (0.5, 0.27)
_CLOUD_SHARE = 0.3
_GRAIN_SHARE = 0.2
_TYPICAL_HEIGHT = 0.34
_BORDER_GAIN = 0.12
_TINT = (0.89, 1.01, 1.09)
_TINT_STRENGTH = (0.4, 1.6)

_TRAITS = 7
"""Draws per crystal: place (2), direction, length, width, spacing of the barbs, brightness."""

# Brightness across a crystal; lengths are in spacings of its barbs.
_BODY, _BARB, _FLANK, _SPINE = 0.4, 0.45, 0.06, 0.3
_LEAST_REACH = 0.6
_DULLEST = 0.5

Places = jax.Array | np.ndarray


def frost_texture(words: jax.Array, size: tuple[int, int], shrink: float) -> jax.Array:
    """Draw one texture.

    Args:
      words: uint32, (2,), of a key.
      size: height and width in px.
      shrink: scale of the features: 1 gives crystals of up to 90 px.

    Returns:
      float32 in [0, 1], (height, width, 3).
    """
    layers = [_Layer.of(cell, level, size, shrink) for cell, level in _LAYERS]
    spots = tuple(-(-length // _cloud_side(shrink)) + 1 for length in size)
    shapes = [(2,), spots, size, *((_TRAITS, *layer.cells) for layer in layers)]
    look, spots_drawn, grain, *traits = _drawn(words, shapes)
    ice = jnp.zeros(size, jnp.float32)
    for layer, drawn in zip(layers, traits, strict=True):
        ice = jnp.maximum(ice, np.float32(layer.level) * _crystals(drawn, layer, size))
    cloud = _upsampled(2 * spots_drawn - 1, size, _cloud_side(shrink))
    grain = grain - np.float32(0.5)
    ground = np.float32(_CLOUD_SHARE) * cloud + np.float32(_GRAIN_SHARE) * grain
    relief = ice + ground + _border(size) - np.float32(_TYPICAL_HEIGHT)
    grey = _between(look[0], _MEAN_LEVEL) + _between(look[0], _CONTRAST) * relief
    tint = 1 + (np.array(_TINT, np.float32) - 1) * _between(look[1], _TINT_STRENGTH)
    return jnp.clip(grey[:, :, None] * tint[None, None, :], 0, 1)


@dataclass(frozen=True)
class _Layer:
    """Crystals of one size: side of a cell in px, periods in cells, cells with a margin of one."""

    level: float
    side: int
    period: tuple[float, float]
    cells: tuple[int, int]

    @classmethod
    def of(cls, cell: int, level: float, size: tuple[int, int], shrink: float) -> _Layer:
        side = max(round(cell * shrink), _LEAST_CELL)
        low, high = (max(p * shrink, _LEAST_PERIOD) / side for p in _BARB_SPACING)
        tall, wide = (-(-length // side) + 2 for length in size)
        return cls(level, side, (low, high), (tall, wide))


def _drawn(words: jax.Array, shapes: list[tuple[int, ...]]) -> list[jax.Array]:
    """Draw once for all, which compiles faster than one by one."""
    key = jax.random.wrap_key_data(words, impl=GENERATOR)
    counts = [math.prod(shape) for shape in shapes]
    ends = np.cumsum(counts)
    draws = unit_uniform(key, (int(ends[-1]),))
    return [
        draws[end - count : end].reshape(shape)
        for shape, count, end in zip(shapes, counts, ends, strict=True)
    ]


def _cloud_side(shrink: float) -> int:
    return max(round(_CLOUD_CELL * shrink), _LEAST_CELL)


def _crystals(draws: jax.Array, layer: _Layer, size: tuple[int, int]) -> jax.Array:
    """Draw one crystal a cell; each pixel looks at those of its own and the eight cells around.

    Returns:
      float32 in [0, 1], of the given size: the highest crystal at every pixel.
    """
    side = layer.side
    tall, wide = (count - 2 for count in layer.cells)
    traits = _traits(draws, layer.period)
    offsets = (np.arange(side, dtype=np.float32) + np.float32(0.5)) / np.float32(side)
    down, right = offsets.reshape(1, side, 1, 1), offsets.reshape(1, 1, 1, side)

    def add_row(ice: jax.Array, row: jax.Array) -> tuple[jax.Array, None]:
        mine = jax.lax.dynamic_slice_in_dim(traits, row, tall, axis=1)
        lower = down + (1 - row).astype(jnp.float32)
        for column in range(3):
            near = mine[:, :, None, column : column + wide, None]
            ice = jnp.maximum(ice, _crystal(near, lower, right + np.float32(1 - column)))
        return ice, None

    # A loop, so that what is known of a crystal is not computed again at each of its pixels.
    start = jnp.zeros((tall, side, wide, side), jnp.float32)
    ice, _ = jax.lax.scan(add_row, start, jnp.arange(3, dtype=jnp.int32))
    return ice.reshape(tall * side, wide * side)[: size[0], : size[1]]


def _traits(draws: jax.Array, periods: tuple[float, float]) -> jax.Array:
    """Turn unit draws into what `_crystal` needs."""
    top, left, turn, length, width, spacing, level = draws
    angle = np.float32(2 * np.pi) * turn
    period = _between(spacing, periods)
    return jnp.stack(
        [
            top,
            left,
            jnp.cos(angle) / period,
            jnp.sin(angle) / period,
            jnp.square(period / _between(length, _LENGTH)),
            _between(width, _WIDTH) / period,
            _between(level, (_DULLEST, 1)),
        ]
    )


def _crystal(traits: jax.Array, down: Places, right: Places) -> jax.Array:
    """Height in [0, 1] of a feather at places given in cells from the corner of its own cell."""
    top, left, cosine, sine, shortness, width, level = traits
    y, x = down - top, right - left
    # From here on, lengths are in periods of the barbs.
    along = cosine * x + sine * y
    across = cosine * y - sine * x
    distance = jnp.abs(across)
    phase = along - np.float32(_BARB_SLOPE) * distance
    barb = jnp.abs(2 * (phase - jnp.floor(phase)) - 1)
    # The tips of the barbs make a jagged outline.
    reach = (width * (1 - shortness * jnp.square(along))) * (_LEAST_REACH + barb)
    # Ice fades out over the width of a barb: a sharp edge would fall differently with the rounding
    # of each compiler. The spine is thick, and one flank faces the light.
    cover = jnp.clip(reach - distance, 0, 1)
    spine = _SPINE * jnp.maximum(1 - distance, 0)
    body = _BODY + _BARB * barb + _FLANK * across + spine
    return cover * body * level


def _upsampled(spots: jax.Array, size: tuple[int, int], side: int) -> jax.Array:
    """Join spots that lie `side` px apart smoothly."""
    counts = spots.shape
    rows, columns = (_smooth(length, side, n) for length, n in zip(size, counts, strict=True))
    highest = jax.lax.Precision.HIGHEST
    return jnp.einsum("yi,ij,xj->yx", rows, spots, columns, precision=highest)


def _smooth(length: int, side: int, count: int) -> np.ndarray:
    place = np.arange(length) / side
    near = np.clip(1 - np.abs(place[:, None] - np.arange(count)), 0, 1)
    return (near * near * (3 - 2 * near)).astype(np.float32)


def _border(size: tuple[int, int]) -> np.ndarray:
    """Thicker ice towards the borders of the pane."""
    y, x = (np.abs(2 * (np.arange(length) + 0.5) / length - 1) for length in size)
    return (_BORDER_GAIN * np.maximum(y[:, None], x[None, :]) ** 3).astype(np.float32)


def _between(share: jax.Array, ends: tuple[float, float]) -> jax.Array:
    low, high = np.float32(ends[0]), np.float32(ends[1])
    return low + (high - low) * share
