"""Pixels clipped to white."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from lqjax.auditing.measures.base import image_measure
from lqjax.auditing.samples import Samples


@image_measure("overexposed_share", "1", "share of the pixels at the highest level")
def overexposed_share(samples: Samples) -> jax.Array:
    """Count the pixels whose luma is 255, as a share."""
    return samples.levels[:, -1] / jnp.sum(samples.levels, axis=1)
