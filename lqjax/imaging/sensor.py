"""What an image sensor does to light: it counts photons and reads the count with an error."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.draws import unit_normal
from lqjax.imaging.poisson import poisson_counts, signed_tails
from lqjax.typing import Images, Keys, Scalar

MOST_COUNTED = 2**22
"""Electrons; counts up to twice that are whole in float32, and more would make less noise than a
tenth of an 8-bit level."""

MOST_READ_NOISE = 1000
"""Electrons rms; some hundred times that of a poor camera."""

Draws = tuple[jax.Array, jax.Array]
"""Per value: a uniform number for the photons, as `signed_tails` gives it; a unit normal one."""


def sensor_draws(key: Keys, shape: tuple[int, ...]) -> Draws:
    """Draw what `read_out` needs for one image of shape (height, width, channel)."""
    photon_key, read_key = jax.random.split(key)
    return signed_tails(photon_key, shape), unit_normal(read_key, shape)


def read_out(light: Images, draws: Draws, *, photons: Scalar, read_noise: Scalar) -> Images:
    """Count photons and add the noise of reading them, both independent from value to value.

    Args:
      light: linear, a share of white, (batch, height, width, channel).
      draws: from `sensor_draws`, with a leading batch axis.
      photons: detected photons at white, above 0; beyond `MOST_COUNTED` no more are counted.
      read_noise: standard deviation, electrons; each detected photon is one electron.

    Returns:
      Linear light measured, a share of white; noise may take it below 0 or above 1.
    """
    tails, normal = draws
    return jax.lax.platform_dependent(
        light, tails, normal, photons, read_noise, cpu=_measured_rows, default=_measured
    )


def _measured(
    light: jax.Array, tails: jax.Array, normal: jax.Array, photons: Scalar, read_noise: Scalar
) -> jax.Array:
    counted = jnp.minimum(photons, np.float32(MOST_COUNTED))
    electrons = poisson_counts(tails, light * counted) + read_noise * normal
    return electrons / counted


def _measured_rows(
    light: jax.Array, tails: jax.Array, normal: jax.Array, photons: Scalar, read_noise: Scalar
) -> jax.Array:
    """Do the same with rows that hold the channels of all their pixels.

    XLA on CPU vectorises along the last axis: with 3 channels there, an eighth as fast. The
    branch, which is always taken, keeps it from moving the reshape to the front.
    """
    batch, height, width, channels = light.shape
    rows = [values.reshape(batch, height, width * channels) for values in (light, tails, normal)]
    measured = jax.lax.cond(
        photons > 0, _measured, lambda light, *others: light, *rows, photons, read_noise
    )
    return measured.reshape(light.shape)
