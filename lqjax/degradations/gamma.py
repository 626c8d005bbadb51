"""A wrong gamma: code values to a power."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Scalar

LEAST_EXPONENT = 0.01
MOST_EXPONENT = 100

_LEAST_VALUE = np.float32(1e-30)  # has a logarithm


@operation(
    "gamma",
    "degradation",
    Parameter(
        "exponent",
        "1",
        LEAST_EXPONENT,
        MOST_EXPONENT,
        identity=1,
        meaning="power; above 1 darkens, below 1 brightens",
        examples=(0.5, 2.5),
    ),
    source="torchvision adjust_gamma with gain 1, in floating point",
)
def gamma(images: Images, draws: None, *, exponent: Scalar) -> Images:
    """Raise every code value to a power; black and white stay.

    Works on code values: a picture encoded for one gamma and shown or read with another (a film
    scan read as if it were linear, a display set wrongly). It is not a change of exposure: for
    that, `low_light` and `over_exposure` work on linear light. Channels are treated one by one, so
    colours grow more saturated above 1 and paler below. Nothing clips: in float the change could be
    undone, in 8 bits the steps near black (or near white) merge.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: unused.
      exponent: the power.
    """
    # By the logarithm, three times as fast on a CPU as a power.
    logarithm = jnp.log(jnp.maximum(images, _LEAST_VALUE))
    raised = jnp.where(images > 0, jnp.exp(logarithm * exponent), 0.0)
    return jnp.where(jnp.asarray(exponent) == 1, images, raised)
