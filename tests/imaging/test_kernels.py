"""Kernels as matrices against SciPy in float64."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from lqjax.imaging.kernels import band_matrix, gaussian_matrix, symmetric_correlation

BORDERS = {"mirror": "mirror", "reflect": "reflect", "replicate": "nearest"}  # ours: SciPy's


@functools.cache
def compiled(size, truncate, border, max_radius):
    options = {"truncate": truncate, "border": border, "max_radius": max_radius}
    return jax.jit(lambda sigma: gaussian_matrix(sigma, size, **options))


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 30])
@pytest.mark.parametrize("radius", [1, 3, 40])
def test_band_matrix_is_correlation(border, size, radius):
    kernel = np.random.default_rng(radius).random(2 * radius + 1)
    kernel /= kernel.sum()
    found = jax.jit(lambda k: band_matrix(k, size, border))(kernel.astype(np.float32))
    expected = scipy.ndimage.correlate1d(np.eye(size), kernel, axis=0, mode=BORDERS[border])
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize(
    ("sigma", "truncate"), [(0.125, 4), (0.4, 4), (0.7, 4), (6.5, 4), (2.44, 3), (170.8, 3)]
)
def test_gaussian_matrix_is_gaussian_filter(border, sigma, truncate):
    size = 29
    expected = scipy.ndimage.gaussian_filter1d(
        np.eye(size), sigma, axis=0, mode=BORDERS[border], truncate=truncate
    )
    found = compiled(size, truncate, border, 520)(np.float32(sigma))
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    "sigma",
    [0, .05, .1, .12, .125, .25, .4, .5, .6, .7, .75, .8, .9, 1, 1.1, 1.2, 1.25, 1.5, 1.6, 2, 2.5],
)  # fmt: skip
@pytest.mark.parametrize("truncate", [3, 4])
def test_radius_is_that_of_float64(sigma, truncate):
    radius = int(truncate * sigma + 0.5)
    matrix = compiled(51, truncate, "replicate", 20)(np.float32(sigma))
    # Weights far out may be too small for float32, but they are not where they end here.
    assert np.flatnonzero(np.asarray(matrix)[25]).tolist() == list(range(25 - radius, 26 + radius))
    if radius == 0:
        np.testing.assert_array_equal(matrix, np.eye(51, dtype=np.float32))


def test_unknown_border_is_refused():
    with pytest.raises(ValueError, match="border must be mirror, reflect or replicate"):
        band_matrix(jnp.ones(3), 5, "wrap")


@pytest.mark.parametrize("shape", [(28, 37, 3), (64, 29, 1), (2, 3, 1)])
@pytest.mark.parametrize("radii", [(1, 1), (4, 9), (16, 16)])
def test_symmetric_correlation_is_correlation_with_a_mirror(shape, radii):
    rng = np.random.default_rng(0)
    kernel = rng.random((2 * radii[0] + 1, 2 * radii[1] + 1))
    kernel = kernel + kernel[::-1]
    kernel = kernel + kernel[:, ::-1]
    kernel /= kernel.sum()
    given = rng.random((2, *shape)).astype(np.float32)
    found = jax.jit(symmetric_correlation)(kernel.astype(np.float32), given)
    expected = [
        scipy.ndimage.correlate(image.astype(float), kernel[..., None], mode="mirror")
        for image in given
    ]
    np.testing.assert_allclose(found, expected, rtol=0, atol=3e-6)
