"""Gaussian blur whose borders repeat the edge pixel, as ImageNet-C has it."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from lqjax.imaging.kernels import gaussian_matrix, separable_product
from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Scalar

MAX_SIGMA = 12
"""px; twice the strongest published severity."""

_TRUNCATE = 4.0
"""Sigmas; SciPy's default."""

_MAX_RADIUS = int(_TRUNCATE * MAX_SIGMA + 0.5)


@operation(
    "gaussian_blur_replicate",
    "degradation",
    Parameter("sigma", "px", 0, MAX_SIGMA, identity=0, meaning="standard deviation"),
    source="ImageNet-C gaussian_blur: skimage gaussian, mode nearest, kernel cut at 4 sigma",
)
def gaussian_blur_replicate(images: Images, draws: None, *, sigma: Scalar) -> Images:
    """Blur with a Gaussian of radius int(4 * sigma + 0.5); borders repeat the edge pixel.

    Below sigma 0.125 the kernel is one pixel and nothing changes, bit for bit.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: unused.
      sigma: standard deviation, px.
    """

    def matrix(size: int) -> jax.Array:
        return gaussian_matrix(
            sigma, size, truncate=_TRUNCATE, border="replicate", max_radius=_MAX_RADIUS
        )

    height, width = images.shape[1:3]
    rows = matrix(height)
    columns = rows if width == height else matrix(width)
    return jnp.clip(separable_product(rows, columns, images), 0, 1)
