"""Frost: a picture of an icy pane is mixed into the image."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from lqjax.imaging.colour import as_channels
from lqjax.imaging.draws import unit_uniform
from lqjax.imaging.frost_photographs import crops, fitting_sizes, frost_photographs, place_of
from lqjax.imaging.frost_texture import frost_texture
from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Keys, Scalar

_LEAST_SHRINK = 0.1

Draws = dict[str, jax.Array]


def _pane(key: Keys, shape: tuple[int, ...]) -> Draws:
    """Draw a place in the photographs, and a key for a texture, whose size is a parameter's."""
    place_key, texture_key = jax.random.split(key)
    return {"place": unit_uniform(place_key, (3,)), "texture": jax.random.key_data(texture_key)}


@operation(
    "frost",
    "degradation",
    Parameter("image_weight", "1", 0, 1, meaning="share of the image"),
    Parameter("frost_weight", "1", 0, 1, meaning="share of the frost"),
    Parameter(
        "shrink",
        "1",
        _LEAST_SHRINK,
        1,
        default=1,
        static="it fixes the number of crystals and the size of the photographs",
        meaning="scale of the frost; 1 suits images of 224 px",
        examples=(1, 0.2),
    ),
    draw=_pane,
    source=(
        "Hendrycks & Dietterich 2019 (1903.12261), without its rounding to 8 bits; the frost is"
        " drawn, not its photographs, unless lqjax.imaging.frost_photographs is given them"
    ),
)
def frost(
    images: Images,
    draws: Draws,
    *,
    image_weight: Scalar,
    frost_weight: Scalar,
    shrink: float = 1.0,
) -> Images:
    """Add weighted image and weighted frost, then clip to [0, 1].

    The frost is drawn from the key, with features, brightness and contrast near those of the
    published photographs, which do not come with lqjax. After `use_frost_photographs(folder)` it
    is a random crop of these, as published.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: `place`, uniform in [0, 1), (batch, 3); `texture`, uint32, (batch, 2).
      image_weight, frost_weight: factors; their sum may exceed 1.
      shrink: scale of the texture, or the factor by which the photographs are resized first.
        Static: it fixes the number of crystals and the size of the shrunken photographs.

    Raises:
      ValueError: the photographs are not larger than the images.
    """
    height, width = images.shape[1:3]
    if frost_photographs():
        sizes = fitting_sizes(shrink, height, width)
        places = jax.vmap(lambda draw: place_of(draw, sizes, height, width))(draws["place"])
        panes = crops(places, shrink, height, width)
    else:
        panes = jax.vmap(lambda words: frost_texture(words, (height, width), shrink))(
            draws["texture"]
        )
    return behind_frost(images, panes, image_weight, frost_weight)


def behind_frost(
    images: Images, panes: jax.Array, image_weight: Scalar, frost_weight: Scalar
) -> Images:
    """Mix images and frost of three channels; a grey image takes the frost's luma."""
    panes = as_channels(panes, images.shape[3])
    return jnp.clip(image_weight * images + frost_weight * panes, 0, 1)
