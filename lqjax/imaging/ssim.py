"""Structural similarity."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lqjax.typing import Images

SIGMA = 1.5
"""px; standard deviation of the window (Wang et al. 2004)."""

RADIUS = 5
"""px; the window ends 3.5 sigmas from its centre and is 11 px wide."""

WINDOW = 2 * RADIUS + 1
"""px; least height and width of an image."""

_LUMINANCE = np.float32(0.01**2)
_CONTRAST = np.float32(0.03**2)
# Wang et al. 2004: (K1 L)^2 and (K2 L)^2, with L = 1 for images in [0, 1].

_HIGHEST = jax.lax.Precision.HIGHEST

_GAUSSIAN = np.exp(-0.5 * np.square(np.arange(-RADIUS, RADIUS + 1) / SIGMA))
_WEIGHTS = (_GAUSSIAN / _GAUSSIAN.sum()).astype(np.float32)

Rows = Float[Array, "batch height values"]
"""Images whose rows hold the channels of each pixel side by side."""

Averages = tuple[Rows, Rows, Rows, Rows]
"""Of sums and differences, and of the squares of both."""


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
    channels = images.shape[3]
    return _similarity(as_rows(images), as_rows(reference), channels, _averages_in_turn)


def as_rows(images: Images) -> Rows:
    """Put the channels of a row side by side: (batch, height, width * channel).

    A shift by a pixel is then one by `channel` values, and vector units are filled by long rows
    instead of by three channels.
    """
    return images.reshape(*images.shape[:2], -1)


def ssim_of_rows(images: Rows, reference: Rows, channels: int) -> jax.Array:
    """Measure what `ssim` measures, on rows that `as_rows` made beforehand.

    That is in another program, or outside the loop that this stands in. Otherwise XLA works on
    images and shapes its results: adding two colour batches of 64 px took one core of a CPU
    50 us an image so, and 4 us on rows.

    Args:
      images, reference: of one shape that `check_sizes` lets pass, in [0, 1]; on one device.
    """
    return _similarity(images, reference, channels, _averages_if_needed)


def _similarity(
    images: Rows, reference: Rows, channels: int, averages_down: Callable[..., Averages]
) -> jax.Array:
    # Sum and difference instead of the two images: their variances are all that is needed, and
    # the one that decides, of the difference, is exact where the images are alike.
    total, total_mean = _centred(images + reference, channels)
    rest, rest_mean = _centred(images - reference, channels)
    down = averages_down(total, rest, jnp.any(images != reference))
    total, rest, total_square, rest_square = (_average(rows, 2, channels) for rows in down)
    means = [_spread(mean, total.shape[2]) for mean in (total_mean, rest_mean)]
    levels = jnp.square(total + means[0]), jnp.square(rest + means[1])
    variances = total_square - jnp.square(total), rest_square - jnp.square(rest)
    light, structure = _missing(*levels, 2 * _LUMINANCE), _missing(*variances, 2 * _CONTRAST)
    # The mean of what is missing, 1 - (1 - light)(1 - structure): zero where images are equal.
    return 1 - _mean(light + structure - light * structure)


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


def _centred(rows: Rows, channels: int) -> tuple[Rows, jax.Array]:
    """Take the mean of each channel out: E[x^2] - E[x]^2 then keeps its digits."""
    height, length = rows.shape[1:]
    share = _channel_matrix(length, channels) / np.float32(height * (length // channels))
    mean = jnp.einsum("bn,nc->bc", jnp.sum(rows, axis=1), share, precision=_HIGHEST)
    return rows - _spread(mean, length), mean


def _spread(mean: jax.Array, length: int) -> jax.Array:
    """Repeat (batch, channel) along a row, (batch, 1, length)."""
    # As a product: fused into what follows, a repetition keeps a CPU from using its vectors.
    matrix = _channel_matrix(length, mean.shape[1])
    return jnp.einsum("bc,nc->bn", mean, matrix, precision=_HIGHEST)[:, None]


def _channel_matrix(length: int, channels: int) -> np.ndarray:
    """Write with ones which value of a row belongs to which channel."""
    return np.tile(np.eye(channels, dtype=np.float32), (length // channels, 1))


def _missing(total: jax.Array, rest: jax.Array, constant: np.float32) -> jax.Array:
    # With s = x + y and d = x - y: 2 xy = (s^2 - d^2) / 2 and x^2 + y^2 = (s^2 + d^2) / 2, so
    # that what 2 xy / (x^2 + y^2) lacks of one is 2 d^2 / (s^2 + d^2).
    return 2 * rest / (total + rest + constant)


def _averages_if_needed(total: Rows, rest: Rows, differ: jax.Array) -> Averages:
    """Average two batches of rows, and their squares, along columns.

    Args:
      total, rest: one shape.
      differ: whether the images do. Where they are equal SSIM is 1 whatever these averages are,
        and zeros stand for them.
    """

    # A choice that is open until then has its results written out. Fused with the averages along
    # rows, those along columns would be computed again for each of 11 places. With a loop instead,
    # which puts results into their place value by value, one core of a CPU took 95 us for SSIM of a
    # colour image of 64 px, and 51 us so. Devices that share the batch would have to agree first.
    def averages(total: Rows, rest: Rows) -> Averages:
        squares = jnp.square(total), jnp.square(rest)
        first, second, third, fourth = (_average(rows, 1, 1) for rows in (total, rest, *squares))
        return first, second, third, fourth

    def zeros(total: Rows, rest: Rows) -> Averages:
        shape = jax.eval_shape(averages, total, rest)[0].shape
        nothing = jnp.zeros(shape, total.dtype)
        return nothing, nothing, nothing, nothing

    return jax.lax.cond(differ, averages, zeros, total, rest)


def _averages_in_turn(total: Rows, rest: Rows, differ: jax.Array) -> Averages:
    """Average likewise, in a loop: wherever the batch lies and whatever it is transformed by."""
    (total, rest), (total_square, rest_square) = jax.lax.map(
        lambda rows: (_average(rows, 1, 1), _average(jnp.square(rows), 1, 1)),
        jnp.stack([total, rest]),
    )
    return total, rest, total_square, rest_square


def _average(rows: Rows, axis: int, step: int) -> Rows:
    """Average under every window that lies inside, along an axis with pixels `step` apart."""
    length = rows.shape[axis] - 2 * RADIUS * step

    def shifted(pixels: int) -> Rows:
        return jax.lax.slice_in_dim(rows, pixels * step, pixels * step + length, axis=axis)

    average = _WEIGHTS[RADIUS] * shifted(RADIUS)
    for pixels in range(RADIUS):
        pair = shifted(pixels) + shifted(2 * RADIUS - pixels)
        average += _WEIGHTS[pixels] * pair
    return average


def _mean(rows: Rows) -> jax.Array:
    """Average over all but the batch."""
    # As a product: a CPU computes sums with all that leads to them, value by value.
    length = rows.shape[2]
    share = np.full(length, 1 / length, np.float32)
    return jnp.mean(jnp.einsum("bhn,n->bh", rows, share, precision=_HIGHEST), axis=1)
