"""Levels, draws, keys and PSNR against NumPy and SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from skimage.metrics import peak_signal_noise_ratio

from lqjax.imaging.draws import random_bits, unit_normal, unit_uniform
from lqjax.imaging.keys import example_keys, example_numbers
from lqjax.imaging.levels import as_float, from_levels, to_levels
from lqjax.imaging.psnr import psnr

KEY = jax.random.key(5)
SHAPE = (200, 300, 3)


def test_levels_go_there_and_back_eager_and_compiled():
    levels = jnp.arange(256, dtype=jnp.uint8)
    floats = from_levels(levels)
    assert (float(floats[0]), float(floats[255])) == (0, 1)
    np.testing.assert_allclose(floats, np.arange(256) / 255, rtol=1.2e-7)
    np.testing.assert_array_equal(jax.jit(from_levels)(levels), floats)
    np.testing.assert_array_equal(to_levels(floats), levels)
    divided = jnp.asarray(np.arange(256, dtype=np.float32) / np.float32(255))
    np.testing.assert_array_equal(to_levels(divided), levels)
    np.testing.assert_array_equal(to_levels(jnp.array([-1.0, 2.0])), [0, 255])
    np.testing.assert_array_equal(to_levels(jnp.array([0.6, 1.4, 99.51]) / 255), [1, 1, 100])
    with pytest.raises(ValueError, match="uint8 or float32"):
        as_float(jnp.zeros(3, jnp.int32))


def test_normal_draws_are_normal():
    draws = np.asarray(unit_normal(KEY, SHAPE), np.float64).ravel()
    assert scipy.stats.kstest(draws, "norm").pvalue > 0.01
    assert abs(draws.mean()) < 4 / len(draws) ** 0.5
    assert draws.std() == pytest.approx(1, abs=4 / (2 * len(draws)) ** 0.5)
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 4 / len(draws) ** 0.5
    half = len(draws) // 2
    assert abs(np.corrcoef(draws[:half], draws[half:])[0, 1]) < 4 / half**0.5


def test_uniform_draws_are_uniform():
    draws = np.asarray(unit_uniform(KEY, SHAPE))
    assert draws.min() >= 0 and draws.max() < 1
    assert scipy.stats.kstest(draws.ravel(), "uniform").pvalue > 0.01
    assert unit_uniform(KEY, ()).shape == ()


def test_bits_do_not_repeat():
    bits = np.asarray(random_bits(KEY, (100_001,)))
    assert bits.dtype == np.uint32
    assert len(np.unique(bits)) > 99_990  # birthday: about one pair is expected
    for position in range(32):
        assert ((bits >> position) & 1).mean() == pytest.approx(0.5, abs=0.01)


def test_neighbouring_examples_seeds_and_streams_are_independent():
    numbers = jnp.arange(3, dtype=jnp.uint32)
    fields = [
        np.asarray(unit_normal(key, (60, 60))).ravel()
        for seed in (0, 1)
        for stream in (7, 8)
        for key in example_keys(seed, stream, numbers)
    ]
    correlations = np.corrcoef(fields) - np.eye(len(fields))
    assert np.abs(correlations).max() < 5 / 60


def test_numbers_depend_on_the_id_alone():
    numbers = example_numbers(np.array(["test/1", "test/2", "test/1"]))
    assert numbers.dtype == np.uint32
    assert numbers[0] == numbers[2] != numbers[1]


def test_keys_do_not_follow_the_default_generator():
    numbers = jnp.arange(2, dtype=jnp.uint32)
    expected = jax.random.key_data(example_keys(0, 1, numbers))
    with jax.default_prng_impl("rbg"):
        np.testing.assert_array_equal(jax.random.key_data(example_keys(0, 1, numbers)), expected)


def test_psnr_is_scikit_images():
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 4, 28, 30, 3), np.float32)
    found = psnr(jnp.asarray(first), jnp.asarray(second))
    expected = [
        peak_signal_noise_ratio(a, b, data_range=1) for a, b in zip(first, second, strict=True)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert np.isinf(psnr(jnp.asarray(first), jnp.asarray(first))).all()
    with pytest.raises(ValueError, match="equal shapes"):
        psnr(jnp.asarray(first), jnp.asarray(second[:1]))
