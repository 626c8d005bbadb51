"""A perceptual hash: pictures that look alike differ in few of its 64 bits."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.auditing.samples import TILE

BITS = 64
SCALE = 64
"""Of the cosines, which are rounded to whole numbers: then equal pictures have equal hashes
whatever the batch or the device, and a flat one has no frequencies at all."""


def _transform() -> np.ndarray:
    """Write the DCT of a line as a matrix of whole numbers, (frequency, pixel)."""
    frequency, pixel = np.mgrid[:TILE, :TILE]
    cosines = np.cos(np.pi * frequency * (2 * pixel + 1) / (2 * TILE))
    return np.rint(SCALE * cosines).astype(np.int32)


def _lowest() -> tuple[np.ndarray, ...]:
    """Choose the lowest frequencies but the mean, by distance from it."""
    down, right = np.mgrid[:TILE, :TILE]
    order = np.lexsort((right.reshape(-1), down.reshape(-1), (down**2 + right**2).reshape(-1)))
    return np.unravel_index(order[1 : BITS + 1], (TILE, TILE))


_TRANSFORM, _LOWEST = _transform(), _lowest()


def hash_bits(tiles: jax.Array) -> jax.Array:
    """Compare the low frequencies of pictures with their median.

    Args:
      tiles: luma, uint8, (batch, TILE, TILE).

    Returns:
      bool, (batch, BITS).

    Source: Zauner, "Implementation and benchmarking of perceptual image hash functions" (2010),
    with the 64 lowest frequencies in place of a square of them, and without the mean.
    """
    used = max(int(axis.max()) for axis in _LOWEST) + 1
    matrix = _TRANSFORM[:used]
    highest = jax.lax.Precision.HIGHEST
    levels = tiles.astype(jnp.int32)
    rows = jnp.einsum("fy,byx->bfx", matrix, levels, precision=highest)
    spectrum = jnp.einsum("bfx,gx->bfg", rows, matrix, precision=highest)
    low = spectrum[:, _LOWEST[0], _LOWEST[1]]
    median = jnp.sort(low, axis=1)[:, BITS // 2 - 1]
    return low > median[:, None]


def packed(bits: np.ndarray) -> np.ndarray:
    """Put 64 bits into a number, the lowest frequency into its highest bit: uint64, (batch,)."""
    return np.packbits(bits, axis=1).view(">u8")[:, 0].astype(np.uint64)
