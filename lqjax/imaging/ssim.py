"""Structural similarity."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.typing import Images

SIGMA = 1.5
"""px; standard deviation of the window (Wang et al. 2004)."""

RADIUS = 5
"""px; the window ends 3.5 sigmas from its centre and is 11 px wide."""

WINDOW = 2 * RADIUS + 1
"""px; least height and width of an image."""

LONGEST_PIECE = 108
"""px; longer lines are cut. Two CPU cores took 10 ms an image at 224 px and 54 ms at 512 px so,
uncut 14 ms and 136 ms."""

_LUMINANCE = np.float32(0.01**2)
_CONTRAST = np.float32(0.03**2)
# Wang et al. 2004: (K1 L)^2 and (K2 L)^2, with L = 1 for images in [0, 1].


def ssim(images: Images, reference: Images) -> jax.Array:
    """Measure the structural similarity of each image: 1 where equal, about 0 where unrelated.

    The definition of Wang et al.: Gaussian weights, variances without Bessel's correction, the
    mean over all windows that lie inside the image, then over the channels. scikit-image
    computes it with `gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    data_range=1`; its defaults (7 px box, corrected variances) give other numbers.

    Args:
      images, reference: float32, (batch, height, width, channel), in [0, 1], at least 11 px.

    Returns:
      float32, (batch,), in [-1, 1]; exactly 1 where the images are equal.

    Raises:
      ValueError: the shapes differ, or the images are smaller than the window.

    Source: Wang, Bovik, Sheikh and Simoncelli 2004, IEEE Trans. Image Processing 13(4).
    """
    check_sizes(images.shape, reference.shape)
    # Sum and difference instead of the two images: their variances are all that is needed, and
    # the one that decides, of the difference, is exact where the images are alike.
    total, total_mean = _centred(images + reference)
    rest, rest_mean = _centred(images - reference)
    averages = jnp.split(_local_averages(total, rest), 4, axis=1)
    levels = jnp.square(averages[0] + total_mean), jnp.square(averages[1] + rest_mean)
    variances = averages[2] - jnp.square(averages[0]), averages[3] - jnp.square(averages[1])
    similarity = _ratio(*levels, 2 * _LUMINANCE) * _ratio(*variances, 2 * _CONTRAST)
    # The mean of what is missing: compilers turn the division into a product, and ones into less.
    return 1 - jnp.mean(1 - similarity, axis=(1, 2, 3))


def check_sizes(shape: tuple[int, ...], reference: tuple[int, ...]) -> None:
    """Refuse shapes that `ssim` cannot compare.

    Raises:
      ValueError: the shapes differ, or the images are smaller than the window.
    """
    if shape != reference:
        raise ValueError(f"ssim compares equal shapes, got {shape} and {reference}")
    if min(shape[1:3]) < WINDOW:
        raise ValueError(
            f"ssim needs images of at least {WINDOW} px, the width of its window, got"
            f" {shape[1]} x {shape[2]}; resize them, or compare by psnr"
        )


def _centred(images: Images) -> tuple[jax.Array, jax.Array]:
    """Put channels in front and take their means out: E[x^2] - E[x]^2 then keeps its digits."""
    planes = images.transpose(0, 3, 1, 2)
    mean = jnp.mean(planes, axis=(2, 3), keepdims=True)
    return planes - mean, mean


def _ratio(total: jax.Array, rest: jax.Array, constant: np.float32) -> jax.Array:
    # With s = x + y and d = x - y: 2 xy = (s^2 - d^2) / 2 and x^2 + y^2 = (s^2 + d^2) / 2.
    return (total - rest + constant) / (total + rest + constant)


def _local_averages(total: jax.Array, rest: jax.Array) -> jax.Array:
    """Average two images and their squares under every window that lies inside.

    Args:
      total, rest: (batch, channel, height, width).

    Returns:
      (batch, 4 * channel, height - 10, width - 10): total, rest, and the squares of both.
    """
    highest = jax.lax.Precision.HIGHEST
    height, width = total.shape[2:]
    # Cut before squaring: the pieces are then written once.
    total, rest = _pieces(total, 3), _pieces(rest, 3)
    maps = jnp.concatenate([total, rest, jnp.square(total), jnp.square(rest)], axis=1)
    across = _window_matrix(maps.shape[4])
    wide = jnp.einsum("bchnw,xw->bchnx", maps, across, precision=highest)
    tall = _pieces(wide.reshape(*wide.shape[:3], -1), 2)
    down = _window_matrix(tall.shape[3])
    both = jnp.einsum("yh,bcnhw->bcnyw", down, tall, precision=highest)
    whole = both.reshape(*both.shape[:2], -1, both.shape[4])
    return whole[:, :, : height - 2 * RADIUS, : width - 2 * RADIUS]


def _pieces(planes: jax.Array, axis: int) -> jax.Array:
    """Cut an axis into equal overlapping pieces, whose windows follow on one another.

    A product with a band matrix costs as much as one with a full matrix: pieces keep it small.
    """
    places = planes.shape[axis] - 2 * RADIUS
    count = -(-places // LONGEST_PIECE)
    length = -(-places // count)
    missing = [(0, 0)] * planes.ndim
    missing[axis] = (0, count * length - places)
    padded = jnp.pad(planes, missing)
    starts = range(0, count * length, length)
    cut = [
        jax.lax.slice_in_dim(padded, start, start + length + 2 * RADIUS, axis=axis)
        for start in starts
    ]
    return jnp.stack(cut, axis)


def _window_matrix(size: int) -> np.ndarray:
    """Write the average under the window as a matrix: places inside the line, input pixel."""
    offsets = np.arange(-RADIUS, RADIUS + 1)
    weights = np.exp(-0.5 * np.square(offsets / SIGMA))
    matrix = np.zeros((size - 2 * RADIUS, size), np.float32)
    for place, row in enumerate(matrix):
        row[place : place + WINDOW] = weights / weights.sum()
    return matrix
