"""Random left-right flip."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from lqjax.augmentations.base import AUGMENTATIONS, Augmentation
from lqjax.config import AugmentationConfig
from lqjax.typing import Images

ORDER = 10


def flip(key: jax.Array, images: Images, settings: AugmentationConfig) -> Images:
    """Mirror each image left-right with probability one half."""
    chosen = jax.random.bernoulli(key, 0.5, (len(images), 1, 1, 1))
    return jnp.where(chosen, images[:, :, ::-1], images)


AUGMENTATIONS.add("flip", Augmentation(lambda s: s.flip, flip, ORDER))
