"""Random crop after padding."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from lqjax.augmentations.base import AUGMENTATIONS, Augmentation
from lqjax.config import AugmentationConfig
from lqjax.typing import Images

ORDER = 20


def crop(key: jax.Array, images: Images, settings: AugmentationConfig) -> Images:
    """Shift each image by up to `crop_padding` px either way; the border is reflected.

    Source: He et al. 2016 (CIFAR-10: 4 px), with reflection instead of zeros.
    """
    padding = settings.crop_padding
    height, width, channels = images.shape[1:]
    edges = ((0, 0), (padding, padding), (padding, padding), (0, 0))
    padded = jnp.pad(images, edges, mode="reflect")
    corners = jax.random.randint(key, (len(images), 2), 0, 2 * padding + 1)

    def cut(image: jax.Array, corner: jax.Array) -> jax.Array:
        return jax.lax.dynamic_slice(image, (corner[0], corner[1], 0), (height, width, channels))

    return jax.vmap(cut)(padded, corners)


AUGMENTATIONS.add("crop", Augmentation(lambda s: s.crop_padding > 0, crop, ORDER))
