"""CutMix: a box of one image pasted into another."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from lqjax.augmentations.base import MIXINGS, Mixing, Targets
from lqjax.augmentations.pairing import partners
from lqjax.config import AugmentationConfig
from lqjax.typing import Images


def cutmix(
    key: jax.Array, images: Images, targets: Targets, settings: AugmentationConfig
) -> tuple[Images, Targets]:
    """Paste a box of its partner into each image; the targets are weighed by area.

    The box takes a share of 1 - lambda of the image, with lambda from Beta(`cutmix`, `cutmix`),
    and a centre drawn evenly over the image; what lies beyond the border is cut off, and the
    targets go by what is left. Lambda and box are drawn for every example (the authors' code
    draws one for the batch).

    Source: Yun et al., "CutMix", ICCV 2019, and the authors' code (rand_bbox).
    """
    batch, height, width, _ = images.shape
    lambda_key, row_key, column_key = jax.random.split(key, 3)
    kept = jax.random.beta(lambda_key, settings.cutmix, settings.cutmix, (batch,))
    row = jax.random.randint(row_key, (batch,), 0, height, jnp.int32)
    column = jax.random.randint(column_key, (batch,), 0, width, jnp.int32)
    top, bottom = side_of_box(kept, row, height)
    left, right = side_of_box(kept, column, width)
    pasted = _between(height, top, bottom)[:, :, None] & _between(width, left, right)[:, None]
    area = (bottom - top) * (right - left)
    share = (area.astype(targets.dtype) / (height * width))[:, None]
    return (
        jnp.where(pasted[..., None], partners(images), images),
        (1 - share) * targets + share * partners(targets),
    )


def side_of_box(kept: jax.Array, centre: jax.Array, size: int) -> tuple[jax.Array, jax.Array]:
    """Give where a box of area 1 - `kept` about a centre starts and ends along one side.

    Args:
      kept: float32 in [0, 1], (batch,): lambda.
      centre: int32, (batch,), px.
      size: px.

    Returns:
      First pixel and the one after the last, int32, (batch,) each, cut off at the borders.
    """
    half = jnp.floor(size * jnp.sqrt(1 - kept)).astype(jnp.int32) // 2
    return jnp.clip(centre - half, 0, size), jnp.clip(centre + half, 0, size)


def _between(size: int, start: jax.Array, end: jax.Array) -> jax.Array:
    places = jnp.arange(size, dtype=jnp.int32)[None]
    return (places >= start[:, None]) & (places < end[:, None])


MIXINGS.add("cutmix", Mixing(lambda s: s.cutmix > 0, cutmix))
