"""Numbers of about 48 bits as pairs of float32, for the few that decide how something rounds.

A pair is (high, low): their sum is the number, and the low part is at most half a unit in the
last place of the high one. The operations hold whether or not a compiler fuses multiplications
with additions.

Source: Dekker 1971, A floating-point technique for extending the available precision; Knuth, The
Art of Computer Programming, vol. 2, 4.2.2.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

Pair = tuple[jax.Array, jax.Array]

_HIGH_HALF = 0xFFFFF000
"""Sign, exponent and the upper 11 of the 23 stored bits of a float32."""


def as_rounded(number: jax.Array) -> jax.Array:
    """Return a sum or product as float32 rounds it, whatever it is used in.

    A compiler fuses a product with the addition that follows, and makes x of (x + 1) - 1. It does
    neither across an absolute value.
    """
    size = jnp.abs(number)
    return jnp.where(number < 0, -size, size)


def rounded_product(first: jax.Array, second: jax.Array | np.number) -> jax.Array:
    """Multiply and round, even where a compiler would fuse the product with an addition."""
    return as_rounded(first * second)


def exact_sum(first: jax.Array, second: jax.Array) -> Pair:
    """Add two float32 without loss."""
    high = as_rounded(first + second)
    part = as_rounded(high - first)
    return high, (first - as_rounded(high - part)) + (second - part)


def exact_product(first: jax.Array, second: jax.Array) -> Pair:
    """Multiply two float32 without loss."""
    high = rounded_product(first, second)
    (upper, lower), (other_upper, other_lower) = _halves(first), _halves(second)
    rest = (upper * other_upper - high) + upper * other_lower + lower * other_upper
    return high, rest + lower * other_lower


def pair(number: jax.Array) -> Pair:
    """Write a float32 as a pair."""
    return number, jnp.zeros_like(number)


def add(first: Pair, second: Pair) -> Pair:
    """Add two pairs."""
    high, rest = exact_sum(first[0], second[0])
    return exact_sum(high, rest + (first[1] + second[1]))


def negate(number: Pair) -> Pair:
    """Change the sign."""
    return -number[0], -number[1]


def multiply(first: Pair, second: Pair) -> Pair:
    """Multiply two pairs."""
    high, rest = exact_product(first[0], second[0])
    return exact_sum(high, rest + (first[0] * second[1] + first[1] * second[0]))


def reciprocal(number: Pair) -> Pair:
    """Divide 1 by a pair; 0 gives 0."""
    zero = number[0] == 0
    start = jnp.where(zero, 0, 1 / jnp.where(zero, 1, number[0]))
    # One step of Newton's method doubles the number of right bits.
    high, low = exact_product(number[0], start)
    rest = ((1 - high) - low) - number[1] * start
    return exact_sum(start, jnp.where(zero, 0, start * rest))


def round_to_integer(number: Pair, bound: float) -> jax.Array:
    """Round to the nearest whole number, int32; numbers beyond +-bound become +-bound."""
    high = jnp.round(jnp.clip(number[0], -bound, bound))
    rest = jnp.where(jnp.abs(number[0]) < bound, (number[0] - high) + number[1], 0)
    return high.astype(jnp.int32) + jnp.round(rest).astype(jnp.int32)


def _halves(number: jax.Array) -> Pair:
    bits = jax.lax.bitcast_convert_type(number, jnp.uint32) & jnp.uint32(_HIGH_HALF)
    upper = jax.lax.bitcast_convert_type(bits, jnp.float32)
    return upper, number - upper
