"""Elastic transform: a random affine map, then a smooth random displacement of every pixel."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging import pairs
from lqjax.imaging.draws import unit_uniform
from lqjax.imaging.kernels import gaussian_matrix
from lqjax.imaging.operations import Parameter, operation
from lqjax.imaging.pairs import Pair
from lqjax.imaging.sampling import Places, neighbours, sample_by_rows
from lqjax.typing import Images, Keys, Scalar

MAX_ALPHA = 1000.0
"""px; the largest published one is 720, at 299 px."""

MAX_SIGMA = 256.0
"""px; the largest published one is 252, at 299 px."""

MAX_JITTER = 100.0
"""px; the largest published one is 72, at 299 px."""

MINIMUM_SIZE = 3
"""px; the square that is moved has sides of two thirds of the image, rounded down."""

_TRUNCATE = 3.0  # sigmas, where the published code ends the kernel
_MAX_RADIUS = int(_TRUNCATE * MAX_SIGMA + 0.5)
_POINTS = 3
_FINE_STEPS = 1024  # a px; OpenCV 3.4 rounds each half of an affine coordinate to these ...
_STEPS = 32  # a px; ... and their sum to these, INTER_TAB_SIZE
_FINE_TO_STEPS = 5  # bits
_STEPS_TO_PIXELS = 5  # bits
_HALF_STEP = 16  # fine steps
_FAR = 2.0**28  # fine steps; beyond, a nearly singular map would overflow int32
_FARTHEST = 1 << 15  # px; OpenCV keeps pixels in 16 bits


def _draw(key: Keys, shape: tuple[int, ...]) -> dict[str, jax.Array]:
    points, field = jax.random.split(key)
    return {
        "points": 2 * unit_uniform(points, (_POINTS, 2)) - 1,
        "field": 2 * unit_uniform(field, (2, *shape[:2])) - 1,
    }


@operation(
    "elastic_transform",
    "degradation",
    Parameter(
        "alpha",
        "px",
        0,
        MAX_ALPHA,
        meaning="factor of the smoothed displacements",
        examples=(0.0, 3.2, 24.4),
    ),
    Parameter(
        "sigma",
        "px",
        0,
        MAX_SIGMA,
        meaning="standard deviation of the Gaussian that smooths the displacements",
        examples=(0.0, 6.4, 4.0),
    ),
    Parameter(
        "jitter",
        "px",
        0,
        MAX_JITTER,
        meaning="farthest that a corner of the affine map moves, per axis",
        examples=(2.56, 1.6, 0.96),
    ),
    Parameter(
        "exact_coordinates",
        "1",
        0,
        1,
        default=0,
        integer=True,
        meaning="0 rounds the affine map to 1/32 px, as OpenCV 3.4 to 4.13; 1 does not, as 5.0",
    ),
    draw=_draw,
    minimum_size=MINIMUM_SIZE,
    source="Hendrycks and Dietterich 2019, ImageNet-C, elastic_transform, with OpenCV 3.4",
)
def elastic_transform(
    images: Images,
    draws: dict[str, jax.Array],
    *,
    alpha: Scalar,
    sigma: Scalar,
    jitter: Scalar,
    exact_coordinates: Scalar,
) -> Images:
    """Move three corners of a square and the image with them, then every pixel a little.

    Both steps are bilinear. The first reflects the border without the end pixel, the second with.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: uniform in [-1, 1): "points" (batch, 3, 2), the moves of the three corners (x, y) in
        units of `jitter`; "field" (batch, 2, height, width), displacements along x and y before
        they are smoothed.
      alpha: px; what the smoothed field is multiplied by.
      sigma: px; the kernel ends int(3 sigma + 0.5) px from its centre, border reflected.
      jitter: px.
      exact_coordinates: 1 for exact coordinates in the affine map, 0 for multiples of 1/32 px.
    """
    height, width = images.shape[1:3]
    size = (height, width)
    terms = affine_terms(*inverse_affine(draws["points"], size, jitter), size)
    moves = displacements(draws["field"], sigma, alpha)

    def affine(start: jax.Array, count: int) -> Places:
        across, (high, low) = terms
        down = _rows(high, start, count), _rows(low, start, count)
        return affine_places((across, down), start, size, exact_coordinates)

    def elastic(start: jax.Array, count: int) -> Places:
        return _displaced(_rows(moves, start, count), start, size, "reflect")

    warped = sample_by_rows(images, affine, jnp.asarray(jitter) > 0)
    return jnp.clip(sample_by_rows(warped, elastic, jnp.asarray(alpha) > 0), 0, 1)


def displacements(field: jax.Array, sigma: Scalar, alpha: Scalar) -> jax.Array:
    """Smooth the unit field and scale it: px along x and y, (batch, 2, height, width)."""
    matrices = [
        gaussian_matrix(sigma, size, truncate=_TRUNCATE, border="reflect", max_radius=_MAX_RADIUS)
        for size in field.shape[2:]
    ]
    highest = jax.lax.Precision.HIGHEST
    tall = jnp.einsum("yh,bfhw->bfyw", matrices[0], field, precision=highest)
    return jnp.einsum("xw,bfyw->bfyx", matrices[1], tall, precision=highest) * alpha


def affine_terms(linear: Pair, shift: Pair, size: tuple[int, int]) -> tuple[Pair, Pair]:
    """Split affine displacements into what a column adds and what a row adds.

    Returns:
      Pairs of float32, px along x and y: (batch, 2, 1, width) and (batch, 2, height, 1).
    """
    x, y = (pairs.pair(jnp.asarray(pixels, jnp.float32)) for pixels in _pixels(size))
    by_x, by_y, constant = (
        _expand(term) for term in (_column(linear, 0), _column(linear, 1), shift)
    )
    return pairs.multiply(by_x, x), pairs.add(pairs.multiply(by_y, y), constant)


def affine_places(
    terms: tuple[Pair, Pair], start: jax.Array, size: tuple[int, int], exact: Scalar
) -> Places:
    """Find where affine maps fetch some rows from, as `sampling.bilinear` takes it.

    Args:
      terms: from `affine_terms`; of the second, the rows wanted.
      start: int32, the first of these rows.
      size: height and width of the image.
      exact: 0 rounds to 1/32 px.
    """
    across, down = terms

    def in_fractions() -> Places:
        fine = _fine_steps(across) + _fine_steps(down)
        return _places(*_whole_and_share(fine), start, size, "mirror")

    def exactly() -> Places:
        return _displaced(across[0] + down[0], start, size, "mirror")

    return jax.lax.cond(exact, exactly, in_fractions)


def inverse_affine(points: jax.Array, size: tuple[int, int], jitter: Scalar) -> tuple[Pair, Pair]:
    """Solve for the map from output to input pixels.

    Pixel p = (x, y) comes from p + shift + linear p: small numbers, so that little is lost where
    coordinates are rounded to fractions of a px.

    Returns:
      linear, (batch, 2, 2), and shift, (batch, 2), px: pairs of float32.
    """
    # The published code takes (height, width) for (x, y): the square is off centre in oblongs.
    centre = np.asarray(size, np.float32) // 2
    half = min(size) // 3
    signs = np.array([[1, 1], [1, -1], [-1, -1]], np.float32)
    corners = jnp.asarray(centre + np.float32(half) * signs)[None]
    jitter = jnp.broadcast_to(jnp.asarray(jitter, jnp.float32), points.shape)
    # float32 in the published code too
    targets = pairs.as_rounded(corners + pairs.rounded_product(jitter, points))
    moves = targets - corners
    # Column 0: how the move changes along the side of the square in x; column 1: in y.
    changes = pairs.exact_sum(
        jnp.stack([moves[:, 1], moves[:, 0]], -1), -jnp.stack([moves[:, 2], moves[:, 1]], -1)
    )
    linear = _linear_part(changes, 2 * half)
    target = pairs.pair(targets[:, 1, None, :])
    products = pairs.multiply(linear, target)
    shift = pairs.add(_column(products, 0), _column(products, 1))
    return linear, pairs.negate(pairs.add(pairs.pair(moves[:, 1]), shift))


def _linear_part(changes: Pair, side: int) -> Pair:
    """Give -C (side I + C)**-1 for matrices C, (batch, 2, 2)."""
    sides = pairs.pair(jnp.full_like(changes[0], side))
    own = _part(changes, (0, 0)), _part(changes, (1, 1))
    area = pairs.add(
        pairs.multiply(*own),
        pairs.negate(pairs.multiply(_part(changes, (0, 1)), _part(changes, (1, 0)))),
    )
    scaled = pairs.multiply(sides, changes)
    trace = pairs.add(_part(scaled, (0, 0)), _part(scaled, (1, 1)))
    squared = pairs.pair(jnp.full_like(area[0], side * side))
    determinant = pairs.add(pairs.add(squared, trace), area)
    scale = _expand(pairs.negate(pairs.reciprocal(determinant)))
    identity = np.eye(2, dtype=np.float32)[None]
    high, low = (part * identity for part in _expand(area))
    return pairs.multiply(scale, pairs.add(scaled, (high, low)))


def _part(matrices: Pair, place: tuple[int, int]) -> Pair:
    return matrices[0][:, *place], matrices[1][:, *place]


def _column(matrices: Pair, column: int) -> Pair:
    return matrices[0][..., column], matrices[1][..., column]


def _expand(numbers: Pair) -> Pair:
    return numbers[0][..., None, None], numbers[1][..., None, None]


def _rows(field: jax.Array, start: jax.Array, count: int) -> jax.Array:
    """Take rows of (batch, 2, height, width or 1)."""
    return jax.lax.dynamic_slice_in_dim(field, start, count, 2)


def _pixels(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Number the columns and the rows, shaped for (batch, 2, height, width)."""
    height, width = (np.arange(length, dtype=np.int32) for length in size)
    return width[None, None, None], height[None, None, :, None]


def _fine_steps(px: Pair) -> jax.Array:
    high, low = (part * np.float32(_FINE_STEPS) for part in px)
    return pairs.round_to_integer((high, low), _FAR)


def _whole_and_share(fine: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Round fine steps to steps: whole pixels and the share of the next one."""
    steps = (fine + _HALF_STEP) >> _FINE_TO_STEPS
    whole = steps >> _STEPS_TO_PIXELS
    return whole, (steps - (whole << _STEPS_TO_PIXELS)).astype(jnp.float32) * np.float32(1 / _STEPS)


def _displaced(
    displacements: jax.Array, start: jax.Array, size: tuple[int, int], border: str
) -> Places:
    whole = jnp.floor(displacements)
    pixels = jnp.clip(whole, -_FARTHEST, _FARTHEST).astype(jnp.int32)
    return _places(pixels, displacements - whole, start, size, border)


def _places(
    whole: jax.Array, share: jax.Array, start: jax.Array, size: tuple[int, int], border: str
) -> Places:
    """Add displacements along x and y, (batch, 2, rows, width), to the pixels from `start` on."""
    across, down = (own[:, 0] for own in _pixels((whole.shape[2], size[1])))
    whole = jnp.clip(whole, -_FARTHEST, _FARTHEST)
    corners = neighbours(whole[:, 1] + (down + start), whole[:, 0] + across, size, border)
    return corners, share[:, 1], share[:, 0]
