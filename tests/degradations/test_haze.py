"""Haze against Koschmieder's law in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from lqjax.imaging.keys import example_keys
from lqjax.imaging.operations import OPERATIONS
from tests.degradations.light_references import decoded, encoded

OP = OPERATIONS["haze"]
DRAWS = jax.jit(OP.draws, static_argnums=1)
APPLY = jax.jit(OP.apply)


def keys(batch, seed=0):
    return example_keys(seed, OP.stream, jnp.arange(batch, dtype=jnp.uint32))


def depths(draw, height, width, variation):
    """Fall from 1 to 1 - variation along a direction, corner to corner."""
    angle = np.deg2rad(60 * draw - 30)
    rows, columns = np.mgrid[:height, :width].astype(float)
    along = rows * np.cos(angle) + columns * np.sin(angle)
    return 1 - variation * (along - along.min()) / (along.max() - along.min())


def applied(given, draws, **parameters):
    values = {name: np.float32(value) for name, value in parameters.items()}
    return np.asarray(APPLY(jnp.asarray(given), draws, **values))


@pytest.mark.parametrize("shape", [(32, 32, 3), (28, 45, 1), (61, 30, 3)])
@pytest.mark.parametrize(
    ("optical_depth", "airlight", "variation"), [(0.1, 0.9, 0.5), (1.5, 0.7, 1), (3, 1, 0)]
)
def test_equals_the_law(shape, optical_depth, airlight, variation):
    given = np.random.default_rng(0).random((3, *shape)).astype(np.float32)
    draws = DRAWS(keys(3), shape)
    found = applied(
        given, draws, optical_depth=optical_depth, airlight=airlight, variation=variation
    )
    for image, draw, result in zip(given, np.asarray(draws, np.float64), found, strict=True):
        arriving = np.exp(-optical_depth * depths(draw, *shape[:2], variation))[..., None]
        light = decoded(image) * arriving + airlight * (1 - arriving)
        np.testing.assert_allclose(result, encoded(light), rtol=0, atol=1e-4)


def test_endless_haze_is_the_airlight():
    given = np.random.default_rng(0).random((2, 28, 28, 3)).astype(np.float32)
    found = applied(given, DRAWS(keys(2), (28, 28, 3)), optical_depth=20, airlight=0.8, variation=0)
    np.testing.assert_allclose(found, encoded(0.8), rtol=0, atol=1e-5)


def test_the_airlight_itself_stays():
    given = np.full((2, 28, 28, 1), encoded(0.9), np.float32)
    found = applied(
        given, DRAWS(keys(2), (28, 28, 1)), optical_depth=1, airlight=0.9, variation=0.5
    )
    np.testing.assert_allclose(found, given, rtol=0, atol=1e-5)


def test_the_top_is_farthest():
    black = np.zeros((20, 40, 40, 1), np.float32)
    found = applied(
        black, DRAWS(keys(20), (40, 40, 1)), optical_depth=1, airlight=0.9, variation=0.9
    )
    assert (np.diff(found, axis=1) < 0).all()


def test_tilts_are_uniform():
    draws = np.asarray(DRAWS(keys(400), (32, 32, 3)))
    assert scipy.stats.kstest(draws, "uniform").pvalue > 0.01
