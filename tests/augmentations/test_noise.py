"""Noise injection: the distribution, and what is cut off."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from lqjax.augmentations.base import AUGMENTATIONS
from lqjax.config import AugmentationConfig

OFF = AugmentationConfig()


def noisy(level, sigma, batch=16):
    given = jnp.full((batch, 32, 32, 3), level, jnp.float32)
    chosen = dataclasses.replace(OFF, noise_sigma=sigma)
    return np.asarray(AUGMENTATIONS["noise"].apply(jax.random.key(3), given, chosen), np.float64)


@pytest.mark.parametrize("sigma", [0.01, 0.1])
def test_the_noise_is_gaussian_of_the_given_sigma(sigma):
    drawn = (noisy(0.5, sigma) - 0.5) / sigma
    assert scipy.stats.kstest(drawn.ravel(), "norm").pvalue > 0.01
    assert abs(np.corrcoef(drawn[:-1].ravel(), drawn[1:].ravel())[0, 1]) < 0.02


def test_black_keeps_the_upper_half_of_the_noise():
    drawn = noisy(0.0, 0.1).ravel()
    assert drawn.min() == 0
    assert abs((drawn == 0).mean() - 0.5) < 0.01
    assert scipy.stats.kstest(drawn[drawn > 0] / 0.1, "halfnorm").pvalue > 0.01
