"""A picture taken with too much light."""

from __future__ import annotations

import jax.numpy as jnp

from lqjax.imaging.light import from_linear, to_linear
from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Scalar

MOST_STOPS = 10
"""EV; everything above code value 0.013 is then white."""


@operation(
    "over_exposure",
    "degradation",
    Parameter(
        "stops", "EV", 0, MOST_STOPS, identity=0, meaning="doublings of the light", examples=(1, 4)
    ),
    source="lqjax: linear light (sRGB, IEC 61966-2-1) times 2**stops, clipped",
)
def over_exposure(images: Images, draws: None, *, stops: Scalar) -> Images:
    """Multiply linear light by 2**stops, clip at white, encode again.

    Works on linear light, decoded by the transfer function of sRGB. Channels clip one by one, so
    bright colours turn towards yellow, cyan, magenta and white, as in a sensor without highlight
    recovery. What the input has clipped already stays flat; the shoulder of a camera's tone curve,
    blooming and lens flare are not modelled.

    Args:
      images: float32 sRGB code values in [0, 1], (batch, height, width, channel).
      draws: unused.
      stops: exposure values too many; 1 is twice the light.
    """
    brightened = from_linear(to_linear(images) * jnp.exp2(jnp.asarray(stops, jnp.float32)))
    return jnp.where(jnp.asarray(stops) == 0, images, brightened)
