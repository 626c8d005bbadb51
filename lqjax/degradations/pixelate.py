"""Pixelation: box averages, shown as blocks."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.levels import from_levels, to_levels
from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Scalar

LEAST_SCALE = 0.01
"""Far below the published severities, the strongest of which is 0.1."""

_POINT = 22
"""Bits after the point in Pillow's weights (32 less 8 for the level and 2 to spare)."""

_STEPS = 1000
"""Scales of up to three decimals lie on these steps; there `int(size * scale)` is tabulated."""

_ON_STEP = 1e-3
"""Steps; float32 puts a scale of three decimals within 1e-4 of its step."""

_REACH = 3
"""px; cells no further than this from where they show are summed by shifts, others by products
with a 0/1 matrix."""


class Cells(NamedTuple):
    """For each pixel of a line, the cell that it shows: pixels `first` to `end - 1`.

    `weight` is the reciprocal of the cell's width with `_POINT` bits after the point. All are
    int32, (size,).
    """

    first: jax.Array
    end: jax.Array
    weight: jax.Array


@operation(
    "pixelate",
    "degradation",
    Parameter(
        "scale", "1", LEAST_SCALE, 1, identity=1, meaning="size in between, as a share of the image"
    ),
    exact=True,
    source="Pillow, Image.resize with the BOX filter, down and up again",
)
def pixelate(images: Images, draws: None, *, scale: Scalar) -> Images:
    """Shrink by box averages and enlarge again; equal to Pillow bit for bit on 8-bit images.

    The size in between is `int(size * scale)` per axis, at least 1 px. As in Pillow, the average
    along rows is rounded to 8 bits before the one along columns (for some images that are taller
    than wide, Pillow 13 turned the order round). Values are first rounded to the nearest of 256
    levels, which changes nothing in 8-bit images.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: unused.
      scale: share of each side that is left, up to 1.
    """
    scale = jnp.asarray(scale, jnp.float32)
    rows, columns = (_cells(size, _small_size(size, scale)) for size in images.shape[1:3])
    # 8-bit images go in and out of the branches, which keeps little memory busy.
    levels = jax.lax.cond(
        jnp.maximum(_reach(rows), _reach(columns)) <= _REACH,
        _by_shifts,
        _by_products,
        to_levels(images).astype(jnp.uint8),
        rows,
        columns,
    )
    return jnp.where(scale < 1, from_levels(levels), images)


def _small_size(size: int, scale: jax.Array) -> jax.Array:
    """Cut `size * scale` down to an integer as float64 does, where the scale has few decimals."""
    step = jnp.round(scale * _STEPS)
    tabulated = (size * (np.arange(_STEPS + 1) / _STEPS)).astype(np.int32)
    on_step = jnp.asarray(tabulated)[jnp.clip(step, 0, _STEPS).astype(jnp.int32)]
    between = jnp.floor(size * scale).astype(jnp.int32)
    small = jnp.where(jnp.abs(scale * _STEPS - step) < _ON_STEP, on_step, between)
    return jnp.clip(small, 1, size)


def _cells(size: int, small: jax.Array) -> Cells:
    first, end = (jnp.asarray(table)[small - 1].astype(jnp.int32) for table in _bounds(size))
    widths = np.arange(1, size + 1)
    weights = np.floor(2.0**_POINT / widths + 0.5).astype(np.int32)
    return Cells(first, end, jnp.asarray(weights)[end - first - 1])


@cache
def _bounds(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Tabulate the cell of each pixel for every size in between.

    Pixels half way between two cells fall as Pillow's float64 arithmetic has it, so it is
    repeated here step by step.

    Returns:
      First pixel and one after the last, int16, (size, size): size in between less 1, pixel.

    Source: Pillow, libImaging/Resample.c (precompute_coeffs, box_filter).
    """
    small = np.arange(1.0, size + 1)[:, None]
    cell, _ = _box(np.arange(size)[None], small / size, small)
    first, end = _box(cell, size / small, np.array(float(size)))
    return first.astype(np.int16), end.astype(np.int16)


def _box(target: np.ndarray, step: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the range of source pixels under the box of a target pixel, `step` of them wide."""
    width = np.maximum(step, 1.0)
    centre, support = (target + 0.5) * step, 0.5 * width
    first = np.maximum(np.trunc(centre - support + 0.5), 0)
    end = np.minimum(np.trunc(centre + support + 0.5), size)

    def inside(pixel: np.ndarray) -> np.ndarray:
        place = (pixel - centre + 0.5) * (1.0 / width)
        return (place > -0.5) & (place <= 0.5)

    return np.where(inside(first), first, first + 1), np.where(inside(end - 1), end, end - 1)


def _reach(cells: Cells) -> jax.Array:
    """Find the furthest pixel of a cell from one that shows it, px.

    Not the width less 1: a pixel half way between two cells may belong to neither.
    """
    place = np.arange(cells.first.shape[0], dtype=np.int32)
    return jnp.max(jnp.maximum(place - cells.first, cells.end - 1 - place))


def _average(sums: jax.Array, weights: jax.Array) -> jax.Array:
    rounded = (sums.astype(jnp.int32) * weights + (1 << _POINT - 1)) >> _POINT
    return rounded.astype(jnp.uint8)


def _by_shifts(levels: jax.Array, rows: Cells, columns: Cells) -> jax.Array:
    """Add shifted pixels, each where it lies in the same cell; 16 bits hold the sums."""
    batch, height, width, channels = levels.shape
    # Channels within the rows: every shift is then a contiguous piece of memory.
    flat = levels.reshape(batch, height, width * channels)
    columns = jax.tree.map(lambda line: jnp.repeat(line, channels), columns)
    place = np.repeat(np.arange(width, dtype=np.int32), channels)
    sums = _shifted_sums(flat, 2, channels, place, columns)
    flat = _average(sums, columns.weight[None, None])
    sums = _shifted_sums(flat, 1, 1, np.arange(height, dtype=np.int32), rows)
    return _average(sums, rows.weight[None, :, None]).reshape(levels.shape)


def _shifted_sums(
    flat: jax.Array, axis: int, channels: int, place: np.ndarray, cells: Cells
) -> jax.Array:
    """Sum each cell along an axis, int16; `place` and `cells` say which pixel stands where."""
    length = flat.shape[axis]
    margin = [(0, 0)] * 3
    margin[axis] = (_REACH * channels, _REACH * channels)
    padded = jnp.pad(flat, margin)
    total = jnp.zeros(flat.shape, jnp.int16)
    for shift in range(-_REACH, _REACH + 1):
        same = (cells.first <= place + shift) & (place + shift < cells.end)
        # A mask of ones: the compiler vectorises it better than a selection.
        mask = jnp.where(same, -1, 0).astype(jnp.int16)
        start = (_REACH + shift) * channels
        piece = jax.lax.slice_in_dim(padded, start, start + length, axis=axis)
        total += piece.astype(jnp.int16) & jnp.expand_dims(mask, (0, 3 - axis))
    return total


def _by_products(levels: jax.Array, rows: Cells, columns: Cells) -> jax.Array:
    """Sum cells of any width by matrix products; float32 holds these integers exactly."""
    highest = jax.lax.Precision.HIGHEST
    floats = levels.astype(jnp.float32)
    sums = jnp.einsum("bhwc,xw->bhcx", floats, _membership(columns), precision=highest)
    floats = _average(sums, columns.weight[None, None, None]).astype(jnp.float32)
    sums = jnp.einsum("yh,bhcx->bycx", _membership(rows), floats, precision=highest)
    return _average(sums, rows.weight[None, :, None, None]).transpose(0, 1, 3, 2)


def _membership(cells: Cells) -> jax.Array:
    """Write the cells as a 0/1 matrix: pixel shown, pixel summed."""
    pixel = np.arange(cells.first.shape[0], dtype=np.int32)[None]
    inside = (cells.first[:, None] <= pixel) & (pixel < cells.end[:, None])
    return inside.astype(jnp.float32)
