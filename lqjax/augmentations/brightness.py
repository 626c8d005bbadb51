"""Random change of brightness."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from lqjax.augmentations.base import AUGMENTATIONS, Augmentation
from lqjax.config import AugmentationConfig
from lqjax.typing import Images

ORDER = 30


def brightness(key: jax.Array, images: Images, settings: AugmentationConfig) -> Images:
    """Multiply each image by a factor drawn from 1 +- `brightness`, clipped to [0, 1]."""
    change = jax.random.uniform(
        key, (len(images), 1, 1, 1), minval=-settings.brightness, maxval=settings.brightness
    )
    return jnp.clip(images * (1 + change), 0, 1)


AUGMENTATIONS.add("brightness", Augmentation(lambda s: s.brightness > 0, brightness, ORDER))
