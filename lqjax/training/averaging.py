"""The exponential moving average of the weights."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from lqjax.typing import Tree

RISE = 10.0
"""Early steps are averaged faster: the decay is at most (1 + step) / (10 + step)."""


def moving_average(average: Tree, current: Tree, step: jax.Array, decay: float) -> Tree:
    """Move an average towards the current weights and batch statistics.

    Args:
      average, current: trees of the same structure.
      step: number of the step that made `current`, from 0.
      decay: share of the average that stays, in (0, 1), reached after a rise.

    Source: Szegedy et al. 2016, section 8; the rise is that of TensorFlow's
    ExponentialMovingAverage with `num_updates`.
    """
    risen = (1.0 + step) / (RISE + step)
    kept = jnp.minimum(decay, risen)
    return jax.tree.map(
        lambda old, new: old + (1 - kept).astype(new.dtype) * (new - old), average, current
    )
