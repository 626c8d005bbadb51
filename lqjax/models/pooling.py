"""Pooling: maxima over windows, averages over a fixed grid."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jax import lax

from lqjax.models.platforms import rewrites_for_cpu

ROWS, COLUMNS = 1, 2
"""Axes of NHWC maps."""


def max_pool(maps: jax.Array, *, size: int, stride: int, padding: int = 0) -> jax.Array:
    """Take the maximum of each window of (batch, height, width, channel) maps.

    The gradient of a window goes to its first maximum in reading order. On a CPU it is written
    as shifted comparisons along one axis after the other: for ResNet-50's stem at 64 px, batch
    64, that took 24 ms and the compiler's own gradient 190 ms.

    Args:
      maps: float, NHWC.
      size, stride: side of the window and step, in pixels; windows overlap if size > stride.
      padding: border added at each side, which never wins a maximum.
    """
    border = (padding, padding)
    if rewrites_for_cpu():
        edges = ((0, 0), border, border, (0, 0))
        padded = jnp.pad(maps, edges, constant_values=-jnp.inf) if padding else maps
        return _line_maximum(_line_maximum(padded, size, stride, COLUMNS), size, stride, ROWS)
    return lax.reduce_window(
        maps,
        -jnp.inf,
        lax.max,
        window_dimensions=(1, size, size, 1),
        window_strides=(1, stride, stride, 1),
        padding=((0, 0), border, border, (0, 0)),
    )


@functools.partial(jax.custom_vjp, nondiff_argnums=(1, 2, 3))
def _line_maximum(maps: jax.Array, size: int, stride: int, axis: int) -> jax.Array:
    """Take the maximum of windows along one axis."""
    return functools.reduce(jnp.maximum, _taps(maps, size, stride, axis))


def _taps(maps: jax.Array, size: int, stride: int, axis: int) -> list[jax.Array]:
    """Give the first, second, ... element of every window along an axis."""
    reach = (maps.shape[axis] - size) // stride * stride + 1
    return [lax.slice_in_dim(maps, i, i + reach, stride, axis) for i in range(size)]


def _line_maximum_forward(
    maps: jax.Array, size: int, stride: int, axis: int
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    maximum = _line_maximum(maps, size, stride, axis)
    return maximum, (maps, maximum)


def _line_maximum_backward(
    size: int, stride: int, axis: int, saved: tuple[jax.Array, jax.Array], gradient: jax.Array
) -> tuple[jax.Array]:
    maps, maximum = saved
    undecided = jnp.ones(gradient.shape, bool)
    shares = []
    for tap in _taps(maps, size, stride, axis):
        wins = undecided & (tap == maximum)
        undecided = undecided & ~wins
        shares.append(jnp.where(wins, gradient, 0))
    return (_untap(shares, maps.shape[axis], stride, axis),)


_line_maximum.defvjp(_line_maximum_forward, _line_maximum_backward)


def _untap(shares: list[jax.Array], length: int, stride: int, axis: int) -> jax.Array:
    """Add up what each element receives from its windows: the transpose of `_taps`.

    Elements at the same place modulo the stride are summed together, then interleaved; that
    reads memory in order, which scattering does not.
    """
    windows = shares[0].shape[axis]
    count = -(-length // stride)
    phases = []
    for phase in range(stride):
        total = jnp.zeros((), shares[0].dtype)
        for tap in range(phase, len(shares), stride):
            shift = tap // stride
            edges = [(0, 0, 0)] * shares[0].ndim
            edges[axis] = (shift, count - windows - shift, 0)
            total = total + lax.pad(shares[tap], jnp.zeros((), shares[tap].dtype), edges)
        shape = [*shares[0].shape]
        shape[axis] = count
        phases.append(jnp.broadcast_to(total, shape))
    shape[axis] = count * stride
    joined = jnp.stack(phases, axis + 1).reshape(shape)
    return lax.slice_in_dim(joined, 0, length, axis=axis)


def adaptive_average_pool(maps: jax.Array, side: int) -> jax.Array:
    """Average NHWC maps over a grid of side x side cells that cover them.

    Cell i of a length n spans floor(i n / side) up to ceil((i + 1) n / side), as PyTorch
    defines it: cells overlap where n is no multiple of side, and repeat where n is smaller.
    """
    for axis in (ROWS, COLUMNS):
        length = maps.shape[axis]
        if length == side:
            continue
        cells = [(i * length // side, -(-(i + 1) * length // side)) for i in range(side)]
        means = [lax.slice_in_dim(maps, a, b, axis=axis).mean(axis) for a, b in cells]
        maps = jnp.stack(means, axis=axis)
    return maps


def global_average_pool(maps: jax.Array) -> jax.Array:
    """Average (batch, height, width, channel) over height and width."""
    return maps.mean((ROWS, COLUMNS))
