"""Arithmetic with pairs of float32 against float64 and fractions, compiled and not."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.imaging import pairs

COMPILED = pytest.mark.parametrize("form", [lambda f: f, jax.jit], ids=["eager", "jit"])


def numbers(seed, size=500):
    rng = np.random.default_rng(seed)
    return (rng.choice([-1, 1], size) * 10 ** rng.uniform(-3, 3, size)).astype(np.float32)


def value(pair):
    return np.asarray(pair[0], np.float64) + np.asarray(pair[1], np.float64)


def random_pair(seed):
    return pairs.exact_product(jnp.asarray(numbers(seed)), jnp.asarray(numbers(seed + 50)))


@COMPILED
def test_sums_and_products_lose_nothing(form):
    first, second = numbers(0), numbers(1)
    for operation, exact in (
        (pairs.exact_sum, lambda a, b: a + b),
        (pairs.exact_product, lambda a, b: a * b),
    ):
        high, low = (np.asarray(part) for part in form(operation)(first, second))
        for upper, lower, a, b in zip(high, low, first, second, strict=True):
            a, b = Fraction(float(a)), Fraction(float(b))
            assert Fraction(float(upper)) + Fraction(float(lower)) == exact(a, b)


@COMPILED
def test_pairs_keep_45_bits(form):
    first, second = random_pair(2), random_pair(3)
    cases = {
        "add": (form(pairs.add)(first, first), value(first) * 2),
        "multiply": (form(pairs.multiply)(first, second), value(first) * value(second)),
        "reciprocal": (form(pairs.reciprocal)(first), 1 / value(first)),
        "negate": (form(pairs.negate)(first), -value(first)),
    }
    for name, (found, expected) in cases.items():
        np.testing.assert_allclose(value(found), expected, rtol=2**-45, err_msg=name)


@COMPILED
def test_constants_do_not_undo_the_rounding(form):
    """A compiler takes (x + 1) - 1 for x, which would leave nothing of the low part."""
    given = numbers(4) * np.float32(1e-3)
    found = form(lambda x: pairs.exact_sum(jnp.full_like(x, 1000), x))(given)
    np.testing.assert_array_equal(found[0], np.float32(1000) + given)
    np.testing.assert_array_equal(value(found), 1000 + given.astype(np.float64))


@COMPILED
def test_a_rounded_product_is_not_fused(form):
    first, second, third = numbers(5), numbers(6), numbers(7)
    found = form(lambda a, b, c: pairs.rounded_product(a, b) + c)(first, second, third)
    np.testing.assert_array_equal(found, first * second + third)


def test_the_reciprocal_of_zero_is_zero():
    assert value(pairs.reciprocal(pairs.pair(jnp.zeros(1)))) == 0


def test_rounds_to_integers():
    whole = np.array([-3.0, -0.0, 5.0, 1e6, 99.5, 99.5, 98.5, 2.5], np.float32)
    rest = np.array([0.0, 0.0, 1e-9, 0.4, 1e-3, -1e-3, 1e-3, 0.0], np.float32)
    found = pairs.round_to_integer((jnp.asarray(whole), jnp.asarray(rest)), 2.0**20)
    np.testing.assert_array_equal(found, [-3, 0, 5, 1000000, 100, 99, 99, 2])
    far = pairs.round_to_integer((jnp.asarray([-1e30, 3e9]), jnp.zeros(2)), 2.0**20)
    np.testing.assert_array_equal(far, [-(1 << 20), 1 << 20])
