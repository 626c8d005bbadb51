"""Blur as through frosted glass: pixels are swapped about between two Gaussian blurs."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.draws import random_bits
from lqjax.imaging.kernels import gaussian_matrix, separable_product
from lqjax.imaging.levels import MAX_LEVEL, from_levels
from lqjax.imaging.operations import Parameter, operation
from lqjax.imaging.pairs import as_rounded
from lqjax.imaging.pointer_jumping import follow, jumps_needed
from lqjax.typing import Images, Keys, Scalar

MAX_SIGMA = 8.0
"""px; five times the largest published one."""

MAX_DELTA = 8
"""px; the largest published one is 5."""

MAX_ITERATIONS = 4
"""Passes; the most that are published. Every pass costs random numbers, used or not."""

_TRUNCATE = 4.0  # sigmas, where scikit-image ends the kernel
_MAX_RADIUS = int(_TRUNCATE * MAX_SIGMA + 0.5)
_LEAST_SIGMA = 1e-6  # px; stands in for 0
_WEIGHT_STEPS = 1 << 24  # the resolution of float32 just below 1
_TAPS_AT_ONCE = 4  # taps on either side that one sweep adds; measured on a CPU
_NOISE = 1e-3  # levels; nearer than this to a level, a value is that level in exact arithmetic
_LEVEL_BITS = 8
_HALF_WORD = 16  # bits of one pass in a random word


def _words(key: Keys, shape: tuple[int, ...]) -> jax.Array:
    """Draw one 16-bit number a pass and pixel, two passes in a word."""
    return random_bits(key, (MAX_ITERATIONS // 2, *shape[:2]))


@operation(
    "glass_blur",
    "degradation",
    Parameter(
        "sigma",
        "px",
        0,
        MAX_SIGMA,
        meaning="standard deviation of both blurs",
        examples=(0.7, 1.0, 1.5),
    ),
    Parameter(
        "delta",
        "px",
        1,
        MAX_DELTA,
        integer=True,
        meaning="farthest a pixel is fetched from, per axis",
        examples=(1, 2, 4),
    ),
    Parameter(
        "iterations",
        "1",
        1,
        MAX_ITERATIONS,
        integer=True,
        meaning="passes over the image",
        examples=(2, 3, 2),
    ),
    draw=_words,
    source="Hendrycks and Dietterich 2019, ImageNet-C, glass_blur",
)
def glass_blur(
    images: Images, draws: jax.Array, *, sigma: Scalar, delta: Scalar, iterations: Scalar
) -> Images:
    """Blur, cut to 8 bits, let each pixel take the value of a near one, pass by pass, blur again.

    A pass visits rows H - delta down to delta + 1, columns likewise, one pixel after the other. A
    pixel takes the value that its neighbour at (dy, dx) has at that moment, dx and dy uniform in
    -delta..delta - 1, and the neighbour keeps its own: so does the published code, which means to
    swap them. Both blurs replicate the border.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: uint32, (batch, MAX_ITERATIONS // 2, height, width): passes 2 k and 2 k + 1 take the
        low and the high half of word k. The half word as a fraction of 2**16, times 2 delta, has
        dy + delta before the point; what follows it, times 2 delta again, dx + delta. Each of the
        (2 delta)**2 moves has its probability to 2**-16.
      sigma: px; the kernels end int(4 sigma + 0.5) px from their centre.
      delta: px.
      iterations: number of passes, at most MAX_ITERATIONS.
    """
    shuffled = shuffle(blurred_levels(images, sigma), draws, delta, iterations)
    rows, columns = (
        gaussian_matrix(sigma, size, truncate=_TRUNCATE, border="replicate", max_radius=_MAX_RADIUS)
        for size in images.shape[1:3]
    )
    return jnp.clip(separable_product(rows, columns, from_levels(shuffled)), 0, 1)


def blurred_levels(images: Images, sigma: Scalar) -> jax.Array:
    """Blur images and cut them down to 8-bit levels, int32.

    Each pixel is its own level and a weighted sum of differences, whose whole part is taken before
    the two are added. So nothing of a small difference is lost, flat areas stay as they are, and
    the result is the same bits however it is compiled.
    """
    weights, radius = _gaussian(sigma)
    values = images * np.float32(MAX_LEVEL)
    own = jnp.round(values)
    rest = jnp.where(jnp.abs(values - own) < _NOISE, 0, values - own)
    for axis in (1, 2):
        rest = _rest_after_blur(own, rest, weights, radius, axis)
    return jnp.clip(own + jnp.floor(rest), 0, MAX_LEVEL).astype(jnp.int32)


def shuffle(levels: jax.Array, draws: jax.Array, delta: Scalar, iterations: Scalar) -> jax.Array:
    """Make all passes over a batch of 8-bit levels, int32; see `glass_blur`."""
    delta, iterations = jnp.asarray(delta, jnp.int32), jnp.asarray(iterations, jnp.int32)
    # The channels move together: one word a pixel.
    shifts = [_LEVEL_BITS * channel for channel in range(levels.shape[3])]
    packed = sum(levels[..., channel] << shift for channel, shift in enumerate(shifts))
    moved = jax.vmap(lambda one, words: _move(one, words, delta, iterations))(packed, draws)
    return jnp.stack([(moved >> shift) & MAX_LEVEL for shift in shifts], axis=-1)


def _gaussian(sigma: Scalar) -> tuple[jax.Array, jax.Array]:
    """Sample one half of a normalised Gaussian, centre first, and give its radius."""
    offsets = np.arange(_MAX_RADIUS + 1, dtype=np.float32)
    sigma = jnp.asarray(sigma, jnp.float32)
    radius = jnp.floor(_TRUNCATE * sigma + 0.5)
    values = jnp.exp(-0.5 * jnp.square(offsets / jnp.maximum(sigma, _LEAST_SIGMA)))
    # Summed as integers, which is the same in any order: a last bit could move a pixel by a level.
    steps = jnp.where(offsets <= radius, jnp.round(values * _WEIGHT_STEPS), 0).astype(jnp.int32)
    total = 2 * jnp.sum(steps) - steps[0]
    return steps.astype(jnp.float32) / total.astype(jnp.float32), radius.astype(jnp.int32)


def _rest_after_blur(
    own: jax.Array, rest: jax.Array, weights: jax.Array, radius: jax.Array, axis: int
) -> jax.Array:
    """Correlate own + rest along one axis and subtract own."""
    batch, height, width, channels = own.shape
    margin = [(0, 0)] * own.ndim
    margin[axis] = (_MAX_RADIUS, _MAX_RADIUS)
    # Rows with the channels inside make long vectors.
    rows = (batch, height + sum(margin[1]), -1)
    padded = [jnp.pad(part, margin, mode="edge").reshape(rows) for part in (own, rest)]
    step = 1 if axis == 1 else channels
    own, rest = (part.reshape(batch, height, -1) for part in (own, rest))

    def on_both_sides(part: jax.Array, distance: jax.Array) -> jax.Array:
        before, after = (
            jax.lax.dynamic_slice_in_dim(part, start * step, own.shape[axis], axis)
            for start in (_MAX_RADIUS - distance, _MAX_RADIUS + distance)
        )
        return before + after

    def add_taps(sweep: jax.Array, total: jax.Array) -> jax.Array:
        for tap in range(1, _TAPS_AT_ONCE + 1):
            distance = sweep * _TAPS_AT_ONCE + tap
            own_pair, rest_pair = (on_both_sides(part, distance) for part in padded)
            total += as_rounded(weights[distance] * ((own_pair - 2 * own) + rest_pair))
        return total

    sweeps = (radius + _TAPS_AT_ONCE - 1) // _TAPS_AT_ONCE
    total = jax.lax.fori_loop(0, sweeps, add_taps, as_rounded(weights[0] * rest))
    return total.reshape(batch, height, width, channels)


def _move(
    values: jax.Array, words: jax.Array, delta: jax.Array, iterations: jax.Array
) -> jax.Array:
    """Make all passes over one image of whole pixels, (height, width)."""
    height, width = values.shape
    jumps = jumps_needed(_longest_chain(height, width, delta))

    def make_pass(number: jax.Array, old: jax.Array) -> jax.Array:
        word = words[number // 2] >> (_HALF_WORD * (number % 2)).astype(jnp.uint32)
        sources = follow(_pointers(word & ((1 << _HALF_WORD) - 1), delta), jumps)
        return jnp.take(old, sources, mode="clip")

    return jax.lax.fori_loop(0, iterations, make_pass, values.reshape(-1)).reshape(height, width)


def _longest_chain(height: int, width: int, delta: jax.Array) -> jax.Array:
    """Bound the number of visited pixels that can take their values from one another in a chain.

    A step of the chain goes down, and then at most delta to the left, or to the right within the
    row. So there are at most as many steps down as rows, and at most as many steps to the right
    as columns and those gone back to the left. With delta 1 there is no step down or right.
    """
    down = jnp.maximum(height - 2 * delta - 1, 0)
    right = jnp.maximum(width - 2 * delta - 1, 0) + delta * down
    return jnp.where(delta > 1, down + right, 0)


def _pointers(fractions: jax.Array, delta: jax.Array) -> jax.Array:
    """Point each pixel to where its value comes from, in the form of `pointer_jumping.follow`."""
    height, width = fractions.shape
    row = jax.lax.broadcasted_iota(jnp.int32, (height, width), 0)
    column = jax.lax.broadcasted_iota(jnp.int32, (height, width), 1)
    moves = jnp.asarray(2 * delta, jnp.uint32)
    scaled = fractions * moves
    left = scaled & ((1 << _HALF_WORD) - 1)
    from_row = row + (scaled >> _HALF_WORD).astype(jnp.int32) - delta
    from_column = column + (left * moves >> _HALF_WORD).astype(jnp.int32) - delta

    def visited(row: jax.Array, column: jax.Array) -> jax.Array:
        rows = (row > delta) & (row <= height - delta)
        return rows & (column > delta) & (column <= width - delta)

    here, there = row * width + column, from_row * width + from_column
    takes = visited(row, column)
    # The scan starts at the bottom right: what lies behind in memory has its new value already.
    renewed = takes & visited(from_row, from_column) & (there > here)
    return jnp.where(renewed, there, ~jnp.where(takes, there, here)).reshape(-1)
