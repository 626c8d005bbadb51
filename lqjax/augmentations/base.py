"""The records of train-time augmentations, their registries, and how they are applied."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lqjax.config import AugmentationConfig
from lqjax.registry import Registry
from lqjax.typing import Images

Targets = Float[Array, "batch class"]
"""What the network should answer: float32 shares of the classes, each row summing to 1."""

Mix = Callable[[jax.Array, Images, Targets, AugmentationConfig], tuple[Images, Targets]]


@dataclass(frozen=True)
class Augmentation:
    """A random change of a training batch that leaves the targets alone.

    Attributes:
      active: whether the settings ask for it.
      apply: `(key, images, settings) -> images`, float32 NHWC in [0, 1] in and out; draws
        anew for every example.
      order: augmentations are applied in rising order: geometry before light.
    """

    active: Callable[[AugmentationConfig], bool]
    apply: Callable[[jax.Array, Images, AugmentationConfig], Images]
    order: int


@dataclass(frozen=True)
class Mixing:
    """A way to make one example of two, images and targets.

    Attributes:
      active: whether the settings ask for it.
      apply: `(key, images, targets, settings) -> (images, targets)`; draws anew for every
        example.
    """

    active: Callable[[AugmentationConfig], bool]
    apply: Mix


AUGMENTATIONS: Registry[Augmentation] = Registry("augmentation", "lqjax.augmentations")
MIXINGS: Registry[Mixing] = Registry("mixing", "lqjax.augmentations")


def augment(key: jax.Array, images: Images, settings: AugmentationConfig) -> Images:
    """Apply all augmentations that the settings ask for.

    Each has a key of its own, which depends on its name and not on which others are on.
    """
    chosen = [(name, AUGMENTATIONS[name]) for name in AUGMENTATIONS]
    for name, augmentation in sorted(chosen, key=lambda pair: pair[1].order):
        if augmentation.active(settings):
            images = augmentation.apply(_key_of(key, name), images, settings)
    return images


def mix(
    key: jax.Array, images: Images, targets: Targets, settings: AugmentationConfig
) -> tuple[Images, Targets]:
    """Mix each example with another one of the batch, as the settings ask for.

    Where several ways are asked for, each batch is mixed in one of them, all equally likely, as
    timm does. Every batch is mixed.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      targets: float32, (batch, class); one-hot, or smoothed.

    Returns:
      Images and targets of the same shapes; targets still sum to 1.
    """
    chosen = [name for name in MIXINGS if MIXINGS[name].active(settings)]
    if not chosen:
        return images, targets

    # Float64 where JAX computes in it: lambda is drawn in it, and all ways must give one type.
    images, targets = (jnp.asarray(array, jnp.result_type(float)) for array in (images, targets))
    choice_key, mixing_key = jax.random.split(key)

    def branch(name: str) -> Callable[[Images, Targets], tuple[Images, Targets]]:
        own_key = _key_of(mixing_key, name)
        return lambda images, targets: MIXINGS[name].apply(own_key, images, targets, settings)

    if len(chosen) == 1:
        return branch(chosen[0])(images, targets)
    index = jax.random.randint(choice_key, (), 0, len(chosen), jnp.int32)
    return jax.lax.switch(index, [branch(name) for name in chosen], images, targets)


def _key_of(key: jax.Array, name: str) -> jax.Array:
    # By name, not by number: a new file must not change what the others draw.
    return jax.random.fold_in(key, zlib.crc32(name.encode()))
