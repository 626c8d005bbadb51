"""Uneven illumination against NumPy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from lqjax.imaging.keys import example_keys
from lqjax.imaging.operations import OPERATIONS
from tests.degradations.light_references import decoded, encoded

OP = OPERATIONS["uneven_illumination"]
DRAWS = jax.jit(OP.draws, static_argnums=1)
APPLY = jax.jit(OP.apply)


def keys(batch, seed=0):
    return example_keys(seed, OP.stream, jnp.arange(batch, dtype=jnp.uint32))


def field(draw, height, width):
    """1 at the brightest point, 0 at the darkest."""
    half = max(height, width) / 2
    values = np.empty((height, width))
    for row in range(height):
        for column in range(width):
            y, x = (row + 0.5 - height / 2) / half, (column + 0.5 - width / 2) / half
            values[row, column] = (
                draw[0] * x
                + draw[1] * y
                + 0.5 * (draw[2] * x**2 + draw[3] * y**2 + draw[4] * x * y)
            )
    return (values - values.min()) / (values.max() - values.min())


@pytest.mark.parametrize("shape", [(32, 32, 3), (28, 45, 1), (60, 31, 3)])
@pytest.mark.parametrize("depth", [0.1, 0.6, 1])
def test_equals_numpy(shape, depth):
    given = np.random.default_rng(0).random((3, *shape)).astype(np.float32)
    draws = DRAWS(keys(3), shape)
    found = APPLY(jnp.asarray(given), draws, depth=np.float32(depth))
    for image, draw, result in zip(given, np.asarray(draws, np.float64), found, strict=True):
        light = decoded(image) * (1 - depth * (1 - field(draw, *shape[:2])))[..., None]
        np.testing.assert_allclose(result, encoded(light), rtol=0, atol=1e-4)


def test_the_brightest_point_keeps_its_light_and_the_darkest_loses_the_depth():
    white = jnp.ones((8, 40, 40, 3), jnp.float32)
    light = decoded(APPLY(white, DRAWS(keys(8), (40, 40, 3)), depth=np.float32(0.7)))
    np.testing.assert_allclose(light.max(axis=(1, 2, 3)), 1, atol=1e-5)
    np.testing.assert_allclose(light.min(axis=(1, 2, 3)), 0.3, atol=1e-5)
    assert np.abs(np.diff(light, axis=1)).max() < 0.1


def test_an_even_draw_changes_little():
    given = jnp.full((1, 28, 28, 1), 0.5, jnp.float32)
    found = APPLY(given, jnp.zeros((1, 5), jnp.float32), depth=np.float32(0.9))
    np.testing.assert_allclose(found, given, rtol=0, atol=1e-6)


def test_draws_are_normal_and_no_direction_is_preferred():
    draws = np.asarray(DRAWS(keys(400), (32, 32, 3)))
    assert draws.shape == (400, 5)
    for term in draws.T:
        assert scipy.stats.kstest(term, "norm").pvalue > 0.01
    angles = np.arctan2(draws[:, 1], draws[:, 0])
    assert scipy.stats.kstest((angles + np.pi) / (2 * np.pi), "uniform").pvalue > 0.01
