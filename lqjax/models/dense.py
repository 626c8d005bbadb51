"""Fully connected layer."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from lqjax.models.draws import Draws


class Dense(nnx.Module):
    """Multiply feature vectors by a matrix and add an offset.

    Args:
      inputs, outputs: lengths of the vectors.
      deviation: standard deviation of the matrix's start values; the offset starts at zero.
      dtype: dtype of the computation; parameters are float32.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        deviation: float,
        dtype: Any,
        draws: Draws,
    ) -> None:
        self.kernel = nnx.Param(draws.normal((inputs, outputs), deviation))
        self.bias = nnx.Param(jnp.zeros(outputs, jnp.float32))
        self.dtype = dtype

    def __call__(self, features: jax.Array) -> jax.Array:
        """Map (batch, inputs) to (batch, outputs)."""
        product = features.astype(self.dtype) @ self.kernel[...].astype(self.dtype)
        return product + self.bias[...].astype(self.dtype)[None]
