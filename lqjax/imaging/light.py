"""Light and code values: the transfer function of sRGB, both ways."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from numpy.polynomial import Chebyshev, Polynomial
from numpy.typing import NDArray

_SLOPE = 12.92  # of the straight piece near black
_OFFSET = 0.055
_EXPONENT = 2.4
_CODE_LIMIT = 0.04045  # the straight piece ends here, as a code value
_LIGHT_LIMIT = 0.0031308  # and here, as light

_DEGREE = 9  # brings the error of the polynomial below the rounding of float32
_LEAST_ROOT, _MOST_ROOT = np.sqrt(_CODE_LIMIT + _OFFSET), np.sqrt(1 + _OFFSET)
_MIDDLE = np.float32((_LEAST_ROOT + _MOST_ROOT) / 2)
_SCALE = 2.0**40  # so large that rounding down to whole numbers changes nothing


def _curve(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give light / (code + offset)**2, float64, by the distance of sqrt(code + offset) to middle.

    The square is left out because the rest bends so little that it keeps all digits near black.
    """
    root = distance + float(_MIDDLE)
    rest: NDArray[np.float64] = np.power(root, 2 * _EXPONENT - 4)
    return rest / (1 + _OFFSET) ** _EXPONENT


_DOMAIN = (float(_LEAST_ROOT - _MIDDLE), float(_MOST_ROOT - _MIDDLE))
_FITTED = Chebyshev.interpolate(_curve, _DEGREE, domain=_DOMAIN)
_COEFFICIENTS = np.multiply(_FITTED.convert(kind=Polynomial).coef, _SCALE).astype(np.float32)


def to_linear(codes: jax.Array) -> jax.Array:
    """Decode sRGB code values to linear light.

    Equal code values give equal bits, compiled or not, whatever comes before and after: photon
    counts drawn from the light must not depend on how a program was compiled.

    Args:
      codes: float32 in [0, 1], any shape.

    Returns:
      float32 in [0, 1]: light as a share of white, within 5e-7 of the exact one; black and white
      are exact.

    Source: IEC 61966-2-1.
    """
    # A product must not meet a sum or another constant directly: compilers would join the two
    # and round differently. What stands between is a maximum here and floor below.
    shifted = jnp.maximum(codes, np.float32(_CODE_LIMIT)) + np.float32(_OFFSET)
    distance = jnp.sqrt(shifted) - _MIDDLE
    total = jnp.full_like(distance, _COEFFICIENTS[-1])
    for coefficient in _COEFFICIENTS[-2::-1]:
        total = jnp.floor(total * distance) + coefficient
    curved = shifted * shifted * (total * np.float32(1 / _SCALE))
    straight = jnp.maximum(codes, 0) * np.float32(1 / _SLOPE)
    light = jnp.where(codes <= np.float32(_CODE_LIMIT), straight, curved)
    return jnp.where(codes >= 1, 1, light).astype(jnp.float32)


def from_linear(light: jax.Array) -> jax.Array:
    """Encode linear light as sRGB code values; the inverse of `to_linear` to within 1e-6.

    Args:
      light: float32, any shape, a share of white; below 0 and above 1 it is clipped.

    Returns:
      float32 in [0, 1]; black and white are exact.

    Source: IEC 61966-2-1.
    """
    clipped = jnp.clip(light, 0, 1)
    # Three times as fast on a CPU as a power, and as good for numbers in [0.003, 1].
    logarithm = jnp.log(jnp.maximum(clipped, np.float32(_LIGHT_LIMIT)))
    power = jnp.exp(logarithm * np.float32(1 / _EXPONENT))
    curved = np.float32(1 + _OFFSET) * power - np.float32(_OFFSET)
    straight = clipped * np.float32(_SLOPE)
    encoded = jnp.where(clipped <= np.float32(_LIGHT_LIMIT), straight, curved)
    return jnp.where(clipped == 1, 1, encoded).astype(jnp.float32)
