"""Which operations of RandAugment a batch has drawn."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np


def any_drawn(drawn: jax.Array, operations: Sequence[str], names: Sequence[str]) -> jax.Array:
    """Tell whether an image of the batch has drawn one of the named operations, bool scalar.

    Args:
      drawn: int32, (batch,): indices into `operations`.
    """
    numbers = np.array([operations.index(name) for name in names], np.int32)
    return jnp.any(drawn[:, None] == numbers[None])
