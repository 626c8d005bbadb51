"""Pooling: maxima over windows, averages over a fixed grid."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax


def max_pool(maps: jax.Array, *, size: int, stride: int, padding: int = 0) -> jax.Array:
    """Take the maximum of each window of (batch, height, width, channel) maps.

    Args:
      maps: float, NHWC.
      size, stride: side of the window and step, in pixels; windows overlap if size > stride.
      padding: border added at each side, which never wins a maximum.
    """
    border = (padding, padding)
    return lax.reduce_window(
        maps,
        -jnp.inf,
        lax.max,
        window_dimensions=(1, size, size, 1),
        window_strides=(1, stride, stride, 1),
        padding=((0, 0), border, border, (0, 0)),
    )


def adaptive_average_pool(maps: jax.Array, side: int) -> jax.Array:
    """Average NHWC maps over a grid of side x side cells that cover them.

    Cell i of a length n spans floor(i n / side) up to ceil((i + 1) n / side), as PyTorch
    defines it: cells overlap where n is no multiple of side, and repeat where n is smaller.
    """
    for axis in (1, 2):
        length = maps.shape[axis]
        cells = [(i * length // side, -(-(i + 1) * length // side)) for i in range(side)]
        means = [lax.slice_in_dim(maps, a, b, axis=axis).mean(axis) for a, b in cells]
        maps = jnp.stack(means, axis=axis)
    return maps


def global_average_pool(maps: jax.Array) -> jax.Array:
    """Average (batch, height, width, channel) over height and width."""
    return maps.mean((1, 2))
