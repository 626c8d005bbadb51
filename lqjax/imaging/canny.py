"""Edges of 8-bit images as OpenCV finds them, in integers."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

LINK_STEPS = 64
"""px; how far a weak edge may run from the nearest strong one and still be kept."""

_TANGENT_22 = np.float32(13573)
"""tan(22.5 degrees) in steps of 2**-15. Source: OpenCV."""
_ONE = np.float32(1 << 15)
_WORD = 32  # rows that share a machine word while edges are linked


def canny(levels: jax.Array, low: int, high: int) -> jax.Array:
    """Find edges: 3x3 Sobel, |dx| + |dy|, thinning in four directions, hysteresis.

    A weak edge counts if it hangs together with a strong one, diagonals included, over at most
    `LINK_STEPS` weak pixels; OpenCV sets no limit. (Smooth random layers of 32 to 300 px need up
    to 12.)

    Args:
      levels: whole numbers 0..255, (batch, height, width).
      low: edges are weak above this gradient.
      high: edges are strong above this gradient.

    Returns:
      bool, (batch, height, width).

    Source: OpenCV Canny, aperture 3, L2gradient off; borders replicate.
    """
    size, is_peak = _thinned(levels.astype(jnp.int16))
    weak = _pack(is_peak & (size > low))
    strong = weak & _pack(size > high)

    def grow(_: int, reached: jax.Array) -> jax.Array:
        return _dilated(reached) & weak

    return _unpack(jax.lax.fori_loop(0, LINK_STEPS, grow, strong), levels.shape[1])


def _thinned(levels: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Compute the size of the gradient and whether it peaks across the edge."""
    around = jnp.pad(levels, ((0, 0), (1, 1), (1, 1)), mode="edge")
    down = around[:, 2:] - around[:, :-2]
    along = around[:, :-2] + 2 * around[:, 1:-1] + around[:, 2:]
    dx = along[..., 2:] - along[..., :-2]
    dy = down[..., :-2] + 2 * down[..., 1:-1] + down[..., 2:]
    size = jnp.abs(dx) + jnp.abs(dy)
    outside = jnp.pad(size, ((0, 0), (1, 1), (1, 1)))

    def beside(rows: int, columns: int) -> jax.Array:
        height, width = levels.shape[1:]
        return outside[:, 1 + rows : 1 + rows + height, 1 + columns : 1 + columns + width]

    horizontal = (size > beside(0, -1)) & (size >= beside(0, 1))
    vertical = (size > beside(-1, 0)) & (size >= beside(1, 0))
    falling = (size > beside(-1, -1)) & (size > beside(1, 1))
    rising = (size > beside(-1, 1)) & (size > beside(1, -1))
    # Whole numbers below 2**24: float32 compares them exactly.
    across, upright = jnp.abs(dx).astype(jnp.float32), jnp.abs(dy).astype(jnp.float32) * _ONE
    flat = across * _TANGENT_22
    steep = upright > flat + across * (2 * _ONE)
    diagonal = ((dx ^ dy) < 0) & rising | ((dx ^ dy) >= 0) & falling
    is_peak = jnp.where(upright < flat, horizontal, jnp.where(steep, vertical, diagonal))
    return size, is_peak


def _pack(mask: jax.Array) -> jax.Array:
    """Put 32 rows into the bits of one row of words: (batch, words, width)."""
    batch, height, width = mask.shape
    words = -(-height // _WORD)
    padded = jnp.pad(mask, ((0, 0), (0, words * _WORD - height), (0, 0)))
    rows = padded.reshape(batch, words, _WORD, width)

    def add_bit(bit: jax.Array, packed: jax.Array) -> jax.Array:
        row = jax.lax.dynamic_index_in_dim(rows, bit, axis=2, keepdims=False)
        return packed | (row.astype(jnp.uint32) << bit.astype(jnp.uint32))

    # A loop: compilers for CPUs would fuse a sum with what comes before it, and crawl.
    empty = jnp.zeros((batch, words, width), jnp.uint32)
    return jax.lax.fori_loop(0, _WORD, add_bit, empty)


def _unpack(words: jax.Array, height: int) -> jax.Array:
    shifts = np.arange(_WORD, dtype=np.uint32)[None, None, :, None]
    bits = (words[:, :, None] >> shifts) & np.uint32(1)
    return bits.astype(bool).reshape(words.shape[0], -1, words.shape[2])[:, :height]


def _dilated(words: jax.Array) -> jax.Array:
    """Add the eight neighbours of every pixel."""
    side = jnp.pad(words, ((0, 0), (0, 0), (1, 1)))
    wide = side[..., :-2] | words | side[..., 2:]
    ends = jnp.pad(wide, ((0, 0), (1, 1), (0, 0)))
    carried = (ends[:, :-2] >> (_WORD - 1)) | (ends[:, 2:] << (_WORD - 1))
    return wide | (wide << 1) | (wide >> 1) | carried
