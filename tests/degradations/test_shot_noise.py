"""Shot noise: published outputs from published counts, and the distribution of its own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from lqjax.degradations.shot_noise import from_counts
from lqjax.imaging.degrade import degrade
from lqjax.imaging.keys import example_keys, example_numbers
from lqjax.imaging.levels import as_float
from lqjax.imaging.operations import OPERATIONS
from tests.comparing import assert_equals_published
from tests.golden import golden_image, golden_output

OP = OPERATIONS["shot_noise"]
CALL = jax.jit(OP)
APPLY = jax.jit(OP.apply)
DRAWS = jax.jit(OP.draws, static_argnums=1)
PHOTONS = {1: 500, 3: 100, 5: 50}
"""Of cifar10_c at its stored severities."""


def keys(batch):
    return example_keys(1, OP.stream, jnp.asarray(example_numbers(np.arange(batch))))


@pytest.mark.parametrize("severity", PHOTONS)
def test_published_counts_give_the_published_output(severity):
    counts = golden_output("cifar10_c", "shot_noise", severity, "counts").astype(np.float32)
    published = golden_output("cifar10_c", "shot_noise", severity, "out")
    found = from_counts(jnp.asarray(counts), np.float32(PHOTONS[severity]))
    exact = np.clip(counts.astype(np.float64) / PHOTONS[severity], 0, 1)
    assert_equals_published(found, exact, published)


@pytest.mark.parametrize("severity", PHOTONS)
def test_uniforms_behind_the_published_counts_give_them_back(severity):
    counts = golden_output("cifar10_c", "shot_noise", severity, "counts").astype(np.float64)
    image = np.asarray(as_float(jnp.asarray(golden_image())))
    mean = image.astype(np.float64) * PHOTONS[severity]
    law = scipy.stats.poisson
    # The middle of the step of the distribution function that a count covers.
    low = (law.cdf(counts - 1, mean) + law.cdf(counts, mean)) / 2
    high = (law.sf(counts - 1, mean) + law.sf(counts, mean)) / 2
    tails = np.where(low < 0.5, -low, high).astype(np.float32)
    found = APPLY(jnp.asarray(image)[None], jnp.asarray(tails)[None], photons=PHOTONS[severity])
    np.testing.assert_allclose(
        found[0], np.clip(counts / PHOTONS[severity], 0, 1), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 41, 3), (90, 64, 3)])
@pytest.mark.parametrize("photons", [3, 60, 500])
def test_equals_scipy_from_the_same_draws(shape, photons):
    # Not on 8-bit levels, as inside a chain.
    given = np.random.default_rng(0).random((2, *shape)).astype(np.float32)
    draws = np.asarray(DRAWS(keys(2), shape))
    found = np.asarray(APPLY(jnp.asarray(given), jnp.asarray(draws), photons=photons))
    mean, distance = (given * np.float32(photons)).astype(np.float64), np.abs(draws.astype(float))
    law = scipy.stats.poisson
    counts = np.where(draws < 0, law.ppf(distance, mean), law.isf(distance, mean))
    differs = np.abs(found - np.clip(counts / photons, 0, 1)) > 1e-6
    assert differs.mean() <= 1e-4


@pytest.mark.parametrize("photons", [3, 12, 500])
def test_distribution_of_a_grey_image(photons):
    value = np.float32(0.4)
    found = np.asarray(CALL(keys(8), jnp.full((8, 32, 32, 3), value), photons=photons), np.float64)
    counts = np.rint(found.ravel() * photons)
    mean = float(value) * photons
    inside = counts < photons  # brighter ones are clipped
    law = scipy.stats.poisson(mean)
    assert inside.mean() == pytest.approx(law.cdf(photons - 1), abs=0.01)
    assert counts.mean() == pytest.approx(
        law.expect(lambda k: np.minimum(k, photons)), abs=4 * (mean / counts.size) ** 0.5
    )
    values = np.arange(photons)
    likely = values[law.pmf(values) > 0.01]
    seen = np.array([(counts == k).sum() for k in likely])
    expected = law.pmf(likely) * counts.size
    rest = [counts.size - seen.sum()], [counts.size - expected.sum()]
    result = scipy.stats.chisquare(np.append(seen, rest[0]), np.append(expected, rest[1]))
    assert result.pvalue > 0.01


def test_black_stays_black_and_much_light_changes_little():
    black = np.zeros((1, 28, 28, 3), np.float32)
    np.testing.assert_array_equal(degrade(black, "shot_noise(photons=5)"), black)
    grey = np.full((1, 28, 28, 3), 0.5, np.float32)
    assert np.abs(degrade(grey, "shot_noise(photons=1e6)") - grey).max() < 0.005


def test_severities_share_their_noise():
    grey = np.full((2, 28, 28, 1), 0.5, np.float32)
    weak = degrade(grey, "shot_noise(photons=400)") - grey
    strong = degrade(grey, "shot_noise(photons=100)") - grey
    assert np.corrcoef(weak.ravel(), strong.ravel())[0, 1] > 0.99
