"""Sharpness of a picture seen small."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.auditing.measures.base import image_measure
from lqjax.auditing.samples import LEVELS, THUMBNAIL, Samples

NEIGHBOURS = 8
"""Weight of the centre in the Laplacian; its neighbours have -1. Source: Pillow, FIND_EDGES."""

SCALE = 0.01
"""Per level. Source: cleanvision, normalizing_factor."""


@image_measure("sharpness", "1", "sharpness of the picture shrunk to 64 px, 0 to 1")
def sharpness(samples: Samples) -> jax.Array:
    """Score how much fine detail a small version of the picture has.

    1 - exp(-deviation / 100) of the standard deviation, in levels, of its Laplacian. That is
    cleanvision's score "blurry" without two things that hide blur: it takes the outermost pixels,
    which Pillow's filter leaves as they are, for edges, and calls pictures of few levels sharp.

    Returns:
      float32 in [0, 1), (batch,); NaN where the small version has a side below 3 px.

    Source: cleanvision 0.3, BlurrinessProperty; Pech-Pacheco et al., "Diatom autofocusing in
    brightfield microscopy" (2000).
    """
    levels = samples.thumbnail.astype(jnp.float32)
    inner = THUMBNAIL - 2
    shifted = [levels[:, y : y + inner, x : x + inner] for y in range(3) for x in range(3)]
    laplacian = (NEIGHBOURS + 1) * shifted[4] - sum(shifted[1:], shifted[0])
    edges = jnp.clip(laplacian, 0, LEVELS - 1)
    down, right = (
        np.arange(inner)[None] < samples.thumbnail_extent[:, axis : axis + 1] - 2 for axis in (0, 1)
    )
    inside = down[:, :, None] & right[:, None, :]
    number = jnp.sum(inside, (1, 2), dtype=jnp.int32)
    divisor = jnp.maximum(number, 1)
    mean = jnp.sum(jnp.where(inside, edges, 0), (1, 2)) / divisor
    squares = jnp.where(inside, jnp.square(edges - mean[:, None, None]), 0)
    deviation = jnp.sqrt(jnp.sum(squares, (1, 2)) / divisor)
    return jnp.where(number > 0, 1 - jnp.exp(-SCALE * deviation), jnp.nan)
