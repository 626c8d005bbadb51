"""Speckle noise: published outputs from published draws, and the distribution of its own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from lqjax.imaging.degrade import degrade
from lqjax.imaging.keys import example_keys, example_numbers
from lqjax.imaging.levels import as_float
from lqjax.imaging.operations import OPERATIONS
from tests.comparing import assert_equals_published
from tests.golden import golden_image, golden_output

OP = OPERATIONS["speckle_noise"]
CALL = jax.jit(OP)
APPLY = jax.jit(OP.apply)
DRAWS = jax.jit(OP.draws, static_argnums=1)
SIGMAS = {1: 0.06, 3: 0.12, 5: 0.2}
"""Of cifar10_c at its stored severities."""


def keys(batch):
    return example_keys(1, OP.stream, jnp.asarray(example_numbers(np.arange(batch))))


@pytest.mark.parametrize("severity", SIGMAS)
def test_published_draws_give_the_published_output(severity):
    noise = golden_output("cifar10_c", "speckle_noise", severity, "noise")
    published = golden_output("cifar10_c", "speckle_noise", severity, "out")
    image, sigma = golden_image(), SIGMAS[severity]
    unit = jnp.asarray(noise / np.float32(sigma))[None]
    found = APPLY(as_float(jnp.asarray(image))[None], unit, sigma=sigma)[0]
    exact = np.clip(image / 255.0 * (1 + noise.astype(np.float64)), 0, 1)
    assert_equals_published(found, exact, published)


@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 45, 3), (90, 64, 3)])
def test_equals_the_definition(shape):
    given = np.random.default_rng(0).random((2, *shape)).astype(np.float32)
    draws = np.asarray(DRAWS(keys(2), shape))
    found = APPLY(jnp.asarray(given), jnp.asarray(draws), sigma=0.6)
    exact = given.astype(np.float64)
    exact = np.clip(exact + exact * 0.6 * draws.astype(np.float64), 0, 1)
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-6)


def test_noise_is_normal_in_proportion_to_the_value():
    for value in (0.5, 0.25):
        grey = jnp.full((8, 64, 64, 3), value)
        noise = np.asarray(CALL(keys(8), grey, sigma=0.1) - grey, np.float64).ravel()
        assert scipy.stats.kstest(noise / (0.1 * value), "norm").pvalue > 0.01


def test_black_stays_black():
    black = np.zeros((1, 28, 28, 3), np.float32)
    np.testing.assert_array_equal(degrade(black, "speckle_noise(sigma=0.6)"), black)
