"""Impulse noise: published outputs from published masks, and the shares that it claims."""

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

OP = OPERATIONS["impulse_noise"]
CALL = jax.jit(OP)
APPLY = jax.jit(OP.apply)
DRAWS = jax.jit(OP.draws, static_argnums=1)
AMOUNTS = {1: 0.01, 3: 0.03, 5: 0.07}
"""Of cifar10_c at its stored severities."""


def keys(batch):
    return example_keys(1, OP.stream, jnp.asarray(example_numbers(np.arange(batch))))


@pytest.mark.parametrize("severity", AMOUNTS)
def test_published_masks_give_the_published_output(severity):
    flip = golden_output("cifar10_c", "impulse_noise", severity, "flip")
    salt = golden_output("cifar10_c", "impulse_noise", severity, "salt")
    published = golden_output("cifar10_c", "impulse_noise", severity, "out")
    amount, image = AMOUNTS[severity], golden_image()
    draws = np.where(flip, amount / 2, (1 + amount) / 2) * np.where(salt, 1, -1)
    given = as_float(jnp.asarray(image))[None]
    found = APPLY(given, jnp.asarray(draws, jnp.float32)[None], amount=amount)[0]
    exact = np.where(flip, salt, image / 255.0)
    assert_equals_published(found, exact, published)


@pytest.mark.parametrize("shape", [(28, 28, 1), (30, 57, 3)])
@pytest.mark.parametrize("amount", [0.03, 0.5])
def test_values_are_black_white_or_untouched_in_the_claimed_shares(shape, amount):
    given = np.random.default_rng(0).uniform(0.1, 0.9, (16, *shape)).astype(np.float32)
    found = np.asarray(CALL(keys(16), jnp.asarray(given), amount=amount))
    seen = [(found == 1).sum(), (found == 0).sum(), (found == given).sum()]
    assert sum(seen) == given.size
    expected = np.array([amount / 2, amount / 2, 1 - amount]) * given.size
    assert scipy.stats.chisquare(seen, expected).pvalue > 0.01


def test_channels_are_independent():
    flipped = np.asarray(CALL(keys(8), jnp.full((8, 64, 64, 3), 0.5), amount=0.3)) != 0.5
    both = (flipped[..., 0] & flipped[..., 1]).mean()
    assert both == pytest.approx(0.09, abs=4 * (0.09 * 0.91 / (8 * 64 * 64)) ** 0.5)


def test_draws_are_uniform_without_zero():
    draws = np.asarray(DRAWS(keys(4), (64, 64, 3)), np.float64).ravel()
    assert scipy.stats.kstest(draws, "uniform", args=(-1, 2)).pvalue > 0.01
    assert np.abs(draws).min() > 0 and np.abs(draws).max() < 1


def test_amount_one_leaves_nothing_and_amounts_nest():
    grey = np.full((1, 28, 28, 3), 0.5, np.float32)
    assert not (degrade(grey, "impulse_noise(amount=1)") == 0.5).any()
    weak = degrade(grey, "impulse_noise(amount=0.1)")
    strong = degrade(grey, "impulse_noise(amount=0.2)")
    np.testing.assert_array_equal(strong[weak != 0.5], weak[weak != 0.5])
