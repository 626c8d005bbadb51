"""Batch normalisation with the conventions of the published residual networks."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from lqjax.models.precision import at_least_float32

NEW_SHARE = 0.1
"""Weight of the new batch in the running statistics (PyTorch calls it momentum)."""

EPSILON = 1e-5
"""Added to the variance before the square root."""


class BatchNorm(nnx.Module):
    """Normalise each channel over batch, height and width.

    Statistics are those of the global batch when the batch is sharded under `jax.jit`, or those
    of `groups` equal parts of it, each normalised by its own; with as many groups as devices
    that share the batch, no device waits for the others. The running statistics are then the mean
    over the parts. The running variance is the unbiased estimate, the variance used for
    normalising the biased one, both as PyTorch does, so that published statistics mean the same
    here.

    Args:
      channels: number of channels.
      scale: start value of the learned scale.
      groups: parts of the batch with statistics of their own; must divide it.
      dtype: dtype of the result; parameters and running statistics are made in float32. Statistics
        and normalising are in float32, or in float64 for maps in that.

    Attributes:
      frozen: normalise with the running statistics in training too, and keep them.
      prior: images that the running statistics count for when they are mixed with those of the
        batch shown, a test batch; `None` where they are used as they are.

    Source: Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167.
    """

    def __init__(self, channels: int, *, scale: float = 1.0, groups: int = 1, dtype: Any) -> None:
        self.scale = nnx.Param(jnp.full(channels, scale, jnp.float32))
        self.bias = nnx.Param(jnp.zeros(channels, jnp.float32))
        self.mean = nnx.BatchStat(jnp.zeros(channels, jnp.float32))
        self.var = nnx.BatchStat(jnp.ones(channels, jnp.float32))
        self.groups, self.dtype, self.frozen = groups, dtype, False
        self.prior: int | None = None

    def __call__(self, maps: jax.Array, *, train: bool | jax.Array) -> jax.Array:
        """Normalise (batch, height, width, channel); `train` updates the running statistics.

        Where `train` is traced, the device chooses between both.
        """
        kept = self.mean[...], self.var[...]
        if self.prior is not None:
            return self._normalised(maps, *self._mixed(maps, *kept, self.prior))
        if train is False or self.frozen:
            return self._normalised(maps, *kept)
        made = self._by_groups(maps) if self.groups > 1 else self._by_batch(maps)
        if train is True:
            return made
        for variable, before in zip((self.mean, self.var), kept, strict=True):
            variable[...] = jnp.where(train, variable[...], before)
        return jnp.where(train, made, self._normalised(maps, *kept))

    def _by_batch(self, maps: jax.Array) -> jax.Array:
        mean, variance = moments(at_least_float32(maps))
        self._remember(mean, variance, count=maps.size // maps.shape[-1])
        return self._normalised(maps, mean, variance)

    def _normalised(self, maps: jax.Array, mean: jax.Array, variance: jax.Array) -> jax.Array:
        maps = at_least_float32(maps)
        factor = self.scale[...] * jax.lax.rsqrt(variance + EPSILON)
        offset = self.bias[...] - mean * factor
        return (maps * factor[None, None, None] + offset[None, None, None]).astype(self.dtype)

    def _mixed(
        self, maps: jax.Array, mean: jax.Array, variance: jax.Array, prior: int
    ) -> tuple[jax.Array, jax.Array]:
        """Mix running statistics with those of a batch, whole: as images count, not positions."""
        shown_mean, shown_variance = moments(at_least_float32(maps))
        share = prior / (prior + len(maps))
        return (
            share * mean + (1 - share) * shown_mean,
            share * variance + (1 - share) * shown_variance,
        )

    def _by_groups(self, maps: jax.Array) -> jax.Array:
        parts = at_least_float32(maps).reshape(self.groups, -1, *maps.shape[1:])
        means, variances = jax.vmap(moments)(parts)
        self._remember(
            means.mean(0), variances.mean(0), count=parts.size // (self.groups * maps.shape[-1])
        )
        factors = self.scale[...][None] * jax.lax.rsqrt(variances + EPSILON)
        offsets = self.bias[...][None] - means * factors
        shape = (self.groups, 1, 1, 1, maps.shape[-1])
        normalised = parts * factors.reshape(shape) + offsets.reshape(shape)
        return normalised.reshape(maps.shape).astype(self.dtype)

    def _remember(self, mean: jax.Array, variance: jax.Array, *, count: int) -> None:
        unbiased = variance * (count / max(count - 1, 1))
        for kept, new in ((self.mean, mean), (self.var, unbiased)):
            moved = (1 - NEW_SHARE) * kept[...] + NEW_SHARE * new
            kept[...] = moved.astype(kept[...].dtype)


def moments(maps: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Compute mean and biased variance of each channel, each of shape (channel,)."""
    mean = jnp.mean(maps, axis=(0, 1, 2))
    return mean, jnp.mean(jnp.square(maps - mean[None, None, None]), axis=(0, 1, 2))
