"""Brightness and contrast of Pillow's ImageEnhance, bit for bit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image, ImageEnhance

from lqjax.imaging.levels import from_levels
from lqjax.imaging.operations import OPERATIONS

ENHANCERS = {
    "brightness_pillow": ImageEnhance.Brightness,
    "contrast_pillow": ImageEnhance.Contrast,
}
UP = (1.1, 1.15, 1.2, 1.22, 1.25, 1.3, 1.35, 1.4, 1.5, 1.6, 1.7, 1.8, 2, 9.7)
DOWN = (0.9, 0.85, 0.8, 0.75, 0.72, 0.7, 0.65, 0.6, 0.55, 0.5, 0.45, 0.4, 0.3, 0.2, 0.15, 0)


def published(levels, enhancer, factor):
    grey = levels.shape[2] == 1
    image = Image.fromarray(levels[..., 0] if grey else levels)
    enhanced = np.array(enhancer(image).enhance(factor))
    return enhanced[..., None] if grey else enhanced


PROGRAMS = {name: jax.jit(OPERATIONS[name]) for name in ENHANCERS}


def applied(name, levels, factor):
    images = from_levels(jnp.asarray(levels))
    found = PROGRAMS[name](None, images, factor=np.float32(factor))
    return np.rint(np.asarray(found) * 255).astype(np.uint8)


@pytest.mark.parametrize("name", ENHANCERS)
@pytest.mark.parametrize("factor", UP + DOWN)
def test_every_level_equals_pillow(name, factor):
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    colours = np.stack([ramp, np.roll(ramp, 3), ramp.T], axis=2)
    for levels in (ramp[..., None], colours, colours // 5):
        expected = published(levels, ENHANCERS[name], factor)
        np.testing.assert_array_equal(applied(name, levels[None], factor)[0], expected)


@pytest.mark.parametrize("name", ENHANCERS)
@pytest.mark.parametrize("shape", [(32, 32, 3), (28, 45, 1), (224, 224, 3)])
def test_pictures_equal_pillow(name, shape):
    rng = np.random.default_rng(0)
    levels = rng.integers(0, rng.integers(2, 257, (6, 1, 1, shape[2])), (6, *shape)).astype(
        np.uint8
    )
    for factor in (0.55, 1.22):
        found = applied(name, levels, factor)
        for example in range(6):
            expected = published(levels[example], ENHANCERS[name], factor)
            np.testing.assert_array_equal(found[example], expected)


@pytest.mark.parametrize("offset", range(-3, 4))
def test_the_mean_is_rounded_as_pillow_rounds_it(offset):
    """Half of the pixels lie a level higher, give or take a few: means of about 100.5."""
    levels = np.full(28 * 28, 100, np.uint8)
    levels[: 28 * 14 + offset] = 101
    levels = levels.reshape(28, 28, 1)
    expected = published(levels, ImageEnhance.Contrast, 0.0)
    assert expected.max() - expected.min() == 0
    np.testing.assert_array_equal(applied("contrast_pillow", levels[None], 0)[0], expected)


@pytest.mark.parametrize("name", ENHANCERS)
def test_other_values_are_rounded_to_levels_first(name):
    values = np.random.default_rng(0).random((2, 28, 28, 3)).astype(np.float32)
    levels = np.rint(values * 255).astype(np.uint8)
    found = PROGRAMS[name](None, jnp.asarray(values), factor=np.float32(0.7))
    on_levels = PROGRAMS[name](None, from_levels(jnp.asarray(levels)), factor=np.float32(0.7))
    np.testing.assert_array_equal(found, on_levels)
