"""Zoom into the centre of an image without changing its size, as one matrix per axis."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.typing import Scalar


def zoom_sizes(factor: Scalar, size: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return what `zoom_matrix` needs for a zoom factor.

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


def zoom_matrix(crop: Scalar, output: Scalar, trim: Scalar, size: int) -> jax.Array:
    """Write a centred zoom with linear interpolation, corners on corners, as a matrix.

    Args:
      crop: how many pixels in the middle are kept, at least 1; whole, may be traced.
      output: how many pixels they are stretched to, at least size + trim; likewise.
      trim: how many of these are left out in front; likewise.
      size: pixels of the line, at most 32768.

    Returns:
      float32, (size, size): output pixel, input pixel; the identity if crop = output = size.

    Source: SciPy ndimage.zoom, order 1.
    """
    place, column = np.indices((size, size), dtype=np.int32)
    steps = jnp.maximum(output - 1, 1)
    # Positions are ratios of whole numbers: float32 positions would be off by up to 3e-5 px.
    position = (place[:, :1] + trim) * (crop - 1)
    whole = position // steps + (size - crop) // 2
    share = (position % steps).astype(jnp.float32) / steps.astype(jnp.float32)
    return jnp.where(column == whole, 1 - share, jnp.where(column == whole + 1, share, 0.0))
