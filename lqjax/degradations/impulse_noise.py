"""Impulse noise, also called salt and pepper."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.draws import random_bits
from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Keys, Scalar

_SIGN = np.uint32(1)
_STEPS = 2**23  # of float32 in [0, 1), each halved so that 0, which has no sign, is left out


def _signed_uniform(key: Keys, shape: tuple[int, ...]) -> jax.Array:
    """Draw uniformly from (-1, 1) without 0, in odd multiples of 2**-24."""
    bits = random_bits(key, shape)
    size = ((bits >> 9).astype(jnp.float32) + np.float32(0.5)) * np.float32(1 / _STEPS)
    return jnp.where((bits & _SIGN) == 0, -size, size)


@operation(
    "impulse_noise",
    "degradation",
    Parameter("amount", "1", 0, 1, identity=0, meaning="share of the values that are replaced"),
    draw=_signed_uniform,
    exact=True,
    source="scikit-image random_noise, mode s&p, as in Hendrycks & Dietterich 2019 (1903.12261)",
)
def impulse_noise(images: Images, draws: jax.Array, *, amount: Scalar) -> Images:
    """Replace values by 1 (salt) or 0 (pepper), with equal probability.

    Every value is drawn by itself: the three channels of a pixel are independent.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: uniform in (-1, 1), of the same shape: the value is replaced where the size is below
        `amount`, by salt where the sign is positive.
      amount: share of the values that are replaced.
    """
    impulse = (draws > 0).astype(images.dtype)
    return jnp.where(jnp.abs(draws) < amount, impulse, images)
