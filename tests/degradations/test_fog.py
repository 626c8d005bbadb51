"""Fog: published outputs stage by stage, and the definition in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from lqjax.degradations.fog import under_fog
from lqjax.imaging.draws import unit_uniform
from lqjax.imaging.keys import GENERATOR, example_keys, example_numbers
from lqjax.imaging.levels import as_float
from lqjax.imaging.operations import OPERATIONS
from lqjax.imaging.plasma import plasma
from tests.comparing import assert_equals_published
from tests.golden import golden_image, golden_output
from tests.imaging.plasma_reference import plasma_by_points

OP = OPERATIONS["fog"]
mapped = jax.jit(plasma)
laid = jax.jit(under_fog)
LEVELS = {1: (0.2, 3), 3: (0.75, 2.5), 5: (1.5, 1.75)}
"""Amount and decay of cifar10_c at its stored severities."""


def keys(batch):
    return example_keys(1, OP.stream, jnp.asarray(example_numbers(np.arange(batch))))


def reference(image, heights, amount):
    image = image.astype(np.float64)
    brightest = image.max()
    fogged = image + amount * heights[: image.shape[0], : image.shape[1], None]
    return np.clip(fogged * brightest / (brightest + amount), 0, 1)


fogged = jax.jit(OP, static_argnames="side")


def map_of(words, side, decay):
    key = jax.random.wrap_key_data(words, impl=GENERATOR)
    return plasma_by_points(2 * np.asarray(unit_uniform(key, (side * side - 1,))) - 1, decay)


@pytest.mark.parametrize("severity", LEVELS)
def test_published_draws_give_the_published_output(severity):
    amount, decay = LEVELS[severity]
    image = golden_image()
    heights = mapped(golden_output("cifar10_c", "fog", severity, "u_flat"), np.float32(decay))
    stored = golden_output("cifar10_c", "fog", severity, "plasma")
    found = laid(as_float(jnp.asarray(image))[None], heights[None], np.float32(amount))[0]
    exact = reference(image / 255.0, stored.astype(np.float64), amount)
    assert_equals_published(found, exact, golden_output("cifar10_c", "fog", severity, "out"))


@pytest.mark.parametrize(
    ("shape", "side", "covering"),
    [
        ((28, 57, 3), 0, 64),
        ((40, 28, 3), 100, 128),
        ((65, 28, 3), 32, 128),
    ],
)
def test_map_covers_the_image_and_is_cropped_at_the_top_left(shape, side, covering):
    given = np.random.default_rng(0).uniform(0, 0.8, (2, *shape)).astype(np.float32)
    found = fogged(keys(2), given, amount=1.5, decay=2.0, side=side)
    words = OP.draws(keys(2), shape)
    for i in range(2):
        heights = map_of(words[i], covering, 2.0)
        np.testing.assert_allclose(found[i], reference(given[i], heights, 1.5), atol=1e-5)


@pytest.mark.slow
def test_grey_equals_three_equal_channels():
    grey = np.random.default_rng(0).random((2, 28, 28, 1)).astype(np.float32)
    one = fogged(keys(2), jnp.asarray(grey), amount=2.0, decay=2.0)
    three = fogged(keys(2), jnp.asarray(np.repeat(grey, 3, axis=3)), amount=2.0, decay=2.0)
    np.testing.assert_allclose(np.repeat(one, 3, axis=3), three, rtol=0, atol=1e-6)


def test_black_stays_black_and_white_stays_within_half_of_it():
    black = jnp.zeros((2, 28, 28, 3))
    assert np.asarray(fogged(keys(2), black, amount=1.0, decay=2.0)).max() < 1e-5
    np.testing.assert_array_equal(fogged(keys(2), black, amount=0.0, decay=2.0), black)
    white = np.asarray(fogged(keys(2), jnp.ones((2, 28, 28, 3)), amount=1.0, decay=2.0))
    assert 0.5 <= white.min() < 0.65 and 0.85 < white.max() <= 1


def test_draws_of_the_map_are_uniform_and_differ_between_examples():
    words = OP.draws(keys(4), (28, 28, 3))
    draws = jax.vmap(
        lambda w: unit_uniform(jax.random.wrap_key_data(w, impl=GENERATOR), (128 * 128 - 1,))
    )(words)
    assert scipy.stats.kstest(np.asarray(draws, np.float64).ravel(), "uniform").pvalue > 0.01
    assert len(np.unique(np.asarray(draws)[:, 0])) == 4
