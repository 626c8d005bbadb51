"""Low contrast around a fixed grey."""

from __future__ import annotations

import jax.numpy as jnp

from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Scalar

MIDDLE_GREY = 0.5
"""Half way between black and white in code values; 0.21 of white in linear light."""


@operation(
    "low_contrast",
    "degradation",
    Parameter(
        "factor",
        "1",
        0,
        1,
        identity=1,
        meaning="share of the contrast that remains",
        examples=(0.6, 0.2),
    ),
    Parameter(
        "centre",
        "1",
        0,
        1,
        default=MIDDLE_GREY,
        meaning="code value that stays as it is",
        examples=(0.5, 1),
    ),
    source="lqjax: centre + factor * (image - centre) on code values",
)
def low_contrast(images: Images, draws: None, *, factor: Scalar, centre: Scalar) -> Images:
    """Pull every value towards one fixed grey.

    Works on code values: the contrast of a display, a print or a scan. The grey is the same for
    all images, unlike in `contrast_channel_mean`, whose centre is the mean of each channel of each
    image: there the brightness stays, here it moves towards the centre. With `centre=0` the image
    darkens, with `centre=1` it fades to white. It is not the veil of scattered light, which adds
    light in linear light. Nothing clips: in float the change could be undone, so that a network
    that normalises its input sees it only through what 8 bits leave.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: unused.
      factor: 1 for all contrast, 0 for none.
      centre: code value, a share of white.
    """
    faded = jnp.clip(centre + factor * (images - centre), 0, 1)
    return jnp.where(jnp.asarray(factor) == 1, images, faded)
