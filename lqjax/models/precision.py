"""In how many digits sums and logits are computed, whatever the layers compute in."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def at_least_float32(values: jax.Array) -> jax.Array:
    """Widen bfloat16 to float32; float32 and float64 stay what they are, bit for bit."""
    return values.astype(jnp.promote_types(values.dtype, jnp.float32))
