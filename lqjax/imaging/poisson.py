"""Poisson counts from unit draws by the inverse of the distribution function, without loops.

`jax.random.poisson` rejects and tries again until every value of the batch is done. Here a count
is a fixed formula of its mean and one uniform number, so severities share their noise, and the
same number gives the same count on every machine, compiled or not.

Every product that is added to something passes `jnp.abs` if it is positive, or else `jnp.floor` on
a scale so large that floor leaves it as it is. Neither changes a value, but compilers cannot fuse
the product with the addition, which would round differently here and there and move a count.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.draws import random_bits
from lqjax.typing import Keys

_SMALL_COUNTS = 8
"""Counts below this are found by summing; from here on the expansion holds."""

_SMALL_MEAN = 2
"""Below, the bright tail is summed as well, from its far end."""

_MAX_SUMMED = 16
"""A mean below `_SMALL_MEAN` exceeds this count with a probability of 1e-10, a draw's least."""

_SUM_SCALE = np.float32(2.0**100)
"""exp(-mean) is above 2**-100 for all means at which the sums are used."""
_POLYNOMIAL_SCALE = np.float32(2**40)

_SIGN_BIT = np.uint32(1 << 31)
_WORD = np.float32(2**-32)
_HALF_WORD = np.float32(2**-33)

# Fitted to the exact inverse for means of 2 to 5000 and tails down to 1e-10, the distribution
# function being off by less than 4e-8; powers of s = z / sqrt(mean), constant first.
_SQUARE_SHARE = (
    0.166664259,
    -0.0138875371,
    0.00371063022,
    -0.00134302544,
    0.000606430261,
    -0.000304470993,
    0.000121206536,
    -3.02007239e-05,
    4.06478676e-06,
    -2.31461565e-07,
)
_SHIFT = (
    0.333334835,
    -0.0277792588,
    0.00872411317,
    -0.00360340063,
    0.00129538331,
    -0.000336513641,
    0.000131822787,
    -5.32203964e-05,
    9.3660561e-06,
)
_SHIFT_OVER_MEAN = (
    -0.0198160872,
    0.0173905315,
    -0.0132784794,
    0.0101068264,
    -0.00582379515,
    0.00189630929,
    -0.00026174835,
)

# Of w = -log(4 u (1 - u)), highest power first: of w - 2.5 up to w = 5, from Giles, "Approximating
# the erfinv function" (GPU Computing Gems 2, 2010); beyond, of sqrt(w) - 3.4, fitted to 1e-10.
_CENTRAL_SPLIT = np.float32(5)
_CENTRAL_MIDDLE = np.float32(2.5)
_TAIL_MIDDLE = np.float32(3.4)
_CENTRAL = (
    2.81022636e-08,
    3.43273939e-07,
    -3.5233877e-06,
    -4.39150654e-06,
    0.00021858087,
    -0.00125372503,
    -0.00417768164,
    0.246640727,
    1.50140941,
)
_TAIL = (
    -3.61083645e-06,
    -0.000175839279,
    0.000692246054,
    -0.00113259966,
    0.0014713319,
    -0.00251636251,
    0.00397477013,
    1.00663979,
    3.23478358,
)


def signed_tails(key: Keys, shape: tuple[int, ...]) -> jax.Array:
    """Draw a uniform number u in (0, 1), written as its distance to the nearer end.

    A float32 resolves u itself to 2**-24 near 1, which would cut the bright tail of the noise of
    a few images. The distance keeps the 32 bits that were drawn.

    Returns:
      float32: -u where u is at most 1/2, else 1 - u; never 0.
    """
    bits = random_bits(key, shape)
    distance = (bits & ~_SIGN_BIT).astype(jnp.float32) * _WORD + _HALF_WORD
    return jnp.where(bits < _SIGN_BIT, -distance, distance)


def poisson_counts(tails: jax.Array, mean: jax.Array) -> jax.Array:
    """Invert the Poisson distribution function.

    Up to float32 rounding this is exact: where a count differs from that of exact arithmetic, it
    does so by one (above a mean of 10,000 by up to three), and u lies within 1e-7 of a step of
    the distribution function and within a thousandth of its tail (below 1e-8, within a seventh).

    Args:
      tails: from `signed_tails`.
      mean: of the same shape, 0 to 2**23.

    Returns:
      float32 whole numbers, of the same shape.

    Source: Giles, Algorithm 955, ACM TOMS 42 (2016), for the form of the expansion; the
    polynomials are our own fit.
    """
    # The caller's product must not be fused either.
    mean = jnp.maximum(mean, 0)
    near, far = _summed(tails, mean)
    expanded = _expanded(tails, jnp.maximum(mean, _SMALL_MEAN))
    counts = jnp.where(near < _SMALL_COUNTS, near, expanded)
    return jnp.where((tails > 0) & (mean < _SMALL_MEAN), far, counts)


def _summed(tails: jax.Array, mean: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Count the steps of the distribution function below u.

    Returns:
      Among the first `_SMALL_COUNTS` steps; among the first `_MAX_SUMMED`, summed from the far
      end, which keeps its digits where 1 - u is small.
    """
    distance = jnp.abs(tails)
    wanted = distance * _SUM_SCALE
    term = jnp.abs(jnp.exp(-mean) * _SUM_SCALE)
    terms = [term]
    for count in range(1, _MAX_SUMMED + 1):
        term = jnp.abs(term * (mean * np.float32(1 / count)))
        terms.append(term)
    near, total = jnp.zeros_like(mean), jnp.zeros_like(mean)
    below = jnp.where(tails < 0, distance, 1 - distance) * _SUM_SCALE
    for term in terms[:_SMALL_COUNTS]:
        total = total + term
        near = near + (total < below)
    far, total = jnp.zeros_like(mean), jnp.zeros_like(mean)
    for term in reversed(terms[1:]):
        total = total + term
        far = far + (total > wanted)
    return near, far


def _expanded(tails: jax.Array, mean: jax.Array) -> jax.Array:
    """Round down mean + sqrt(mean) z + z**2 p(s) + q(s) + r(s) / mean, s = z / sqrt(mean)."""
    # Written so that no root or quotient is used twice: XLA would keep each in memory.
    ratio = _normal(tails) * jax.lax.rsqrt(mean)
    share = ratio * mean
    shift = jnp.floor(share * _POLYNOMIAL_SCALE)
    shift = shift + jnp.floor(share * ratio * _polynomial(_SQUARE_SHARE, ratio))
    shift = shift + _polynomial(_SHIFT, ratio)
    shift = shift + jnp.floor(_polynomial(_SHIFT_OVER_MEAN, ratio) / mean)
    # Whole and fraction apart, or a mean of 500 would leave 1e-5 to the fraction.
    whole = jnp.floor(mean)
    fraction = (mean - whole) + shift / _POLYNOMIAL_SCALE
    return jnp.maximum(whole + jnp.floor(fraction), 0)


def _normal(tails: jax.Array) -> jax.Array:
    """Invert the normal distribution function, with all digits in the tails."""
    distance = jnp.abs(tails)
    logarithm = -jnp.log(4 * distance * (1 - distance))
    central = logarithm < _CENTRAL_SPLIT
    argument = jnp.where(
        central, logarithm - _CENTRAL_MIDDLE, jnp.sqrt(jnp.maximum(logarithm, 0)) - _TAIL_MIDDLE
    )
    total = jnp.zeros_like(tails)
    for middle, far in zip(_CENTRAL, _TAIL, strict=True):
        scaled = np.array([middle, far], np.float32) * _POLYNOMIAL_SCALE
        total = jnp.floor(total * argument) + jnp.where(central, scaled[0], scaled[1])
    size = np.float32(np.sqrt(2)) / _POLYNOMIAL_SCALE * total * (1 - 2 * distance)
    return jnp.where(tails < 0, -size, size)


def _polynomial(coefficients: tuple[float, ...], argument: jax.Array) -> jax.Array:
    """Evaluate a polynomial times `_POLYNOMIAL_SCALE`; coefficients from the constant on."""
    scaled = np.array(coefficients, np.float32) * _POLYNOMIAL_SCALE
    total = jnp.full_like(argument, scaled[-1])
    for coefficient in scaled[-2::-1]:
        total = jnp.floor(total * argument) + coefficient
    return total
