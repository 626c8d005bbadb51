"""Peak signal-to-noise ratio."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Values = Float[Array, "batch ..."]
"""Images, or rows of them with the channels side by side."""


def psnr(images: Values, reference: Values) -> jax.Array:
    """Measure the peak signal-to-noise ratio of each image in dB; the peak is 1.

    Args:
      images, reference: float32 in [0, 1], (batch, ...), of one shape.

    Returns:
      float32, (batch,); infinite where the images are equal.

    Raises:
      ValueError: the shapes differ.
    """
    if images.shape != reference.shape:
        raise ValueError(f"psnr compares equal shapes, got {images.shape} and {reference.shape}")
    error = jnp.mean(jnp.square(images - reference), axis=tuple(range(1, images.ndim)))
    return -10 * jnp.log10(error)
