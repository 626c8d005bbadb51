"""Batch normalisation with the conventions of the published residual networks."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

NEW_SHARE = 0.1
"""Weight of the new batch in the running statistics (PyTorch calls it momentum)."""

EPSILON = 1e-5
"""Added to the variance before the square root."""


class BatchNorm(nnx.Module):
    """Normalise each channel over batch, height and width.

    Statistics are those of the global batch when the batch is sharded under `jax.jit`. The
    running variance is the unbiased estimate, the variance used for normalising the biased
    one, both as PyTorch does, so that published statistics mean the same here.

    Args:
      channels: number of channels.
      scale: start value of the learned scale.
      dtype: dtype of the result; statistics and parameters are float32.

    Source: Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167.
    """

    def __init__(self, channels: int, *, scale: float = 1.0, dtype: Any) -> None:
        self.scale = nnx.Param(jnp.full(channels, scale, jnp.float32))
        self.bias = nnx.Param(jnp.zeros(channels, jnp.float32))
        self.mean = nnx.BatchStat(jnp.zeros(channels, jnp.float32))
        self.var = nnx.BatchStat(jnp.ones(channels, jnp.float32))
        self.dtype = dtype

    def __call__(self, maps: jax.Array, *, train: bool) -> jax.Array:
        """Normalise (batch, height, width, channel); `train` updates the running statistics."""
        maps = maps.astype(jnp.float32)
        mean, variance = self.mean[...], self.var[...]
        if train:
            mean, variance = moments(maps)
            self._remember(mean, variance, count=maps.size // maps.shape[-1])
        factor = self.scale[...] * jax.lax.rsqrt(variance + EPSILON)
        offset = self.bias[...] - mean * factor
        return (maps * factor[None, None, None] + offset[None, None, None]).astype(self.dtype)

    def _remember(self, mean: jax.Array, variance: jax.Array, *, count: int) -> None:
        unbiased = variance * (count / max(count - 1, 1))
        self.mean[...] = (1 - NEW_SHARE) * self.mean[...] + NEW_SHARE * mean
        self.var[...] = (1 - NEW_SHARE) * self.var[...] + NEW_SHARE * unbiased


def moments(maps: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Compute mean and biased variance of each channel, each of shape (channel,)."""
    mean = jnp.mean(maps, axis=(0, 1, 2))
    return mean, jnp.mean(jnp.square(maps - mean[None, None, None]), axis=(0, 1, 2))
