"""Salt and pepper: which pixels, which colour, how many."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from lqjax.imaging.keys import example_keys, example_numbers
from lqjax.imaging.operations import OPERATIONS

OP = OPERATIONS["salt_and_pepper"]
CALL = jax.jit(OP)
APPLY = jax.jit(OP.apply)
DRAWS = jax.jit(OP.draws, static_argnums=1)


def keys(batch):
    return example_keys(1, OP.stream, jnp.asarray(example_numbers(np.arange(batch))))


def grey(batch=4, height=64, width=57, channels=3):
    return jnp.full((batch, height, width, channels), 0.5, jnp.float32)


@pytest.mark.parametrize("shape", [(28, 28, 3), (31, 45, 1)])
@pytest.mark.parametrize(("amount", "salt_share"), [(0.1, 0.5), (0.7, 0.2), (1, 1), (0.3, 0)])
def test_equals_a_loop_over_pixels(shape, amount, salt_share):
    given = np.random.default_rng(0).random((2, *shape), np.float32)
    draws = np.random.default_rng(1).random((2, *shape[:2], 2), np.float32)
    expected = given.copy()
    for place in np.ndindex(2, *shape[:2]):
        hit, colour = draws[place]
        if hit < amount:
            expected[place] = 1 if colour < salt_share else 0
    found = APPLY(
        jnp.asarray(given),
        jnp.asarray(draws),
        amount=np.float32(amount),
        salt_share=np.float32(salt_share),
    )
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("amount", "salt_share"), [(0.05, 0.5), (0.4, 0.25)])
def test_as_many_pixels_as_asked_for(amount, salt_share):
    found = np.asarray(CALL(keys(4), grey(), amount=amount, salt_share=salt_share))[..., 0]
    pixels, replaced = found.size, int((found != 0.5).sum())
    assert scipy.stats.binomtest(replaced, pixels, amount).pvalue > 0.01
    assert scipy.stats.binomtest(int((found == 1).sum()), replaced, salt_share).pvalue > 0.01


def test_draws_are_uniform_and_independent():
    draws = np.asarray(DRAWS(keys(4), (64, 57, 3)), np.float64)
    hit, colour = draws[..., 0].ravel(), draws[..., 1].ravel()
    assert scipy.stats.kstest(hit, "uniform").pvalue > 0.01
    assert scipy.stats.kstest(colour, "uniform").pvalue > 0.01
    assert scipy.stats.pearsonr(hit, colour).pvalue > 0.01


def test_channels_go_together_and_one_channel_goes_the_same_way():
    found = np.asarray(CALL(keys(4), grey(), amount=0.3, salt_share=0.5))
    assert np.ptp(found, axis=3).max() == 0
    single = CALL(keys(4), grey(channels=1), amount=0.3, salt_share=0.5)
    np.testing.assert_array_equal(single, found[..., :1])


def test_more_keeps_what_less_has_replaced():
    less = np.asarray(CALL(keys(4), grey(), amount=0.2, salt_share=0.5))
    more = np.asarray(CALL(keys(4), grey(), amount=0.6, salt_share=0.5))
    np.testing.assert_array_equal(more[less != 0.5], less[less != 0.5])


def test_the_ends_of_the_range():
    given = jnp.asarray(np.random.default_rng(0).random((2, 28, 28, 3), np.float32))
    np.testing.assert_array_equal(CALL(keys(2), given, amount=0, salt_share=0.5), given)
    everything = np.asarray(CALL(keys(2), given, amount=1, salt_share=0.5))
    assert set(np.unique(everything)) == {0, 1}
    assert (np.asarray(CALL(keys(2), given, amount=1, salt_share=1)) == 1).all()
