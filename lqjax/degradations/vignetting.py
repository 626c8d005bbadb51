"""Vignetting: less light towards the corners."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.light import from_linear, to_linear
from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Scalar

MAX_STRENGTH = 0.99
"""The corners keep a hundredth: half an angle of view of 72 degrees. At 1 it would be 90."""


@operation(
    "vignetting",
    "degradation",
    Parameter(
        "strength",
        "1",
        0,
        MAX_STRENGTH,
        identity=0,
        meaning="share of the light that the corners lose",
        examples=(0.3, 0.9),
    ),
    source="cos^4 law of illumination on linear light (sRGB, IEC 61966-2-1)",
)
def vignetting(images: Images, draws: None, *, strength: Scalar) -> Images:
    """Multiply linear light by the cos^4 law of a thin lens, centred, the same in all channels.

    Light that falls on the sensor at the angle a to the axis is weaker by cos^4 a, that is by
    1 / (1 + k r^2)^2 at the distance r from the centre. With r = 1 at the middle of the corner
    pixels, k is such that they keep the share 1 - strength. Half the angle of view across the
    diagonal is then arccos((1 - strength)^(1/4)): 33 degrees for 0.5, 56 degrees for 0.9. An
    aperture that is cut off by the barrel falls off later and steeper; it is not modelled, nor is
    what a camera corrects by itself.

    Works on linear light: code values are decoded as sRGB, and images of another encoding are
    only treated as if they were.

    Args:
      images: float32 sRGB code values in [0, 1], (batch, height, width, channel).
      draws: unused.
      strength: share of the light, 0 for none.
    """
    strength = jnp.asarray(strength, jnp.float32)
    bend = jnp.sqrt(1 / (1 - strength)) - 1
    kept = 1 / jnp.square(1 + bend * _squared_distance(*images.shape[1:3]))
    # Kept apart, or it would be computed again for every image and channel.
    kept = jax.lax.optimization_barrier(kept)[None, :, :, None]
    return jnp.where(strength == 0, images, from_linear(to_linear(images) * kept))


def _squared_distance(height: int, width: int) -> np.ndarray:
    """Tabulate r^2, 0 at the centre and 1 at the middle of the corner pixels."""
    down = np.square(np.arange(height) - (height - 1) / 2)[:, None]
    right = np.square(np.arange(width) - (width - 1) / 2)[None]
    corner = np.maximum(down[0] + right[:, 0], 1)
    return ((down + right) / corner).astype(np.float32)
