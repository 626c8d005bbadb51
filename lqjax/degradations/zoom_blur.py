"""Zoom blur, the mean of an image and ever closer views of it, as ImageNet-C has it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.operations import Parameter, operation
from lqjax.imaging.zooming import zoom_places
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
    tall = jnp.asarray(_sizes(images.shape[1]))[step - 1]
    wide = jnp.asarray(_sizes(images.shape[2]))[step - 1]
    # Examples last: then what is picked from a place lies side by side, twice as fast on a CPU.
    lying = images.transpose(1, 2, 3, 0)

    def add_view(view: jax.Array, total: jax.Array) -> jax.Array:
        return total + _zoomed(_zoomed(lying, tall[view], 0), wide[view], 1)

    total = jax.lax.fori_loop(1, count, add_view, lying + lying)
    mean = (total / (count + 1)).transpose(3, 0, 1, 2)
    return jnp.clip(jnp.where(count == 1, images, mean), 0, 1)


def _zoomed(lying: jax.Array, sizes: jax.Array, axis: int) -> jax.Array:
    before, share = zoom_places(sizes[0], sizes[1], sizes[2], lying.shape[axis])
    near = jnp.take(lying, before, axis=axis, mode="clip")
    far = jnp.take(lying, before + 1, axis=axis, mode="clip")
    across = share[:, None, None, None] if axis == 0 else share[None, :, None, None]
    return near + across * (far - near)


def _sizes(size: int) -> np.ndarray:
    """Return crop, output and trim for `zoom_places` by step (1 %), view; int32.

    Sizes are rounded where a factor's last bit decides, so the factors are those of np.arange:
    multiples not of the step but of what adding it to 1 gives.
    """
    steps = np.arange(1, MAX_STEP + 1)[:, None] / 100
    factors = 1.0 + np.arange(MAX_COUNT) * ((1.0 + steps) - 1.0)
    crop = np.ceil(size / factors)
    output = np.rint(crop * factors)
    return np.stack([crop, output, (output - size) // 2], axis=-1).astype(np.int32)
