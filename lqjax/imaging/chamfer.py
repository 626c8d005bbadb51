"""Distance to the nearest marked pixel, as OpenCV approximates it."""

from __future__ import annotations

import jax
import jax.numpy as jnp

UNIT = 10_000
"""Distances come in whole steps of 1 / UNIT px."""

_STRAIGHT, _DIAGONAL, _KNIGHT = UNIT, 14_000, 21_969
"""Steps to the side, to the corner, of a knight; 1, 1.4 and 2.1969 px. Source: OpenCV."""


def chamfer_distance(marked: jax.Array, limit: int) -> jax.Array:
    """Measure the shortest walk to a marked pixel in straight, diagonal and knight's steps.

    Args:
      marked: bool, (batch, height, width).
      limit: px, at most 127; longer distances, and those where nothing is marked, come back as
        this.

    Returns:
      int32, (batch, height, width), in steps of 1 / `UNIT` px.

    Source: OpenCV distanceTransform, DIST_L2, mask 5, as its usual builds compute it (the
      plain C++ code rounds the steps to 16 bits).
    """
    across = _distance_along_rows(marked, limit)
    height = marked.shape[1]
    reach = min(limit, height) - 1
    padded = jnp.pad(across, ((0, 0), (reach, reach), (0, 0)), constant_values=limit)

    def look_further(rows: jax.Array, nearest: jax.Array) -> jax.Array:
        above = jax.lax.dynamic_slice_in_dim(padded, reach - rows, height, axis=1)
        below = jax.lax.dynamic_slice_in_dim(padded, reach + rows, height, axis=1)
        columns = jnp.minimum(above, below).astype(jnp.int32)
        return jnp.minimum(nearest, _walk(columns, jnp.int32(rows)))

    nearest = jnp.minimum(across.astype(jnp.int32), limit) * _STRAIGHT
    return jax.lax.fori_loop(1, reach + 1, look_further, nearest)


def _distance_along_rows(marked: jax.Array, limit: int) -> jax.Array:
    """Count the columns to the nearest marked pixel of the same row, uint8, at most `limit`."""
    width = marked.shape[2]
    doublings = (min(limit, width) - 1).bit_length()
    margin = 1 << max(doublings - 1, 0)

    def look_further(doubling: jax.Array, distance: jax.Array) -> jax.Array:
        step = 1 << doubling
        padded = jnp.pad(distance, ((0, 0), (0, 0), (margin, margin)), constant_values=limit)
        left = jax.lax.dynamic_slice_in_dim(padded, margin - step, width, axis=2)
        right = jax.lax.dynamic_slice_in_dim(padded, margin + step, width, axis=2)
        return jnp.minimum(distance, jnp.minimum(left, right) + step.astype(jnp.uint8))

    alone = jnp.where(marked, 0, limit).astype(jnp.uint8)
    return jax.lax.fori_loop(0, doublings, look_further, alone)


def _walk(columns: jax.Array, rows: int) -> jax.Array:
    """Length of the shortest walk: the largest of four planes, one for each pair of steps."""
    skew, slant = _KNIGHT - 2 * _STRAIGHT, 2 * _DIAGONAL - _KNIGHT
    long = _KNIGHT - _DIAGONAL
    planes = ((_STRAIGHT, skew), (long, slant), (slant, long), (skew, _STRAIGHT))
    lengths = [columns * per_column + rows * per_row for per_column, per_row in planes]
    return jnp.maximum(jnp.maximum(*lengths[:2]), jnp.maximum(*lengths[2:]))
