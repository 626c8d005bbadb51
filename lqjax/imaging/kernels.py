"""One-dimensional kernels from traced parameters, and their product with an image."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.typing import Images, Scalar

_LEAST_SIGMA = 1e-6
"""px; stands in for sigma 0, where all weight falls on the centre."""


def gaussian_weights(kernel_size: Scalar, sigma: Scalar, max_radius: int) -> jax.Array:
    """Sample a Gaussian, cut it off, normalise its sum to 1.

    Args:
      kernel_size: odd number of taps, at most 2 * max_radius + 1; may be traced.
      sigma: standard deviation in px, at least 0; may be traced.
      max_radius: fixes the length of the result; taps outside the kernel are 0.

    Returns:
      float32, (2 * max_radius + 1,).

    Source: OpenCV getGaussianKernel (sigma given).
    """
    offsets = np.arange(-max_radius, max_radius + 1, dtype=np.float32)
    scaled = offsets / jnp.maximum(sigma, _LEAST_SIGMA)
    inside = 2 * np.abs(offsets) < kernel_size
    weights = jnp.where(inside, jnp.exp(-0.5 * jnp.square(scaled)), 0.0)
    return (weights / jnp.sum(weights)).astype(jnp.float32)


def gaussian_matrix(
    sigma: Scalar, size: int, *, truncate: float, border: str, max_radius: int
) -> jax.Array:
    """Write the blur of a line with a cut-off Gaussian as a matrix.

    The kernel ends int(truncate * sigma + 0.5) px from its centre and sums to 1.

    Args:
      sigma: standard deviation in px, at least 0; may be traced.
      size: number of pixels of the line, at least 1; the kernel may be longer.
      truncate: radius of the kernel in sigmas.
      border: as for `band_matrix`.
      max_radius: px; a longer kernel is cut off here. It costs memory and time.

    Returns:
      float32, (size, size): output pixel, input pixel; the identity exactly at radius 0.

    Source: SciPy gaussian_filter1d.
    """
    radius = jnp.floor(truncate * sigma + 0.5)
    return band_matrix(gaussian_weights(2 * radius + 1, sigma, max_radius), size, border)


def band_matrix(weights: jax.Array, size: int, border: str = "mirror") -> jax.Array:
    """Write the correlation of a line with a kernel as a matrix.

    Args:
      weights: (2 * radius + 1,), the centre in the middle; may be traced.
      size: number of pixels of the line, at least 1; the kernel may be longer.
      border: how the line goes on beyond its ends: "mirror" (reflect-101, as SciPy calls it: the
        end pixel stands once), "reflect" (it stands twice), "replicate" (it stands on and on).

    Returns:
      (size, size): output pixel, input pixel. A unit kernel gives the identity exactly.

    Raises:
      ValueError: another border.
    """
    if border == "replicate":
        return _repeating_matrix(weights, size)
    if border == "reflect":
        once = _periodic(weights, 2 * size)
        return _circulant(once, size) + _mirrored_circulant(once, size, 1)
    if border != "mirror":
        raise ValueError(f"border must be mirror, reflect or replicate, got {border!r}")
    if size == 1:
        return jnp.sum(weights)[None, None]
    once = _periodic(weights, 2 * (size - 1))
    column = np.arange(size)[None]
    edge = (column == 0) | (column == size - 1)  # there the mirror image is the pixel itself
    return _circulant(once, size) + jnp.where(edge, 0, _mirrored_circulant(once, size, 0))


def _periodic(weights: jax.Array, period: int) -> jax.Array:
    """Add up the weights whose offsets are equal modulo `period`; offset 0 comes first."""
    radius = weights.shape[0] // 2
    before = -radius % period  # padding brings offset 0 to a multiple of the period
    after = -(before + weights.shape[0]) % period
    return jnp.sum(jnp.pad(weights, (before, after)).reshape(-1, period), axis=0)


def _circulant(once: jax.Array, size: int) -> jax.Array:
    """Put once[(column - row) modulo period] into a matrix, without a gather."""
    # Rows of k * period - 1 values cut out of the repeated vector: each starts one step earlier.
    return _cut_rows(once, size, -(-(size + 1) // once.shape[0]) * once.shape[0] - 1, 0)


def _mirrored_circulant(once: jax.Array, size: int, step: int) -> jax.Array:
    """Put once[(-column - step - row) modulo period] into a matrix."""
    backwards = jnp.roll(once[::-1], 1)
    return _cut_rows(backwards, size, -(-size // once.shape[0]) * once.shape[0] + 1, step)


def _cut_rows(once: jax.Array, size: int, length: int, start: int) -> jax.Array:
    repeated = jnp.tile(once, -(-(start + size * length) // once.shape[0]))
    return repeated[start : start + size * length].reshape(size, length)[:, :size]


def _repeating_matrix(weights: jax.Array, size: int) -> jax.Array:
    radius = weights.shape[0] // 2
    margin = max(size - radius, 0)
    wide = jnp.pad(weights, margin)
    centre = radius + margin
    # Beyond the ends lies the end pixel: it gets all weights that reach so far.
    left = jnp.cumsum(wide)[centre - size + 1 : centre + 1][::-1]
    right = jnp.cumsum(wide[::-1])[centre - size + 1 : centre + 1]
    inner = _circulant(jnp.roll(wide[centre - size : centre + size], size), size)
    column = np.arange(size)[None]
    matrix = jnp.where(column == 0, left[:, None], inner)
    matrix = jnp.where(column == size - 1, right[:, None], matrix)
    return matrix if size > 1 else jnp.sum(weights)[None, None]


def separable_product(rows: jax.Array, columns: jax.Array, images: Images) -> Images:
    """Multiply each channel by a matrix from the left and one from the right.

    Args:
      rows: (new height, height).
      columns: (new width, width).
      images: (batch, height, width, channel).

    Returns:
      (batch, new height, new width, channel).
    """
    highest = jax.lax.Precision.HIGHEST
    # Channels in front in between: the second product then runs over contiguous rows.
    tall = jnp.einsum("yh,bhwc->bcyw", rows, images, precision=highest)
    return jnp.einsum("xw,bcyw->byxc", columns, tall, precision=highest)


def symmetric_correlation(kernel: jax.Array, images: Images) -> Images:
    """Correlate every channel with a kernel that is its own mirror image; borders reflect-101.

    Cosine transforms turn such a correlation into one product per frequency: four products with
    constant matrices, at any size of kernel.

    Args:
      kernel: odd by odd, equal to its reversal along each axis; may be traced.
      images: (batch, height, width, channel), at least 2 px high and wide.

    Returns:
      As `images`; off by about 1e-6 times their largest value in float32.
    """
    highest = jax.lax.Precision.HIGHEST
    to_rows, from_rows, high = _cosine_matrices(images.shape[1], kernel.shape[0])
    to_columns, from_columns, wide = _cosine_matrices(images.shape[2], kernel.shape[1])
    gains = jnp.einsum("ui,ij,vj->uv", high, kernel, wide, precision=highest)
    waves = jnp.einsum("uh,bhwc->bcuw", to_rows, images, precision=highest)
    waves = jnp.einsum("bcuw,vw->bcuv", waves, to_columns, precision=highest) * gains[None, None]
    lines = jnp.einsum("bcuv,xv->bcux", waves, from_columns, precision=highest)
    return jnp.einsum("yu,bcux->byxc", from_rows, lines, precision=highest)


def _cosine_matrices(size: int, taps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return DCT-I forth, back, and the waves on the taps of a kernel around its centre."""
    pixels, offsets = np.arange(size), np.arange(taps) - taps // 2

    def waves(places: np.ndarray) -> np.ndarray:
        # Whole periods are taken off in whole numbers, where nothing is rounded.
        phase = np.outer(pixels, places) % (2 * (size - 1))
        return np.cos(np.pi / (size - 1) * phase)

    ends = np.where((pixels == 0) | (pixels == size - 1), np.sqrt(0.5), 1.0)
    back = np.sqrt(2 / (size - 1)) * waves(pixels) * ends
    forth = back * ends[:, None] * ends
    return forth.astype(np.float32), back.astype(np.float32), waves(offsets).astype(np.float32)
