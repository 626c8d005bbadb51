"""The level of noise in a picture, by its finest wavelet coefficients."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.auditing.quantiles import masked_quantile
from lqjax.auditing.samples import LEVELS

HIGH_PASS = (-133, -229, 857, -495)
"""In 1024ths, so that sums are exact in whatever order they are made; they still cancel constant
and linear levels. Source: Daubechies (1992), two vanishing moments, which pywt calls db2."""

MEDIAN_OF_DEVIATIONS = 0.6744897501960817
"""Median of |x| where x is standard normal. Source: Donoho and Johnstone (1994)."""


def noise_sigma(pixels: jax.Array, extent: jax.Array) -> jax.Array:
    """Estimate the standard deviation of white Gaussian noise (Donoho's estimate).

    The median of the absolute diagonal coefficients of the finest scale. Flat areas that are
    clipped to black or white hide the noise and do not count. Fine texture counts as noise.

    Args:
      pixels: luma, uint8, (batch, height, width).
      extent: height and width of the pictures in px, int32, (batch, 2); zeros lie beyond.

    Returns:
      float32, (batch,), as a share of the range of levels; NaN where nothing counts.

    Source: Donoho and Johnstone, "Ideal spatial adaptation by wavelet shrinkage" (1994).
    """
    levels = pixels.astype(jnp.int32)
    details = jnp.abs(_filter(_filter(levels, 1), 2))
    inside = _inside(extent, details.shape[1:], 2, len(HIGH_PASS))
    middle = pixels[:, 1::2, 1::2][:, : details.shape[1], : details.shape[2]]
    clipped = (details == 0) & ((middle == 0) | (middle == LEVELS - 1))
    largest = (LEVELS - 1) * sum(map(abs, HIGH_PASS)) ** 2
    median = masked_quantile(details, inside & ~clipped, 0.5, largest)
    gain = sum(weight**2 for weight in HIGH_PASS)  # of the variance of white noise, twice
    return median / np.float32(MEDIAN_OF_DEVIATIONS * gain * (LEVELS - 1))


def _filter(levels: jax.Array, axis: int) -> jax.Array:
    """Correlate every second position with the filter, where it fits."""
    count = (levels.shape[axis] - len(HIGH_PASS)) // 2 + 1
    parts = [
        weight * jax.lax.slice_in_dim(levels, k, k + 2 * count - 1, 2, axis)
        for k, weight in enumerate(HIGH_PASS)
    ]
    return sum(parts[1:], parts[0])


def _inside(extent: jax.Array, shape: tuple[int, ...], step: int, reach: int) -> jax.Array:
    """Mark the positions whose `reach` pixels, every `step` px, lie inside: (batch, *shape)."""
    down, right = (
        extent[:, axis : axis + 1] >= (np.arange(count) * step + reach)[None]
        for axis, count in enumerate(shape)
    )
    return down[:, :, None] & right[:, None, :]
