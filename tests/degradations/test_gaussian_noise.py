"""Gaussian noise: the distribution it claims."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from lqjax.imaging.degrade import degrade
from lqjax.imaging.keys import example_keys, example_numbers
from lqjax.imaging.operations import OPERATIONS

OP = OPERATIONS["gaussian_noise"]
CALL = jax.jit(OP)


def keys(batch):
    return example_keys(1, OP.stream, jnp.asarray(example_numbers(np.arange(batch))))


def test_moments_and_distribution():
    grey = jnp.full((8, 64, 64, 3), 0.5)
    noise = np.asarray(CALL(keys(8), grey, sigma=0.05) - grey, np.float64).ravel() / 0.05
    assert scipy.stats.kstest(noise, "norm").pvalue > 0.01
    assert abs(noise.mean()) < 4 / len(noise) ** 0.5
    assert noise.std() == pytest.approx(1, rel=0.01)


def test_clipping_is_that_of_a_clipped_normal():
    found = np.asarray(CALL(keys(8), jnp.full((8, 64, 64, 3), 0.9), sigma=0.3))
    assert (found == 1).mean() == pytest.approx(scipy.stats.norm.sf(1 / 3), abs=0.01)
    assert (found == 0).mean() == pytest.approx(scipy.stats.norm.cdf(-3), abs=0.002)


def test_severities_share_their_noise():
    grey = np.full((2, 28, 28, 1), 0.5, np.float32)
    weak = degrade(grey, "gaussian_noise(sigma=0.01)") - grey
    strong = degrade(grey, "gaussian_noise(sigma=0.05)") - grey
    np.testing.assert_allclose(strong, 5 * weak, atol=1e-6)
