"""Shot and read noise against SciPy in float64, and the photon transfer that it must show."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from lqjax.imaging.keys import example_keys, example_numbers
from lqjax.imaging.light import to_linear
from lqjax.imaging.operations import OPERATIONS
from tests.degradations.light_references import counts, decoded, encoded, near_a_step

OP = OPERATIONS["shot_and_read_noise"]
DRAWS = jax.jit(OP.draws, static_argnums=1)
CALL = jax.jit(OP)
APPLY = jax.jit(OP.apply)


def keys(batch):
    return example_keys(1, OP.stream, jnp.asarray(example_numbers(np.arange(batch))))


def noisy(light, photons, read_noise, shape=(4, 64, 64, 3)):
    """Linear light measured where the scene has `light` everywhere."""
    codes = jnp.full(shape, encoded(light), jnp.float32)
    found = CALL(keys(shape[0]), codes, photons=photons, read_noise=read_noise)
    return decoded(np.asarray(found))


@pytest.mark.parametrize("shape", [(32, 32, 3), (28, 45, 1)])
@pytest.mark.parametrize(("photons", "read_noise"), [(3, 0), (40, 3), (1000, 10), (100_000, 0)])
def test_equals_scipy(shape, photons, read_noise):
    levels = np.random.default_rng(0).integers(0, 256, (2, *shape))
    given = (levels / 255).astype(np.float32)
    draws = DRAWS(keys(2), shape)
    tails, normal = (np.asarray(draw, np.float64) for draw in draws)
    mean = decoded(given) * photons
    expected = encoded((counts(tails, mean) + read_noise * normal) / photons)
    found = APPLY(
        jnp.asarray(given), draws, photons=np.float32(photons), read_noise=np.float32(read_noise)
    )
    clear = ~near_a_step(tails, mean)
    assert clear.mean() > 0.99
    np.testing.assert_allclose(np.asarray(found)[clear], expected[clear], rtol=0, atol=1e-4)


@pytest.mark.parametrize("light", [0.1, 0.5])
def test_variance_grows_with_the_light(light):
    photons, read_noise = 400, 5
    electrons = noisy(light, photons, read_noise) * photons
    many = electrons.size
    expected = light * photons + read_noise**2
    assert electrons.mean() == pytest.approx(light * photons, abs=4 * (expected / many) ** 0.5)
    assert electrons.var() == pytest.approx(expected, rel=0.03)


def test_in_the_dark_only_read_noise_is_left():
    found = noisy(0.0, 1000, 8) * 1000
    lit = found[found > 0]
    assert len(lit) / found.size == pytest.approx(0.5, abs=0.01)
    assert scipy.stats.kstest(lit[:5000], scipy.stats.halfnorm(scale=8).cdf).pvalue > 0.01
    assert not noisy(0.0, 1000, 0).any()


def test_draws_are_uniform_normal_and_independent():
    tails, normal = (np.asarray(draw, np.float64).ravel() for draw in DRAWS(keys(4), (64, 57, 3)))
    uniform = np.where(tails < 0, -tails, 1 - tails)
    assert scipy.stats.kstest(uniform, "uniform").pvalue > 0.01
    assert scipy.stats.kstest(normal, "norm").pvalue > 0.01
    assert scipy.stats.pearsonr(uniform, normal).pvalue > 0.01


def test_whole_counts_of_light_without_read_noise():
    found = noisy(0.3, 20, 0, (2, 28, 28, 3)) * 20
    np.testing.assert_allclose(found, np.rint(found), atol=1e-4)


def test_infinitely_many_photons_leave_the_images_as_they_are():
    given = jnp.asarray(np.random.default_rng(0).random((2, 28, 28, 3), np.float32))
    np.testing.assert_array_equal(CALL(keys(2), given, photons=np.inf, read_noise=5), given)
    almost = CALL(keys(2), given, photons=1e12, read_noise=5)
    np.testing.assert_allclose(almost, given, rtol=0, atol=5e-3)


def test_code_values_are_decoded_first():
    photons = 10_000
    codes = jnp.full((2, 32, 32, 1), 0.5, jnp.float32)
    found = CALL(keys(2), codes, photons=photons, read_noise=0)
    light = np.asarray(to_linear(found), np.float64)
    assert light.mean() == pytest.approx(0.214, abs=1e-3)
    assert light.var() * photons == pytest.approx(0.214, rel=0.1)
