"""Bit depth: fewer levels between black and white."""

from __future__ import annotations

import jax.numpy as jnp

from lqjax.imaging.levels import MAX_LEVEL, from_levels, to_levels
from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Scalar

MAX_BITS = 8


@operation(
    "bit_depth",
    "degradation",
    Parameter(
        "bits",
        "1",
        1,
        MAX_BITS,
        integer=True,
        identity=MAX_BITS,
        meaning="2**bits levels of each channel remain",
        examples=(4, 1),
    ),
    exact=True,
    source="lqjax: code values rounded to the nearest of 2**bits even steps, black and white kept",
)
def bit_depth(images: Images, draws: None, *, bits: Scalar) -> Images:
    """Round code values to 2**bits evenly spaced levels, without dithering: bands appear.

    Works on code values, as files and displays do, in integers: values are first rounded to the
    nearest of 256 levels, which changes nothing in 8-bit images, then to the nearest of the
    remaining levels, of which black and white are two; each is shown as the nearest 8-bit level.
    Dropping the lower bits instead (`ImageOps.posterize`) would darken the image as well. A
    sensor's converter works on linear light, where few bits would cost most in the shadows; and
    its noise would dither, which here must come before: `gaussian_noise(sigma=0.02)|bit_depth`.

    With 8 bits, 8-bit images come back bit for bit and other values on the nearest level.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: unused.
      bits: 1 to 8, for each channel.
    """
    steps = ((1 << jnp.asarray(bits, jnp.int32)) - 1).astype(jnp.float32)
    # No quotient lies nearer to a half than 1 / 510, so that float32 rounds as integers would.
    code = jnp.round(to_levels(images).astype(jnp.float32) * (steps / MAX_LEVEL))
    return from_levels(jnp.round(code * (MAX_LEVEL / steps)).astype(jnp.int32))
