"""Black corners: everything outside a centred disc is black."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Scalar

LEAST_RADIUS, MOST_RADIUS = 0.1, 1.5
"""Shares of the radius of the inscribed disc; beyond the root of 2 a square image is whole."""

_STEPS = 1000
"""Radii of up to three decimals lie on these steps; there `int(pixels * radius)` is tabulated."""

_ON_STEP = 1e-3
"""Steps; float32 puts a radius of three decimals within 1e-4 of its step."""


@operation(
    "black_corner",
    "degradation",
    Parameter(
        "radius",
        "1",
        LEAST_RADIUS,
        MOST_RADIUS,
        meaning="of the disc, a share of that of the inscribed disc",
        examples=(1.1, 0.9),
    ),
    exact=True,
    source="MedMNIST-C (black_corner), medmnistc 0.1.0: OpenCV circle, filled",
)
def black_corner(images: Images, draws: None, *, radius: Scalar) -> Images:
    """Paint all pixels black that lie outside a disc, as dermatoscopes leave them.

    With width w and height h the centre is the pixel (w // 2, h // 2), so that images of even
    size lose a little more at the top and left. The disc has whole radius int(r * radius),
    where r is the shortest way to a border, and holds the pixels with dx^2 + dy^2 <= radius^2,
    which is how OpenCV fills it. Its edge is sharp.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: unused.
      radius: share of the inscribed radius.
    """
    height, width = images.shape[1:3]
    middle = (height // 2, width // 2)
    inscribed = min(*middle, height - middle[0], width - middle[1])
    pixels = _whole_radius(inscribed, jnp.asarray(radius, jnp.float32))
    down = np.square(np.arange(height, dtype=np.int32) - middle[0])
    right = np.square(np.arange(width, dtype=np.int32) - middle[1])
    inside = (down[:, None] + right[None])[None, :, :, None] <= jnp.square(pixels)
    return jnp.where(inside, images, 0)


def _whole_radius(inscribed: int, radius: jax.Array) -> jax.Array:
    """Cut `inscribed * radius` down to an integer as float64 does, for radii of few decimals."""
    step = jnp.round(radius * _STEPS)
    shares = np.arange(int(MOST_RADIUS * _STEPS) + 1) / _STEPS
    tabulated = (inscribed * shares).astype(np.int32)
    on_step = jnp.asarray(tabulated)[jnp.clip(step, 0, len(shares) - 1).astype(jnp.int32)]
    between = jnp.floor(inscribed * radius).astype(jnp.int32)
    return jnp.where(jnp.abs(radius * _STEPS - step) < _ON_STEP, on_step, between)
