"""Two-dimensional convolution layer."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from lqjax.models.convolve import convolve


class Convolution(nnx.Module):
    """Convolve NHWC maps with an HWIO kernel under symmetric zero padding.

    Args:
      inputs, outputs: numbers of channels.
      size: kernel height and width in pixels.
      stride: step in pixels.
      padding: zeros added at each of the four sides, as the published networks count them.
      groups: channels are split into this many groups that do not see each other.
      bias: add one learned offset per output channel.
      initializer: of the kernel.
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
        initializer: jax.nn.initializers.Initializer,
        dtype: Any,
        rngs: nnx.Rngs,
    ) -> None:
        shape = (size, size, inputs // groups, outputs)
        self.kernel = nnx.Param(initializer(rngs.params(), shape, jnp.float32))
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
        return result + self.bias[...].astype(self.dtype)
