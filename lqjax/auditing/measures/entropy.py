"""How much the levels of a picture tell."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from lqjax.auditing.measures.base import image_measure
from lqjax.auditing.samples import Samples


@image_measure("entropy", "bit", "entropy of the levels of luma, 0 to 8")
def entropy(samples: Samples) -> jax.Array:
    """Give the entropy of the histogram of luma in bits: 0 for a flat picture, at most 8.

    Source: Shannon (1948).
    """
    shares = samples.levels / jnp.sum(samples.levels, axis=1, keepdims=True)
    logarithms = jnp.log2(jnp.where(shares > 0, shares, 1))
    return jnp.maximum(-jnp.sum(shares * logarithms, axis=1), 0)
