"""Gaussian blur against SciPy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from lqjax.imaging.kernels import band_matrix, gaussian_weights
from lqjax.imaging.operations import OPERATIONS

OP = OPERATIONS["gaussian_blur"]
CALL = jax.jit(OP)


def reference(images, kernel_size, sigma):
    offsets = np.arange(kernel_size) - (kernel_size - 1) / 2
    kernel = np.exp(-(offsets**2) / (2 * sigma**2))
    kernel /= kernel.sum()
    result = images.astype(np.float64)
    for axis in (1, 2):
        result = scipy.ndimage.correlate1d(result, kernel, axis=axis, mode="mirror")
    return result


@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 37, 3), (64, 29, 3)])
@pytest.mark.parametrize(
    ("kernel_size", "sigma"), [(3, 1), (9, 3), (15, 5), (5, 0.3), (55, 20), (127, 40)]
)
def test_equals_scipy(shape, kernel_size, sigma):
    given = np.random.default_rng(0).random((2, *shape)).astype(np.float32)
    found = CALL(None, jnp.asarray(given), kernel_size=kernel_size, sigma=sigma)
    np.testing.assert_allclose(found, reference(given, kernel_size, sigma), atol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 30])
@pytest.mark.parametrize("radius", [1, 2, 3, 10])
def test_band_matrix_is_correlation_with_a_mirror(size, radius):
    kernel = np.random.default_rng(radius).random(2 * radius + 1)
    found = band_matrix(jnp.asarray(kernel, jnp.float32), size)
    expected = scipy.ndimage.correlate1d(np.eye(size), kernel, axis=0, mode="mirror")
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_weights_are_cut_off_and_sum_to_one():
    weights = np.asarray(gaussian_weights(5, 1.5, 10))
    assert weights.sum() == pytest.approx(1, abs=1e-6)
    assert np.flatnonzero(weights).tolist() == [8, 9, 10, 11, 12]
    np.testing.assert_array_equal(gaussian_weights(9, 0.0, 4), np.eye(9, dtype=np.float32)[4])
