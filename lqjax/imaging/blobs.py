"""Sums of many round blobs, without an image for each."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

_PIXEL_VARIANCE = np.float32(1 / 12)
"""px^2; of a square pixel along one axis."""


def blob_sum(
    rows: jax.Array,
    columns: jax.Array,
    sigmas: jax.Array,
    heights: jax.Array,
    size: tuple[int, ...],
) -> jax.Array:
    """Add up Gaussian blobs at given places.

    A Gaussian is a product of a profile down and one across, so the sum over all blobs is one
    matrix product per image. The pixel's own width is added to that of a blob, and the blob gets
    lower in turn: one smaller than a pixel keeps its volume and does not slip between pixels.

    Args:
      rows, columns: centres in px, 0 in the middle of the first pixel, (batch, blob).
      sigmas: standard deviations, px, above 0, (batch, blob).
      heights: at the centres, (batch, blob); 0 for a blob that is not there.
      size: height and width of the image in px.

    Returns:
      float32, (batch, height, width).
    """
    variances = jnp.square(sigmas) + _PIXEL_VARIANCE
    lowered = heights * jnp.square(sigmas) / variances
    down, across = (
        jnp.exp(-0.5 * _squared(centres, length) / variances[..., None])
        for centres, length in zip((rows, columns), size, strict=True)
    )
    return jnp.einsum(
        "bkh,bkw->bhw", lowered[..., None] * down, across, precision=jax.lax.Precision.HIGHEST
    )


def _squared(centres: jax.Array, length: int) -> jax.Array:
    pixels = np.arange(length, dtype=np.float32)[None, None]
    return jnp.square(pixels - centres[..., None])
