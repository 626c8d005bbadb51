"""Colour to grey and back, as the published code weighs it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.typing import Images

LUMA_WEIGHTS = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in luma. Source: ITU-R BT.601, as OpenCV and Pillow take it."""

_RED, _GREEN, _BLUE = (np.float32(weight) for weight in LUMA_WEIGHTS)

_WHOLE_LUMA = (19595, 38470, 7471)
"""Red, green and blue in 65536ths. Source: Pillow, Convert.c (L24)."""

_POINT = 16  # bits after the point in these


def luma(images: Images) -> Images:
    """Weigh the channels to one; one-channel images come back unchanged.

    Grey images in three channels give their level to 1e-7, not bit for bit.

    Args:
      images: float32, (batch, height, width, 1 or 3), red first.

    Returns:
      float32, (batch, height, width, 1).

    Source: ITU-R BT.601.
    """
    if images.shape[-1] == 1:
        return images
    red, green, blue = images[..., 0:1], images[..., 1:2], images[..., 2:3]
    return red * _RED + green * _GREEN + blue * _BLUE


def grey_levels(levels: jax.Array) -> jax.Array:
    """Bring 8-bit colour to one channel in whole numbers, as Pillow's mode "L" does.

    Args:
      levels: int32 in 0..255, (batch, height, width, 3). Three equal channels give their level.

    Returns:
      int32, (batch, height, width, 1).

    Source: Pillow, Convert.c (L24).
    """
    red, green, blue = (weight * levels[..., i : i + 1] for i, weight in enumerate(_WHOLE_LUMA))
    return (red + green + blue + (1 << _POINT - 1)) >> _POINT


def as_colour(images: Images) -> Images:
    """Repeat one channel three times; three channels come back unchanged."""
    if images.shape[-1] == 3:
        return images
    return jnp.broadcast_to(images, (*images.shape[:-1], 3))


def as_channels(images: Images, channels: int) -> Images:
    """Return colour images with the given number of channels: by luma if it is 1.

    Args:
      images: float32, (batch, height, width, 3).
      channels: 1 or 3.
    """
    return luma(images) if channels == 1 else images


def value_range(images: Images) -> tuple[jax.Array, jax.Array]:
    """Find the smallest and the largest channel of each pixel, (batch, height, width, 1) each."""
    channels = [images[..., i : i + 1] for i in range(images.shape[-1])]
    least, most = channels[0], channels[0]
    for channel in channels[1:]:
        least, most = jnp.minimum(least, channel), jnp.maximum(most, channel)
    return least, most
