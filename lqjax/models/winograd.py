"""Winograd's form of the 3x3 convolution without stride: more additions, fewer products.

A tile of results is a linear transform of products between a transformed tile of the maps and the
transformed kernel: 16 products for 2x2 results instead of 36, 25 for 3x3 instead of 81. Larger
tiles need fewer still, but lose digits: with 4x4 the error in float32 came to 1e-4, here it stays
below 4e-5 (2x2: that of the plain convolution).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

KERNEL_SIDE = 3
"""Side in pixels of the kernels that this file is for."""

LARGEST_PADDING = KERNEL_SIDE - 1
"""Most zeros at each side for which the gradient is a convolution of the same kind."""

ROWS, COLUMNS = 1, 2
"""Axes of NHWC maps."""

Table = tuple[tuple[float, ...], ...]
"""A small matrix by rows."""


@dataclass(frozen=True)
class Tiling:
    """The three transforms along one axis, for tiles with a given number of results.

    With `*` for products element by element: results (maps d * kernel g) is the convolution of
    the numbers d with the kernel g.

    Attributes:
      maps: (points, points); points is the number of results + 2, the length of d.
      kernel: (points, 3).
      results: (results, points).
    """

    maps: Table
    kernel: Table
    results: Table

    @property
    def side(self) -> int:
        """Results of a tile along one axis."""
        return len(self.results)

    @property
    def points(self) -> int:
        """Length of a tile of the maps, and products of a tile, along one axis."""
        return len(self.maps)


TWO = Tiling(
    maps=((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1)),
    kernel=((1, 0, 0), (1 / 2, 1 / 2, 1 / 2), (1 / 2, -1 / 2, 1 / 2), (0, 0, 1)),
    results=((1, 1, 1, 0), (0, 1, -1, -1)),
)
"""Tiles of two results. Source: Lavin and Gray 2015, https://arxiv.org/abs/1509.09308, eq. 7."""

THREE = Tiling(
    maps=((2, -1, -2, 1, 0), (0, -2, -1, 1, 0), (0, 2, -3, 1, 0), (0, -1, 0, 1, 0),
          (0, 2, -1, -2, 1)),
    kernel=((1 / 2, 0, 0), (-1 / 2, -1 / 2, -1 / 2), (-1 / 6, 1 / 6, -1 / 6),
            (1 / 6, 1 / 3, 2 / 3), (0, 0, 1)),
    results=((1, 1, 1, 1, 0), (0, 1, -1, 2, 0), (0, 1, 1, 4, 1)),
)  # fmt: skip
"""Tiles of three results: the Toom-Cook construction on the points 0, 1, -1, 2 and infinity."""

SAVING_OF_THREE = 0.8
"""Share of the products of `TWO` below which `THREE`, with its longer transforms, is faster."""

LARGEST_TRANSFORMS = 0.05
"""Most that `pays` lets the transforms weigh against the products (measured, see there)."""

LEAST_MULTIPLY_ADDS = 10**8
"""Size of a convolution whose gain, about a millisecond, is worth a second of compiling."""


def pays(shape: tuple[int, ...], outputs: int, padding: int) -> bool:
    """Tell whether this form is the faster one on a CPU for a 3x3 kernel without stride.

    Products are saved in proportion to inputs * outputs * tiles; the transforms cost as much as
    there are numbers in maps, results and kernel. The bound was chosen on one core for 64 to 512
    channels, maps of 1 to 56 px and batches of 1 to 64: from 0.13 on this form was slower.
    `benchmarks/layers.py` measures what it gives, docs/benchmarks.md has the figures.

    Args:
      shape: (batch, height, width, inputs) of the maps.
      outputs: channels of the results.
      padding: zeros added at each side.
    """
    batch, *lengths, inputs = shape
    sides = _result_sides(lengths, padding)
    if min(sides) < TWO.side or padding > LARGEST_PADDING:
        return False
    down, across = _counts(sides, _tiling(sides))
    transforms = 1 / inputs + 1 / outputs + 1 / (batch * down * across)
    multiply_adds = batch * sides[0] * sides[1] * inputs * outputs * KERNEL_SIDE**2
    return transforms <= LARGEST_TRANSFORMS and multiply_adds >= LEAST_MULTIPLY_ADDS


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def winograd_convolution(maps: jax.Array, kernel: jax.Array, padding: int) -> jax.Array:
    """Convolve maps with a 3x3 kernel without stride.

    The gradients are written in the same form; those that are derived automatically add up
    padded copies.

    Args:
      maps: float32, (batch, height, width, inputs).
      kernel: (3, 3, inputs, outputs).
      padding: zeros added at each side, 0 to `LARGEST_PADDING`.

    Returns:
      (batch, height', width', outputs), the same as the plain convolution to 1e-4 of the
      largest result.

    Source: Lavin and Gray 2015, https://arxiv.org/abs/1509.09308.
    """
    return _convolution(maps, kernel, padding, "pnc,pco->pno")


def _forward(
    maps: jax.Array, kernel: jax.Array, padding: int
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return winograd_convolution(maps, kernel, padding), (maps, kernel)


def _backward(
    padding: int, saved: tuple[jax.Array, jax.Array], gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
    maps, kernel = saved
    turned = jnp.flip(kernel, (0, 1))
    for_maps = _convolution(gradient, turned, LARGEST_PADDING - padding, "pnc,poc->pno")
    return for_maps, _gradient_for_kernel(maps, gradient, padding)


winograd_convolution.defvjp(_forward, _backward)


def _convolution(maps: jax.Array, kernel: jax.Array, padding: int, product: str) -> jax.Array:
    """Convolve; `product` says which axis of the kernel belongs to the channels of the maps."""
    sides = _result_sides(maps.shape[1:3], padding)
    tiling = _tiling(sides)
    counts = _counts(sides, tiling)
    factors = _transform_kernel(tiling.kernel, kernel)
    tiles = _transform_maps(maps, padding, tiling, counts)
    products = [jnp.einsum(product, *pair) for pair in zip(tiles, factors, strict=True)]
    batch, outputs = maps.shape[0], products[0].shape[2]
    lines = [line.reshape(tiling.points, batch, *counts, outputs) for line in products]
    rows = [_combine(weights, lines) for weights in tiling.results]
    results = [
        jnp.stack([_combine(weights, row) for weights in tiling.results], axis=3) for row in rows
    ]
    whole = (batch, *(count * tiling.side for count in counts), outputs)
    return jnp.stack(results, axis=2).reshape(whole)[:, : sides[0], : sides[1]]


def _gradient_for_kernel(maps: jax.Array, gradient: jax.Array, padding: int) -> jax.Array:
    """Compute the gradient for the kernel by the transposes of the three transforms."""
    sides = gradient.shape[1:3]
    tiling = _tiling(sides)
    counts = _counts(sides, tiling)
    tiles = _transform_maps(maps, padding, tiling, counts)
    shares = _transform_gradient(gradient, tiling, counts)
    products = [jnp.einsum("pnc,pno->pco", *pair) for pair in zip(tiles, shares, strict=True)]
    return jnp.stack(_transform_kernel(_transposed(tiling.kernel), products))


def _transform_maps(
    maps: jax.Array, padding: int, tiling: Tiling, counts: Sequence[int]
) -> list[jax.Array]:
    """Cut maps into overlapping tiles and transform them.

    Returns:
      For each row of points: (points, batch * tiles, inputs).
    """
    lengths = [count * tiling.side + LARGEST_PADDING for count in counts]
    ends = [
        (padding, length - side - padding)
        for length, side in zip(lengths, maps.shape[1:3], strict=True)
    ]
    padded = jnp.pad(maps, ((0, 0), *ends, (0, 0)))
    return _transform_tiles(tiling.maps, padded, tiling.side, counts)


def _transform_gradient(
    gradient: jax.Array, tiling: Tiling, counts: Sequence[int]
) -> list[jax.Array]:
    """Spread the gradient over the points of each tile; results as `_transform_maps`."""
    ends = [
        (0, count * tiling.side - side)
        for count, side in zip(counts, gradient.shape[1:3], strict=True)
    ]
    padded = jnp.pad(gradient, ((0, 0), *ends, (0, 0)))
    return _transform_tiles(_transposed(tiling.results), padded, tiling.side, counts)


def _transform_tiles(
    table: Table, padded: jax.Array, step: int, counts: Sequence[int]
) -> list[jax.Array]:
    """Transform the tile that begins at every `step` pixels along both axes."""
    rows = _pixels_of_tiles(padded, len(table[0]), step, counts[0], ROWS)
    lines = []
    for weights in table:
        row = _combine(weights, rows)
        columns = _pixels_of_tiles(row, len(table[0]), step, counts[1], COLUMNS)
        line = [_combine(weights, columns) for weights in table]
        lines.append(jnp.stack([tiles.reshape(-1, padded.shape[3]) for tiles in line]))
    return lines


def _pixels_of_tiles(
    padded: jax.Array, length: int, step: int, count: int, axis: int
) -> list[jax.Array]:
    """Give the first, second, ... pixel of every tile along an axis."""
    reach = (count - 1) * step + 1
    return [lax.slice_in_dim(padded, i, i + reach, step, axis) for i in range(length)]


def _transform_kernel(table: Table, kernel: Sequence[jax.Array] | jax.Array) -> list[jax.Array]:
    """Transform a grid of matrices along both axes; for each new row (new columns, ...)."""
    lines = [_combine(weights, kernel) for weights in table]
    return [jnp.stack([_combine(weights, line) for weights in table]) for line in lines]


def _combine(weights: Sequence[float], arrays: Sequence[jax.Array] | jax.Array) -> jax.Array:
    """Add up arrays times weights, leaving out the zeros."""
    terms = [
        arrays[i] if weight == 1 else weight * arrays[i]
        for i, weight in enumerate(weights)
        if weight
    ]
    return sum(terms[1:], terms[0])


def _transposed(table: Table) -> Table:
    return tuple(zip(*table, strict=True))


def _result_sides(lengths: Sequence[int], padding: int) -> list[int]:
    return [length + 2 * padding - LARGEST_PADDING for length in lengths]


def _counts(sides: Sequence[int], tiling: Tiling) -> list[int]:
    """Count the tiles down and across that cover the results."""
    return [-(-side // tiling.side) for side in sides]


def _tiling(sides: Sequence[int]) -> Tiling:
    """Choose the tiles with few products, those of unused results counted."""
    two, three = (math.prod(_counts(sides, tiling)) * tiling.points**2 for tiling in (TWO, THREE))
    return THREE if three < SAVING_OF_THREE * two else TWO
