"""Motion blur to one side of every pixel, as ImageNet-C has it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.draws import unit_uniform
from lqjax.imaging.fixed_point import on_grid
from lqjax.imaging.levels import from_levels, to_levels, truncate
from lqjax.imaging.one_sided_motion import MAX_RADIUS, blur_one_sided
from lqjax.imaging.operations import DRAWN, Parameter, operation
from lqjax.typing import Images, Keys, Scalar

MAX_SIGMA = 2 * MAX_RADIUS
"""px; there the kernel is nearly flat."""

STEEPEST = 45.0
"""Degrees; drawn angles lie within this of the horizontal."""


def _unit_angle(key: Keys, shape: tuple[int, ...]) -> jax.Array:
    return unit_uniform(key, ())


@operation(
    "motion_blur_one_sided",
    "degradation",
    Parameter("radius", "px", 0, MAX_RADIUS, identity=0, meaning="half the length of the kernel"),
    Parameter("sigma", "px", 0, MAX_SIGMA, identity=0, meaning="standard deviation along it"),
    Parameter(
        "angle",
        "degree",
        -360,
        360,
        default=DRAWN,
        meaning="0 to the right, clockwise; drawn per example from -45 to 45 unless given",
    ),
    draw=_unit_angle,
    exact=True,
    source="ImageNet-C motion_blur: ImageMagick 6 MotionBlurImage on 8-bit images",
)
def motion_blur_one_sided(
    images: Images, draws: jax.Array, *, radius: Scalar, sigma: Scalar, angle: Scalar
) -> Images:
    """Smear each image along half a Gaussian of 2 * ceil(radius) + 1 samples.

    Images are cut down to 8 bits first, as a file of them is, and the result is cut off to 8 bits
    from 16, as published: half a level darker on average. Borders repeat the edge pixel.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: uniform in [0, 1), (batch,): the angle between its bounds.
      radius: px; the kernel reaches twice as far.
      sigma: px.
      angle: degrees, 0 takes samples from the right, 90 from below; NaN takes the drawn one.
    """
    drawn = on_grid(draws * np.float32(2 * STEEPEST)) - np.float32(STEEPEST)
    degrees = jnp.where(jnp.isnan(angle), drawn, jnp.asarray(angle, jnp.float32))
    blurred = blur_one_sided(to_levels(truncate(images)), radius, sigma, degrees)
    still = (jnp.asarray(radius) == 0) | (jnp.asarray(sigma) == 0)
    return jnp.where(still, images, from_levels(blurred))
