"""The Poisson inverse against SciPy's in float64, and the draws that go into it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from lqjax.imaging.keys import GENERATOR
from lqjax.imaging.poisson import poisson_counts, signed_tails

COUNT = 1 << 15
NEAR_A_STEP = 1e-7
"""Distance of u from a step of the distribution function at which float32 may decide otherwise."""
MEANS = (0, 1e-4, 0.02, 0.5, 1.99, 2, 2.5, 5, 7.9, 8.1, 12, 25, 60, 100, 250, 500, 2e3, 1e5, 1e6)

counts_of = jax.jit(poisson_counts)


def key(seed):
    return jax.random.key(seed, impl=GENERATOR)


def reference(tails, mean):
    """Counts by SciPy; from the upper end where u is nearer to 1."""
    distance = np.abs(tails.astype(np.float64))
    low = scipy.stats.poisson.ppf(distance, mean)
    high = scipy.stats.poisson.isf(distance, mean)
    return np.maximum(np.where(tails < 0, low, high), 0)


def distance_to_step(tails, mean, found, expected):
    distance = np.abs(tails.astype(np.float64))
    low = np.minimum(found, expected)
    step = np.where(
        tails < 0, scipy.stats.poisson.cdf(low, mean), scipy.stats.poisson.sf(low, mean)
    )
    return np.abs(step - distance)


def means_around(mean, seed=0):
    spread = np.random.default_rng(seed).uniform(0.97, 1, COUNT)
    return np.float32(mean * spread)


@pytest.mark.parametrize("mean", MEANS)
def test_equals_scipy_but_next_to_a_step(mean):
    tails, means = np.asarray(signed_tails(key(0), (COUNT,))), means_around(mean)
    found = np.asarray(counts_of(tails, means))
    expected = reference(tails, means.astype(np.float64))
    wrong = found != expected
    assert wrong.mean() < 2e-4
    close = distance_to_step(tails, means.astype(np.float64), found, expected)[wrong]
    assert np.all(close < NEAR_A_STEP)


@pytest.mark.parametrize("mean", [m for m in MEANS if m < 1e4])
def test_far_tails_equal_scipy(mean):
    rng = np.random.default_rng(1)
    # Uniform in the logarithm, down to the least draw there is.
    tails = np.float32(2.0 ** -rng.uniform(1, 33, COUNT) * np.where(rng.random(COUNT) < 0.5, -1, 1))
    means = means_around(mean)
    found = np.asarray(counts_of(tails, means))
    expected = reference(tails, means.astype(np.float64))
    wrong = found != expected
    assert np.abs(found - expected).max() <= 1
    close = distance_to_step(tails, means.astype(np.float64), found, expected)
    assert np.all(close[wrong] < NEAR_A_STEP)
    assert np.all(close[wrong] < 0.15 * np.abs(tails[wrong]))
    assert wrong.mean() < 0.02


@pytest.mark.parametrize("mean", [0.3, 3.3, 20.7, 77.0, 433.0])
def test_distribution(mean):
    found = np.asarray(counts_of(signed_tails(key(2), (COUNT,)), jnp.full(COUNT, mean)))
    law = scipy.stats.poisson(mean)
    edges = np.unique(law.ppf(np.linspace(0.001, 0.999, 20)))
    expected = np.diff(np.concatenate([[0], law.cdf(edges), [1]])) * COUNT
    seen = np.bincount(np.searchsorted(edges, found), minlength=len(expected))
    assert scipy.stats.chisquare(seen, expected).pvalue > 0.01
    assert found.mean() == pytest.approx(mean, abs=4 * (mean / COUNT) ** 0.5)
    assert found.var() == pytest.approx(mean, rel=0.05)


def test_no_light_gives_no_counts():
    tails = np.float32([-0.5, -(2.0**-33), 2.0**-33, 0.5, 0.1])
    np.testing.assert_array_equal(counts_of(tails, np.zeros(5, np.float32)), np.zeros(5))


def test_counts_are_equal_eager_and_jit():
    tails = signed_tails(key(3), (COUNT,))
    for mean in (1.5, 10, 60, 500):
        means = jnp.asarray(means_around(mean))
        np.testing.assert_array_equal(poisson_counts(tails, means), counts_of(tails, means))


def test_more_light_gives_more_counts():
    tails = jnp.repeat(signed_tails(key(4), (64, 1)), 4000, axis=1)
    means = jnp.broadcast_to(jnp.linspace(0.0, 40.0, 4000), tails.shape)
    assert np.diff(np.asarray(counts_of(tails, means)), axis=1).min() >= 0


def test_draws_are_uniform_to_their_ends():
    tails = np.asarray(signed_tails(key(5), (1 << 20,)), np.float64)
    uniform = np.where(tails < 0, -tails, 1 - tails)
    assert scipy.stats.kstest(uniform, "uniform").pvalue > 0.01
    # A million draws should come within 1e-6 of either end.
    assert 0 < np.abs(tails[tails < 0]).min() < 1e-5 and 0 < tails[tails > 0].min() < 1e-5
    assert np.abs(tails).max() <= 0.5
