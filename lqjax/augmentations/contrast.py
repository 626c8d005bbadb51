"""Random change of contrast."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from lqjax.augmentations.base import AUGMENTATIONS, Augmentation
from lqjax.config import AugmentationConfig
from lqjax.typing import Images

ORDER = 40


def contrast(key: jax.Array, images: Images, settings: AugmentationConfig) -> Images:
    """Scale each image about its mean by a factor from 1 +- `contrast`, clipped to [0, 1]."""
    change = jax.random.uniform(
        key, (len(images), 1, 1, 1), minval=-settings.contrast, maxval=settings.contrast
    )
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    return jnp.clip((images - mean) * (1 + change) + mean, 0, 1)


AUGMENTATIONS.add("contrast", Augmentation(lambda s: s.contrast > 0, contrast, ORDER))
