"""RandAugment: some operations of a fixed list, drawn for every image, at one strength."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from lqjax.augmentations.base import AUGMENTATIONS, Augmentation
from lqjax.augmentations.randaugment_blends import blend
from lqjax.augmentations.randaugment_draws import Drawn
from lqjax.augmentations.randaugment_geometry import move
from lqjax.augmentations.randaugment_tones import retone
from lqjax.config import AugmentationConfig
from lqjax.imaging.levels import from_levels, to_levels
from lqjax.typing import Images

ORDER = 25

OPERATIONS = (
    "identity",
    "shear_x",
    "shear_y",
    "translate_x",
    "translate_y",
    "rotate",
    "brightness",
    "color",
    "contrast",
    "sharpness",
    "posterize",
    "solarize",
    "autocontrast",
    "equalize",
)
"""What is drawn from. Source: Cubuk et al. 2020, figure 2; torchvision RandAugment."""

MAX_MAGNITUDE = 30.0
"""The magnitude of full strength. Source: Cubuk et al. 2020; torchvision (31 magnitudes)."""


def randaugment(key: jax.Array, images: Images, settings: AugmentationConfig) -> Images:
    """Apply `randaugment_operations` operations at strength `randaugment_magnitude` of 30.

    Each image draws its own operations and, where there are two directions, signs. Images are
    first rounded to 8 bits, which is what the operations are defined on; what comes in from
    beyond the border is black.

    Source: Cubuk et al., "RandAugment", NeurIPS 2020; list, magnitudes and filling of
    torchvision's RandAugment on Pillow images.
    """
    levels = to_levels(images).astype(jnp.uint8)
    strength = settings.randaugment_magnitude / MAX_MAGNITUDE
    for turn in range(settings.randaugment_operations):
        levels = transform(levels, draw(jax.random.fold_in(key, turn), len(images), strength))
    return from_levels(levels).astype(images.dtype)


def draw(key: jax.Array, count: int, strength: float) -> Drawn:
    """Draw an operation and a direction for each of so many images, all equally likely."""
    number_key, sign_key = jax.random.split(key)
    numbers = jax.random.randint(number_key, (count,), 0, len(OPERATIONS), jnp.int32)
    return Drawn(OPERATIONS, numbers, jax.random.bernoulli(sign_key, 0.5, (count,)), strength)


def transform(levels: jax.Array, drawn: Drawn) -> jax.Array:
    """Apply to each image an operation of its own.

    A switch per image would compute every operation for every image. Here one gather moves the
    pixels of all, one gather changes their tones, and one sum blends: three operations' work in
    place of fourteen.

    Args:
      levels: uint8, (batch, height, width, 1 or 3).
      drawn: what each image gets.

    Returns:
      uint8, of the same shape.
    """
    for change in (move, retone, blend):
        levels = change(levels, drawn)
    return levels


AUGMENTATIONS.add(
    "randaugment", Augmentation(lambda s: s.randaugment_operations > 0, randaugment, ORDER)
)
