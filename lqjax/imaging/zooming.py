"""Zoom into the centre of an image without changing its size: where its pixels come from."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.typing import Scalar


def zoom_sizes(factor: Scalar, size: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return what `zoom_places` needs for a zoom factor.

    Exact for factors that are multiples of 1/1024; for others float32 may round another way
    than the float64 of the published code where a product comes near a half.

    Args:
      factor: at least 1; may be traced.
      size: pixels of the line.

    Returns:
      crop, output, trim, int32: the middle ceil(size / factor) pixels are stretched to
      round(crop * factor), halves to the even number, of which the first trim are left out.

    Source: ImageNet-C clipped_zoom.
    """
    factor = jnp.asarray(factor, jnp.float32)
    # Some devices divide inexactly; the product tells whether the quotient was rounded down.
    near = jnp.round(size / factor)
    crop = jnp.where(near * factor >= size, near, near + 1)
    output = jnp.round(crop * factor).astype(jnp.int32)
    return crop.astype(jnp.int32), output, (output - size) // 2


def zoom_places(
    crop: Scalar, output: Scalar, trim: Scalar, size: int
) -> tuple[jax.Array, jax.Array]:
    """Say where each pixel of a centred zoom lies in the original, corners on corners.

    Args:
      crop: how many pixels in the middle are kept, at least 1; int32, may be traced.
      output: how many pixels they are stretched to, at least size + trim; likewise.
      trim: how many of these are left out in front; likewise.
      size: pixels of the line, at most 32768.

    Returns:
      int32, (size,): the pixel before each place; float32, (size,): the share, in [0, 1), of the
      pixel after it, which may be one beyond the last when the share is 0.

    Source: SciPy ndimage.zoom, order 1.
    """
    steps = jnp.maximum(jnp.asarray(output, jnp.int32) - 1, 1)
    # Places are ratios of whole numbers: float32 would be off by up to 3e-5 px.
    place = (jnp.arange(size, dtype=jnp.int32) + trim) * (crop - 1)
    before = place // steps + (size - crop) // 2
    return before, (place % steps).astype(jnp.float32) / steps.astype(jnp.float32)


def zoom_matrix(crop: Scalar, output: Scalar, trim: Scalar, size: int) -> jax.Array:
    """Write the zoom of `zoom_places` as a matrix.

    Returns:
      float32, (size, size): output pixel, input pixel; the identity if crop = output = size.
    """
    before, share = zoom_places(crop, output, trim, size)
    column, before, share = np.arange(size)[None], before[:, None], share[:, None]
    return jnp.where(column == before, 1 - share, jnp.where(column == before + 1, share, 0))
