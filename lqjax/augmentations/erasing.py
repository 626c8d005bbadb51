"""Random erasing of a rectangle."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from lqjax.augmentations.base import AUGMENTATIONS, Augmentation
from lqjax.config import AugmentationConfig
from lqjax.imaging.draws import unit_uniform
from lqjax.typing import Images

ORDER = 70

AREA = (0.02, 0.4)
"""Share of the image that is erased, drawn evenly. Source: Zhong et al. 2020, section 4.1."""

ASPECT = (0.3, 1 / 0.3)
"""Height over width, drawn evenly. Source: as for `AREA`."""

ATTEMPTS = 10
"""Rectangles drawn until one fits; about one in twenty does not. Source: torchvision."""


def erasing(key: jax.Array, images: Images, settings: AugmentationConfig) -> Images:
    """Replace a rectangle of an image by random values, with probability `erasing`.

    Every value of every channel in it is drawn evenly from [0, 1].

    Source: Zhong et al., "Random Erasing Data Augmentation", AAAI 2020, algorithm 1.
    """
    batch, height, width, _ = images.shape
    chance_key, box_key, fill_key = jax.random.split(key, 3)
    chosen = jax.random.bernoulli(chance_key, settings.erasing, (batch, 1, 1, 1))
    top, left, tall, wide = draw_rectangles(box_key, batch, height, width)
    rows = jnp.arange(height, dtype=jnp.int32)[None, :, None, None]
    columns = jnp.arange(width, dtype=jnp.int32)[None, None, :, None]
    erased = chosen & _within(rows, top, tall) & _within(columns, left, wide)
    keys = jax.random.split(fill_key, batch)
    filling = jax.vmap(lambda k: unit_uniform(k, images.shape[1:]))(keys)
    return jnp.where(erased, filling.astype(images.dtype), images)


def draw_rectangles(
    key: jax.Array, batch: int, height: int, width: int
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Draw one rectangle per example that lies within the image.

    Returns:
      top, left, height, width in px, int32, (batch,) each; of size 0 where none of the
      `ATTEMPTS` fits.
    """
    area_key, aspect_key, top_key, left_key = jax.random.split(key, 4)
    shape = (batch, ATTEMPTS)
    area = jax.random.uniform(area_key, shape, jnp.float32, *AREA) * (height * width)
    aspect = jax.random.uniform(aspect_key, shape, jnp.float32, *ASPECT)
    tall = jnp.round(jnp.sqrt(area * aspect)).astype(jnp.int32)
    wide = jnp.round(jnp.sqrt(area / aspect)).astype(jnp.int32)
    fits = (tall < height) & (wide < width)
    first = jnp.argmax(fits, axis=1, keepdims=True)
    tall, wide = (
        jnp.take_along_axis(jnp.where(fits, side, 0), first, axis=1)[:, 0] for side in (tall, wide)
    )
    top = jax.random.randint(top_key, (batch,), 0, height - tall + 1, jnp.int32)
    left = jax.random.randint(left_key, (batch,), 0, width - wide + 1, jnp.int32)
    return top, left, tall, wide


def _within(places: jax.Array, start: jax.Array, length: jax.Array) -> jax.Array:
    start, length = start[:, None, None, None], length[:, None, None, None]
    return (places >= start) & (places < start + length)


AUGMENTATIONS.add("erasing", Augmentation(lambda s: s.erasing > 0, erasing, ORDER))
