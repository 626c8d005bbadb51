"""Transfer of a channel between pairs of images."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.augmentations.base import AUGMENTATIONS, Augmentation
from lqjax.augmentations.pairing import partners
from lqjax.config import AugmentationConfig
from lqjax.typing import Images

ORDER = 50


def channel_transfer(key: jax.Array, images: Images, settings: AugmentationConfig) -> Images:
    """Take one channel from another image of the batch, with probability `channel_transfer`.

    Which channel is drawn for every image. The image keeps its label: its other channels are
    still its own.

    Raises:
      ValueError: images of one channel, of which nothing but the label would be left.
    """
    channels = images.shape[-1]
    if channels == 1:
        raise ValueError(
            f"augmentation.channel_transfer={settings.channel_transfer:g} needs colour images,"
            " and these have 1 channel; set it to 0"
        )
    chance_key, channel_key = jax.random.split(key)
    chosen = jax.random.bernoulli(chance_key, settings.channel_transfer, (len(images), 1, 1, 1))
    drawn = jax.random.randint(channel_key, (len(images), 1, 1, 1), 0, channels, jnp.int32)
    taken = drawn == np.arange(channels, dtype=np.int32)[None, None, None]
    return jnp.where(chosen & taken, partners(images), images)


AUGMENTATIONS.add(
    "channel_transfer", Augmentation(lambda s: s.channel_transfer > 0, channel_transfer, ORDER)
)
