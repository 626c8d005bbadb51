"""The operations of RandAugment that move pixels: shear, translation, rotation."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.augmentations.randaugment_draws import Drawn

MAX_SHEAR = 0.3
"""px of shift a px. Source: as for all numbers here, torchvision RandAugment."""

MAX_TRANSLATION = 150 / 331
"""Of the side; AutoAugment's 150 px at 331 px."""

MAX_ANGLE = 30.0
"""Degrees."""

MOVES = ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")
"""The operations, as `_source` knows them."""

_POINT = 16  # bits after the point in coefficients. Source: Pillow, Geometry.c (affine_fixed)

_FILLING = 0  # level of what lies beyond the border

Coefficients = tuple[float, float, float, float, float, float]
"""a, b, c, d, e, f: the pixel at (x, y) comes from (a x + b y + c, d x + e y + f)."""

_IDENTITY: Coefficients = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def move(levels: jax.Array, drawn: Drawn) -> jax.Array:
    """Shear, translate or rotate those images whose operation does so; nearest pixel.

    Equal to Pillow's Image.transform and Image.rotate bit for bit.

    Args and result: as for `randaugment.transform`.
    """
    height, width = levels.shape[1:3]
    table = np.array(
        [
            [_fixed_point(_source(name, sign * drawn.strength, height, width)) for sign in (1, -1)]
            for name in drawn.operations
        ],
        np.int32,
    )

    def sample(levels: jax.Array) -> jax.Array:
        chosen = jnp.asarray(table)[drawn.numbers, drawn.negative.astype(jnp.int32)]
        return jax.vmap(_sample)(levels, chosen)

    # What a branch returns is written to memory; else every read that follows would sample anew.
    return jax.lax.cond(drawn.any_of(MOVES), sample, lambda levels: levels, levels)


def _source(name: str, strength: float, height: int, width: int) -> Coefficients:
    """Say where pixels come from; `strength` from -1 to 1."""
    a, b, c, d, e, f = _IDENTITY
    if name == "shear_x":
        b = MAX_SHEAR * strength
    elif name == "shear_y":
        d = MAX_SHEAR * strength
    elif name == "translate_x":
        c = -float(int(MAX_TRANSLATION * width * strength))
    elif name == "translate_y":
        f = -float(int(MAX_TRANSLATION * height * strength))
    elif name == "rotate":
        angle = math.radians(MAX_ANGLE * strength)
        a = e = math.cos(angle)
        b, d = -math.sin(angle), math.sin(angle)
        x, y = width / 2, height / 2
        c, f = x - (a * x + b * y), y - (d * x + e * y)
    return a, b, c, d, e, f


def _fixed_point(coefficients: Coefficients) -> list[int]:
    """Round to 2**-16, and count from pixel centres."""
    a, b, c, d, e, f = coefficients
    centred = (a, b, c + (a + b) / 2, d, e, f + (d + e) / 2)
    return [math.floor(number * (1 << _POINT) + 1 / 2) for number in centred]


def _sample(levels: jax.Array, coefficients: jax.Array) -> jax.Array:
    height, width, channels = levels.shape
    a, b, c, d, e, f = coefficients
    y = np.arange(height, dtype=np.int32)[:, None]
    x = np.arange(width, dtype=np.int32)[None]
    column = (a * x + b * y + c) >> _POINT
    row = (d * x + e * y + f) >> _POINT
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    pixels = levels.reshape(height * width, channels)
    found = jnp.take(pixels, jnp.where(inside, row * width + column, 0), axis=0, mode="clip")
    return jnp.where(inside[:, :, None], found, np.uint8(_FILLING))
