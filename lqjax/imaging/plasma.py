"""Plasma heightmaps by the diamond-square algorithm, on a torus, without loops over points."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.typing import Scalar


def plasma(uniforms: jax.Array, decay: Scalar) -> jax.Array:
    """Build a heightmap and stretch it to [0, 1].

    From one corner at height 0, each level puts a point into the middle of every square, then
    into the middle of every edge, and halves the squares. A new point is the mean of its four
    neighbours (the map wraps around) plus a uniform draw; the range of the draws falls by
    decay**2 a level.

    Args:
      uniforms: float32 in [-1, 1], (side * side - 1,), side a power of two. In the order of the
        levels, coarse to fine; in each, the middles of the squares, then of the horizontal edges,
        then of the vertical ones, row by row.
      decay: at least 1; larger is smoother.

    Returns:
      float32, (side, side), with a least value of 0 and a greatest of 1.

    Source: hendrycks/robustness, plasma_fractal, whose first range of 100**2 falls out in the
      stretching.
    """
    heights = jnp.zeros((1, 1), jnp.float32)
    reach = jnp.ones((), jnp.float32)
    shrinkage = (1 / jnp.square(jnp.asarray(decay, jnp.float32))).astype(jnp.float32)
    used = 0
    while used < uniforms.shape[0]:
        count = heights.shape[0]
        drawn = uniforms[used : used + 3 * count * count].reshape(3, count, count)
        # Fused, the levels take a compiler several times as long, and run no faster.
        heights = jax.lax.optimization_barrier(_refined(heights, reach * drawn))
        used, reach = used + drawn.size, reach * shrinkage
    low = jnp.min(heights)
    spread = jnp.max(heights) - low
    # A map of one point is flat.
    return (heights - low) / jnp.where(spread > 0, spread, 1)


def _refined(corners: jax.Array, moves: jax.Array) -> jax.Array:
    """Double the resolution of a map; `moves` goes onto the means of neighbours."""
    quarter = np.float32(0.25)
    pairs = corners + _next(corners, 0)
    squares = (pairs + _next(pairs, 1)) * quarter + moves[0]
    across = squares + _previous(squares, 0) + corners + _next(corners, 1)
    down = squares + _previous(squares, 1) + corners + _next(corners, 0)
    even = _interleaved(corners, across * quarter + moves[1], axis=1)
    odd = _interleaved(down * quarter + moves[2], squares, axis=1)
    return _interleaved(even, odd, axis=0)


def _next(values: jax.Array, axis: int) -> jax.Array:
    return jnp.roll(values, -1, axis)


def _previous(values: jax.Array, axis: int) -> jax.Array:
    return jnp.roll(values, 1, axis)


def _interleaved(first: jax.Array, second: jax.Array, axis: int) -> jax.Array:
    shape = list(first.shape)
    shape[axis] *= 2
    return jnp.stack([first, second], axis + 1).reshape(shape)
