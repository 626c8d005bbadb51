"""Less loss for what is already classified well."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from lqjax.typing import Logits


def focal_factors(log_probabilities: Logits, gamma: float) -> jax.Array:
    """Compute (1 - p) ** gamma of every class, (batch, classes), from log p.

    Source: Lin et al., "Focal loss for dense object detection", 2017, equation 4.
    """
    misses = -jnp.expm1(log_probabilities)  # exact for p near 1, where 1 - p is not
    # At p = 1 the derivative of the power is infinite for gamma below 1; the loss there is 0.
    floor = jnp.finfo(log_probabilities.dtype).tiny
    return jnp.maximum(misses, floor) ** gamma
