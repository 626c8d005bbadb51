"""Salt and pepper noise on whole pixels."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from lqjax.imaging.draws import unit_uniform
from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Keys, Scalar


def _hit_and_colour(key: Keys, shape: tuple[int, ...]) -> jax.Array:
    height, width, _ = shape
    return unit_uniform(key, (height, width, 2))


@operation(
    "salt_and_pepper",
    "degradation",
    Parameter(
        "amount",
        "1",
        0,
        1,
        identity=0,
        meaning="share of the pixels that are replaced",
        examples=(0.05, 0.5),
    ),
    Parameter(
        "salt_share",
        "1",
        0,
        1,
        default=0.5,
        meaning="share of these that turn white",
        examples=(0.5, 0.2),
    ),
    draw=_hit_and_colour,
    exact=True,
    source="lqjax: pixels replaced by white or black, all channels together",
)
def salt_and_pepper(
    images: Images, draws: jax.Array, *, amount: Scalar, salt_share: Scalar
) -> Images:
    """Replace whole pixels by white or black.

    Works on code values, where black and white are the same as in linear light. All channels of a
    pixel go together: bits lost in transmission or dead and hot pixels of a sensor without a colour
    mosaic. `impulse_noise`, the published one, draws every value by itself and makes coloured
    specks. Pixels are drawn independently for each image; the defects of one camera would
    stay in place from image to image and would not be as many.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: uniform in [0, 1), (batch, height, width, 2): a pixel is replaced where the first is
        below `amount`, by white where the second is below `salt_share`.
      amount: share of the pixels; more of it adds pixels to those that less has replaced.
      salt_share: share of the replaced pixels that turn white; the others turn black.
    """
    impulse = (draws[..., 1:] < salt_share).astype(images.dtype)
    return jnp.where(draws[..., :1] < amount, impulse, images)
