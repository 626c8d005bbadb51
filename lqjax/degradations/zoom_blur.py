"""Zoom blur, the mean of an image and ever closer views of it, as ImageNet-C has it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.kernels import separable_product
from lqjax.imaging.operations import Parameter, operation
from lqjax.imaging.zooming import zoom_matrix
from lqjax.typing import Images, Scalar

MAX_COUNT = 64
"""Zooms; above the published 26."""

MAX_STEP = 10
"""Percent; above the published 3."""


@operation(
    "zoom_blur",
    "degradation",
    Parameter(
        "count", "1", 1, MAX_COUNT, integer=True, identity=1, meaning="views, the image among them"
    ),
    Parameter("step", "percent", 1, MAX_STEP, integer=True, meaning="zoom from view to view"),
    source="ImageNet-C zoom_blur (hendrycks/robustness)",
)
def zoom_blur(images: Images, draws: None, *, count: Scalar, step: Scalar) -> Images:
    """Average the image with `count` centred zooms of 1, 1 + step, 1 + 2 * step and so on.

    The image counts twice, as published: once by itself and once as the zoom of 1.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: unused.
      count: number of zooms; 1 changes nothing.
      step: percent.
    """
    height, width = images.shape[1:3]
    tall = jnp.asarray(_sizes(height))[step - 1]
    wide = jnp.asarray(_sizes(width))[step - 1]

    def add_view(view: jax.Array, total: jax.Array) -> jax.Array:
        rows = zoom_matrix(*tall[view], height)
        columns = zoom_matrix(*wide[view], width)
        return total + separable_product(rows, columns, images)

    total = jax.lax.fori_loop(1, count, add_view, images + images)
    return jnp.clip(jnp.where(count == 1, images, total / (count + 1)), 0, 1)


def _sizes(size: int) -> np.ndarray:
    """Return crop, output and trim of `zoom_matrix` by step (1 %), view; int32.

    Sizes are rounded where a factor's last bit decides, so the factors are those of np.arange:
    multiples not of the step but of what adding it to 1 gives.
    """
    steps = np.arange(1, MAX_STEP + 1)[:, None] / 100
    factors = 1.0 + np.arange(MAX_COUNT) * ((1.0 + steps) - 1.0)
    crop = np.ceil(size / factors)
    output = np.rint(crop * factors)
    return np.stack([crop, output, (output - size) // 2], axis=-1).astype(np.int32)
