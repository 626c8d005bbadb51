"""Frost that is drawn: the look that it claims. Photographs: tests/imaging."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from lqjax.imaging.degrade import degrade
from lqjax.imaging.frost_texture import frost_texture
from lqjax.imaging.keys import example_keys, example_numbers
from lqjax.imaging.operations import OPERATIONS

OP = OPERATIONS["frost"]
PUBLISHED_COLOUR = (0.58, 0.65, 0.70)
"""Mean of random crops of the published photographs."""
PUBLISHED_MEANS = (0.38, 0.87)
PUBLISHED_DEVIATION = 0.09
"""Standard deviation of grey within a crop, mean over crops."""


def keys(batch):
    return example_keys(1, OP.stream, jnp.asarray(example_numbers(np.arange(batch))))


@partial(jax.jit, static_argnames=("count", "size", "shrink"))
def drawn(count, size, shrink):
    words = OP.draws(keys(count), (*size, 3))["texture"]
    return jax.vmap(lambda word: frost_texture(word, size, shrink))(words)


def textures(count, size, shrink):
    return np.asarray(drawn(count, size, shrink))


@pytest.mark.parametrize(("size", "shrink"), [((224, 224), 1), ((64, 64), 0.3), ((32, 32), 0.2)])
def test_brightness_colour_and_contrast_are_near_the_published(size, shrink):
    panes = textures(64, size, shrink)
    grey = panes.mean(axis=3)
    means = grey.mean(axis=(1, 2))
    np.testing.assert_allclose(panes.mean(axis=(0, 1, 2)), PUBLISHED_COLOUR, atol=0.05)
    assert PUBLISHED_MEANS[0] - 0.1 < means.min() < 0.55
    assert 0.75 < means.max() < PUBLISHED_MEANS[1] + 0.05
    assert grey.std(axis=(1, 2)).mean() == pytest.approx(PUBLISHED_DEVIATION, abs=0.03)


def test_borders_are_brighter_than_the_middle():
    grey = textures(64, (64, 64), 0.3).mean(axis=(0, 3))
    border = np.concatenate([grey[:6].ravel(), grey[-6:].ravel(), grey[:, :6].ravel()])
    assert border.mean() > grey[20:44, 20:44].mean() + 0.02


def test_shrink_scales_the_features():
    def likeness(panes, lag):
        grey = panes.mean(axis=3) - panes.mean(axis=(1, 2, 3))[:, None, None]
        return (grey[:, :-lag] * grey[:, lag:]).mean() / (grey**2).mean()

    large, small = textures(64, (64, 64), 1), textures(64, (64, 64), 0.3)
    assert likeness(large, 8) > likeness(small, 8) + 0.05


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(28, 28, 1), (50, 41, 3)])
def test_result_is_the_weighted_sum(shape):
    given = np.random.default_rng(0).random((2, *shape)).astype(np.float32)
    frosted = jax.jit(lambda x, a, b: OP(keys(2), x, image_weight=a, frost_weight=b))
    pane = np.asarray(frosted(given, 0.0, 1.0), np.float64)
    colour = textures(2, shape[:2], 1).astype(np.float64)
    if shape[2] == 1:
        colour = colour @ np.array([0.299, 0.587, 0.114])[:, None]
    np.testing.assert_allclose(pane, colour, rtol=0, atol=1e-5)
    exact = np.clip(0.7 * given.astype(np.float64) + 0.7 * colour, 0, 1)
    np.testing.assert_allclose(frosted(given, 0.7, 0.7), exact, rtol=0, atol=1e-5)


def test_weights_one_and_zero_change_nothing():
    image = np.random.default_rng(1).integers(0, 256, (28, 28, 3)).astype(np.uint8)
    np.testing.assert_array_equal(degrade(image, "frost(image_weight=1,frost_weight=0)"), image)


def test_examples_differ_and_places_are_uniform():
    draws = OP.draws(keys(2000), (28, 28, 3))
    assert len(np.unique(np.asarray(draws["texture"]), axis=0)) == 2000
    places = np.asarray(draws["place"], np.float64)
    assert all(scipy.stats.kstest(column, "uniform").pvalue > 0.01 for column in places.T)
