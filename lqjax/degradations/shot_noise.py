"""Shot noise: photons are counted, and counts are Poisson distributed."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.operations import Parameter, operation
from lqjax.imaging.poisson import poisson_counts, signed_tails
from lqjax.typing import Images, Scalar

MOST_COUNTED = 2**22
"""Counts stay whole numbers in float32; at white the noise is then a fourth of an 8-bit level."""


@operation(
    "shot_noise",
    "degradation",
    Parameter(
        "photons",
        "1",
        1,
        math.inf,
        identity=math.inf,
        meaning="mean number of photons at white",
        examples=(3, 60),
    ),
    draw=signed_tails,
    source="Hendrycks & Dietterich 2019 (1903.12261), without its rounding to 8 bits",
)
def shot_noise(images: Images, draws: jax.Array, *, photons: Scalar) -> Images:
    """Replace every value by the share of its photons that arrive, then clip to [0, 1].

    Works on code values, as published: they count as proportional to light, though a camera's
    are not. Values need not be 8-bit levels. Counts follow the Poisson distribution to float32
    accuracy for every number of photons; see `lqjax.imaging.poisson`.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: uniform numbers as distances to the nearer end of (0, 1), of the same shape.
      photons: mean count of a value of 1; infinitely many make no noise. Beyond `MOST_COUNTED`
        no more are counted.
    """
    counted = jnp.minimum(photons, np.float32(MOST_COUNTED))
    noisy = jax.lax.platform_dependent(images, draws, counted, cpu=_noisy_rows, default=_noisy)
    return jnp.where(jnp.isinf(photons), images, noisy)


def _noisy(images: jax.Array, draws: jax.Array, photons: Scalar) -> jax.Array:
    return from_counts(poisson_counts(draws, images * photons), photons)


def _noisy_rows(images: jax.Array, draws: jax.Array, photons: Scalar) -> jax.Array:
    """Do the same with rows that hold the channels of all their pixels.

    XLA on CPU vectorises along the last axis: with 3 channels there, a seventh as fast. The
    branch, which is always taken, keeps it from moving the reshape to the front.
    """
    batch, height, width, channels = images.shape
    rows = (batch, height, width * channels)
    arrived = jax.lax.cond(
        photons > 0,
        _noisy,
        lambda images, draws, photons: images,
        images.reshape(rows),
        draws.reshape(rows),
        photons,
    )
    return arrived.reshape(images.shape)


def from_counts(counts: jax.Array, photons: Scalar) -> jax.Array:
    """Turn photon counts into values in [0, 1]; brighter ones are clipped."""
    return jnp.clip(counts / photons, 0, 1)
