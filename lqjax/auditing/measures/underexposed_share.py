"""Pixels clipped to black."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from lqjax.auditing.measures.base import image_measure
from lqjax.auditing.samples import Samples


@image_measure("underexposed_share", "1", "share of the pixels at level zero")
def underexposed_share(samples: Samples) -> jax.Array:
    """Count the pixels whose luma is 0, as a share."""
    return samples.levels[:, 0] / jnp.sum(samples.levels, axis=1)
