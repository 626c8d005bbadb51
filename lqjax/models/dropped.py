"""Dropout that may be decided on the device."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx


def dropped(
    dropout: nnx.Dropout, features: jax.Array, train: bool | jax.Array, rngs: nnx.Rngs | None
) -> jax.Array:
    """Apply dropout if `train`, which may be traced."""
    if isinstance(train, bool):
        return dropout(features, deterministic=not train, rngs=rngs)
    return jnp.where(train, dropout(features, deterministic=False, rngs=rngs), features)
