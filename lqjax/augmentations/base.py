"""The record of a train-time augmentation and their registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax

from lqjax.config import AugmentationConfig
from lqjax.registry import Registry
from lqjax.typing import Images


@dataclass(frozen=True)
class Augmentation:
    """A random change of a training batch.

    Attributes:
      active: whether the settings ask for it.
      apply: `(key, images, settings) -> images`, float32 NHWC in [0, 1] in and out; draws
        anew for every example.
      order: augmentations are applied in rising order: geometry before light.
    """

    active: Callable[[AugmentationConfig], bool]
    apply: Callable[[jax.Array, Images, AugmentationConfig], Images]
    order: int


AUGMENTATIONS: Registry[Augmentation] = Registry("augmentation", "lqjax.augmentations")


def augment(key: jax.Array, images: Images, settings: AugmentationConfig) -> Images:
    """Apply all augmentations that the settings ask for, each with a key of its own."""
    chosen = [
        (number, AUGMENTATIONS[name])
        for number, name in enumerate(AUGMENTATIONS.names())
        if AUGMENTATIONS[name].active(settings)
    ]
    for number, augmentation in sorted(chosen, key=lambda pair: pair[1].order):
        images = augmentation.apply(jax.random.fold_in(key, number), images, settings)
    return images
