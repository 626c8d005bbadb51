"""Mean brightness of a picture."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.auditing.measures.base import image_measure
from lqjax.auditing.samples import LEVELS, Samples


@image_measure("brightness", "1", "mean luma")
def brightness(samples: Samples) -> jax.Array:
    """Average the luma of all pixels, 0 to 1."""
    return jnp.sum(
        samples.levels * np.linspace(0, 1, LEVELS, dtype=np.float32)[None], axis=1
    ) / jnp.sum(samples.levels, axis=1)
