"""Gaussian blur with a kernel cut off at a given size."""

from __future__ import annotations

import jax.numpy as jnp

from lqjax.imaging.kernels import band_matrix, gaussian_weights, separable_product
from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Scalar

MAX_KERNEL_SIZE = 127
"""px; longer than any published severity."""


@operation(
    "gaussian_blur",
    "degradation",
    Parameter(
        "kernel_size", "px", 1, MAX_KERNEL_SIZE, odd=True, identity=1, meaning="side of the kernel"
    ),
    Parameter("sigma", "px", 0, MAX_KERNEL_SIZE, identity=0, meaning="standard deviation"),
    source="OpenCV GaussianBlur, border reflect-101, in floating point",
)
def gaussian_blur(images: Images, draws: None, *, kernel_size: Scalar, sigma: Scalar) -> Images:
    """Blur with a truncated, normalised Gaussian; borders reflect-101, no rounding to 8 bits.

    The kernel may be larger than the image: the borders reflect as often as needed.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: unused.
      kernel_size: number of taps per axis, odd, px.
      sigma: standard deviation, px.
    """
    weights = gaussian_weights(kernel_size, sigma, MAX_KERNEL_SIZE // 2)
    height, width = images.shape[1:3]
    rows = band_matrix(weights, height)
    columns = rows if width == height else band_matrix(weights, width)
    return jnp.clip(separable_product(rows, columns, images), 0, 1)
