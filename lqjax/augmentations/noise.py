"""Injection of Gaussian noise."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from lqjax.augmentations.base import AUGMENTATIONS, Augmentation
from lqjax.config import AugmentationConfig
from lqjax.imaging.draws import unit_normal
from lqjax.typing import Images

ORDER = 60


def noise(key: jax.Array, images: Images, settings: AugmentationConfig) -> Images:
    """Add Gaussian noise of standard deviation `noise_sigma` to every value, clipped to [0, 1].

    Clipped like the degradation `gaussian_noise`: where an image is black or white, half of the
    noise is cut away.
    """
    keys = jax.random.split(key, len(images))
    drawn = jax.vmap(lambda k: unit_normal(k, images.shape[1:]))(keys)
    return jnp.clip(images + jnp.asarray(settings.noise_sigma, images.dtype) * drawn, 0, 1)


AUGMENTATIONS.add("noise", Augmentation(lambda s: s.noise_sigma > 0, noise, ORDER))
