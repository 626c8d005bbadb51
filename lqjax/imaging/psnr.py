"""Peak signal-to-noise ratio."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from lqjax.typing import Images


def psnr(images: Images, reference: Images) -> jax.Array:
    """Measure the peak signal-to-noise ratio of each image in dB; the peak is 1.

    Args:
      images, reference: float32, (batch, height, width, channel), in [0, 1].

    Returns:
      float32, (batch,); infinite where the images are equal.

    Raises:
      ValueError: the shapes differ.
    """
    if images.shape != reference.shape:
        raise ValueError(f"psnr compares equal shapes, got {images.shape} and {reference.shape}")
    error = jnp.mean(jnp.square(images - reference), axis=(1, 2, 3))
    return -10 * jnp.log10(error)
