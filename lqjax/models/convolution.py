"""Two-dimensional convolution layer."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from lqjax.models.convolve import convolve
from lqjax.models.draws import Draws


class Convolution(nnx.Module):
    """Convolve NHWC maps with an HWIO kernel under symmetric zero padding.

    Args:
      inputs, outputs: numbers of channels.
      size: kernel height and width in pixels.
      stride: step in pixels.
      padding: zeros added at each of the four sides, as the published networks count them.
      groups: channels are split into this many groups that do not see each other.
      bias: add one learned offset per output channel.
      deviation: standard deviation of the kernel's start values.
      dtype: dtype of the computation; parameters are float32.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int,
        *,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        bias: bool,
        deviation: float,
        dtype: Any,
        draws: Draws,
    ) -> None:
        shape = (size, size, inputs // groups, outputs)
        self.kernel = nnx.Param(draws.normal(shape, deviation))
        self.bias = nnx.Param(jnp.zeros(outputs, jnp.float32)) if bias else None
        self.stride, self.padding, self.groups, self.dtype = stride, padding, groups, dtype

    def __call__(self, maps: jax.Array) -> jax.Array:
        """Convolve (batch, height, width, inputs) to (batch, height', width', outputs)."""
        result = convolve(
            maps.astype(self.dtype),
            self.kernel[...].astype(self.dtype),
            stride=self.stride,
            padding=self.padding,
            groups=self.groups,
        )
        if self.bias is None:
            return result
        return result + self.bias[...].astype(self.dtype)[None, None, None]
