"""Gamma against scikit-image in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.exposure

from lqjax.imaging.operations import OPERATIONS

OP = OPERATIONS["gamma"]
CALL = jax.jit(OP)


@pytest.mark.parametrize("shape", [(28, 28, 3), (28, 45, 1)])
@pytest.mark.parametrize("exponent", [0.01, 0.4, 1.001, 2.2, 5, 100])
def test_equals_scikit_image(shape, exponent):
    given = np.random.default_rng(0).random((2, *shape), np.float32)
    expected = skimage.exposure.adjust_gamma(given.astype(np.float64), exponent)
    found = CALL(None, jnp.asarray(given), exponent=exponent)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("exponent", [0.01, 0.5, 3, 100])
def test_black_and_white_are_exact(exponent):
    ends = jnp.asarray([0, 1], jnp.float32).reshape(1, 1, 2, 1)
    np.testing.assert_array_equal(np.asarray(CALL(None, ends, exponent=exponent)).ravel(), [0, 1])


def test_two_exponents_multiply():
    given = jnp.asarray(np.random.default_rng(0).random((2, 28, 28, 3), np.float32))
    back = CALL(None, CALL(None, given, exponent=2.0), exponent=0.5)
    np.testing.assert_allclose(back, given, rtol=0, atol=1e-6)


def test_exponent_1_changes_nothing():
    given = jnp.asarray(np.random.default_rng(0).random((2, 28, 28, 3), np.float32))
    np.testing.assert_array_equal(CALL(None, given, exponent=1), given)
