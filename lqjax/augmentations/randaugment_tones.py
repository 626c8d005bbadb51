"""The operations of RandAugment that map levels to levels, as a table per image and channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.augmentations.randaugment_blends import blended, factors
from lqjax.augmentations.randaugment_draws import Drawn
from lqjax.imaging.colour import grey_levels
from lqjax.imaging.levels import MAX_LEVEL

MAX_BITS = 8
MAX_LOST_BITS = 4
"""Of posterize at full strength. Source: torchvision RandAugment."""

_RAMP = np.arange(MAX_LEVEL + 1, dtype=np.int32)


@dataclass(frozen=True)
class Tones:
    """What the tables of a batch are made from.

    Attributes:
      counts: of the levels, int32, (batch, channel, 256).
      mean: level of the grey version, int32, (batch, 1, 1).
      factors: of each image, float32, (batch, 1, 1).
      strength: 0 to 1.
    """

    counts: jax.Array
    mean: jax.Array
    factors: jax.Array
    strength: float


Table = Callable[[Tones], jax.Array]
"""Gives int32, broadcast against (batch, channel, 256): the new level of each level."""


def retone(levels: jax.Array, drawn: Drawn) -> jax.Array:
    """Change the tones of those images whose operation does so.

    Equal to Pillow's ImageOps and ImageEnhance, autocontrast to within a level.

    Args and result: as for `randaugment.transform`.
    """
    batch, height, width, channels = levels.shape
    places = _table_places(levels)

    def tables() -> jax.Array:
        tones = Tones(
            counts=_counts(places, channels),
            mean=_mean_level(levels)[:, None, None],
            factors=factors(drawn)[:, None, None],
            strength=drawn.strength,
        )
        made = jnp.broadcast_to(_RAMP[None, None], tones.counts.shape)
        for name, table in TABLES.items():
            made = jnp.where(drawn.is_drawn(name)[:, None, None], table(tones), made)
        return made.astype(jnp.uint8).reshape(batch, channels * len(_RAMP))

    def unchanged() -> jax.Array:
        return jnp.asarray(np.tile(_RAMP.astype(np.uint8), (batch, channels)))

    # What a branch returns is written to memory; else every pixel would work its entry out anew.
    flat = jax.lax.cond(drawn.any_of(tuple(TABLES)), tables, unchanged)
    found = jax.vmap(lambda table, place: jnp.take(table, place, mode="clip"))(flat, places)
    return found.reshape(batch, height, width, channels)


def _table_places(levels: jax.Array) -> jax.Array:
    """Point from each value into the tables of its image, which stand one after the other."""
    batch, _, _, channels = levels.shape
    offsets = np.arange(channels, dtype=np.int32) * len(_RAMP)
    return (levels + offsets[None, None, None]).reshape(batch, -1)


def _counts(places: jax.Array, channels: int) -> jax.Array:
    empty = jnp.zeros(channels * len(_RAMP), jnp.int32)
    counts = jax.vmap(lambda place: empty.at[place].add(1))(places)
    return counts.reshape(-1, channels, len(_RAMP))


def _mean_level(levels: jax.Array) -> jax.Array:
    """Give the mean of the grey version as a level, int32, (batch,)."""
    wide = levels.astype(jnp.int32)
    grey = wide if levels.shape[-1] == 1 else grey_levels(wide)
    count = grey.shape[1] * grey.shape[2]
    total = jnp.sum(grey, axis=(1, 2, 3), dtype=jnp.int32)
    return (2 * total + count) // (2 * count)


def _brightness(tones: Tones) -> jax.Array:
    return blended(jnp.int32(0), _RAMP[None, None], tones.factors)


def _contrast(tones: Tones) -> jax.Array:
    return blended(tones.mean, _RAMP[None, None], tones.factors)


def _posterize(tones: Tones) -> jax.Array:
    lost = MAX_BITS - round(MAX_BITS - MAX_LOST_BITS * tones.strength)
    return jnp.asarray(_RAMP >> lost << lost)[None, None]


def _solarize(tones: Tones) -> jax.Array:
    threshold = MAX_LEVEL * (1 - tones.strength)
    return jnp.asarray(np.where(threshold > _RAMP, _RAMP, MAX_LEVEL - _RAMP))[None, None]


def _autocontrast(tones: Tones) -> jax.Array:
    occurs = tones.counts > 0
    least = jnp.argmax(occurs, axis=2)[:, :, None].astype(jnp.int32)
    most = _brightest(occurs)
    stretched = (_RAMP[None, None] - least) * MAX_LEVEL // jnp.maximum(most - least, 1)
    return jnp.where(most > least, jnp.clip(stretched, 0, MAX_LEVEL), _RAMP[None, None])


def _equalize(tones: Tones) -> jax.Array:
    counts = tones.counts
    up_to = jax.lax.associative_scan(jnp.add, counts, axis=2)  # jnp.cumsum: 5 times as slow
    last = jnp.take_along_axis(counts, _brightest(counts > 0), axis=2)
    # 0 also where only one level occurs: Pillow leaves both cases as they are.
    step = (up_to[:, :, -1:] - last) // MAX_LEVEL
    spread = (step // 2 + up_to - counts) // jnp.maximum(step, 1)
    return jnp.where(step > 0, jnp.minimum(spread, MAX_LEVEL), _RAMP[None, None])


def _brightest(occurs: jax.Array) -> jax.Array:
    """Give the highest level that occurs, int32, (batch, channel, 1)."""
    return MAX_LEVEL - jnp.argmax(occurs[:, :, ::-1], axis=2)[:, :, None].astype(jnp.int32)


TABLES: dict[str, Table] = {
    "brightness": _brightness,
    "contrast": _contrast,
    "posterize": _posterize,
    "solarize": _solarize,
    "autocontrast": _autocontrast,
    "equalize": _equalize,
}
"""The table of each operation."""
