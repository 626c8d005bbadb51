"""RandAugment against Pillow, with the magnitudes of torchvision worked out by hand."""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from lqjax.augmentations.base import AUGMENTATIONS
from lqjax.augmentations.randaugment import OPERATIONS, transform
from lqjax.augmentations.randaugment_draws import Drawn
from lqjax.config import AugmentationConfig
from lqjax.imaging.levels import from_levels

SHAPES = [(28, 36, 3), (33, 29, 1), (64, 64, 3)]
STRENGTHS = [0.0, 0.3, 1.0]
LEVEL_APART = ("autocontrast",)
"""Pillow multiplies and adds in float64, and cuts: values that are whole numbers may fall short."""


def affine(image, *coefficients):
    return image.transform(image.size, Image.Transform.AFFINE, coefficients)


PILLOW = {
    "identity": lambda image, sign, s: image,
    "shear_x": lambda image, sign, s: affine(image, 1, sign * 0.3 * s, 0, 0, 1, 0),
    "shear_y": lambda image, sign, s: affine(image, 1, 0, 0, sign * 0.3 * s, 1, 0),
    "translate_x": lambda image, sign, s: affine(
        image, 1, 0, -sign * math.floor(150 / 331 * image.width * s), 0, 1, 0
    ),
    "translate_y": lambda image, sign, s: affine(
        image, 1, 0, 0, 0, 1, -sign * math.floor(150 / 331 * image.height * s)
    ),
    "rotate": lambda image, sign, s: image.rotate(sign * 30 * s),
    "brightness": lambda image, sign, s: ImageEnhance.Brightness(image).enhance(1 + sign * 0.9 * s),
    "color": lambda image, sign, s: ImageEnhance.Color(image).enhance(1 + sign * 0.9 * s),
    "contrast": lambda image, sign, s: ImageEnhance.Contrast(image).enhance(1 + sign * 0.9 * s),
    "sharpness": lambda image, sign, s: ImageEnhance.Sharpness(image).enhance(1 + sign * 0.9 * s),
    "posterize": lambda image, sign, s: ImageOps.posterize(image, round(8 - 4 * s)),
    "solarize": lambda image, sign, s: ImageOps.solarize(image, 255 * (1 - s)),
    "autocontrast": lambda image, sign, s: ImageOps.autocontrast(image),
    "equalize": lambda image, sign, s: ImageOps.equalize(image),
}


def pictures(shape, seed=0):
    """Noise of several ranges, smooth ramps, and images of one or two levels."""
    generator = np.random.default_rng(seed)
    height, width, channels = shape
    ramp = np.add.outer(np.arange(height), np.arange(width))[..., None] * np.arange(1, channels + 1)
    made = [
        generator.integers(0, 256, shape),
        generator.integers(90, 141, shape),
        generator.integers(0, 256, shape) ** 2 // 255,
        ramp % 256,
        np.clip(ramp, 20, 200),
        np.full(shape, 77),
        np.where(ramp % 3 == 0, 30, 31),
        np.where(generator.random(shape) < 0.01, 255, 0),
    ]
    return np.stack(made).astype(np.uint8)


def published(levels, name, sign, strength):
    grey = levels.shape[2] == 1
    image = Image.fromarray(levels[..., 0] if grey else levels)
    found = np.array(PILLOW[name](image, sign, strength))
    return found[..., None] if grey else found


@functools.partial(jax.jit, static_argnums=3)
def apply(levels, numbers, negative, strength):
    return transform(levels, Drawn(OPERATIONS, numbers, negative, strength))


@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_operation_equals_pillow(shape, strength):
    given = pictures(shape)
    for number, name in enumerate(OPERATIONS):
        for sign in (1, -1):
            drawn = jnp.full(len(given), number, jnp.int32)
            negative = jnp.full(len(given), sign < 0)
            found = np.asarray(apply(jnp.asarray(given), drawn, negative, strength)).astype(int)
            expected = np.stack([published(image, name, sign, strength) for image in given])
            apart = 1 if name in LEVEL_APART else 0
            np.testing.assert_allclose(found, expected, rtol=0, atol=apart, err_msg=name)


def test_autocontrast_is_exact_but_for_few_values():
    given = pictures((64, 64, 3))
    drawn = jnp.full(len(given), OPERATIONS.index("autocontrast"), jnp.int32)
    found = np.asarray(apply(jnp.asarray(given), drawn, jnp.zeros(len(given), bool), 0.3))
    expected = np.stack([published(image, "autocontrast", 1, 0.3) for image in given])
    assert (found != expected).mean() < 0.05


def test_each_image_of_a_batch_gets_its_own_operation():
    given = np.repeat(pictures((28, 36, 3))[:1], 28, axis=0)
    drawn = jnp.asarray(np.arange(28) % 14, jnp.int32)
    negative = jnp.asarray(np.arange(28) >= 14)
    found = np.asarray(apply(jnp.asarray(given), drawn, negative, 0.3)).astype(int)
    for place in range(28):
        sign = -1 if place >= 14 else 1
        expected = published(given[place], OPERATIONS[place % 14], sign, 0.3)
        np.testing.assert_allclose(found[place], expected, rtol=0, atol=1)


def settings(operations, magnitude=9.0):
    return dataclasses.replace(
        AugmentationConfig(), randaugment_operations=operations, randaugment_magnitude=magnitude
    )


def candidates(image, strength):
    """All that one operation can make of an image."""
    return {
        (name, sign): published(image, name, sign, strength).astype(int)
        for name in OPERATIONS
        for sign in (1, -1)
    }


@pytest.mark.slow
def test_operations_and_signs_are_drawn_evenly():
    image = pictures((28, 28, 3))[2]
    count = 1400
    given = from_levels(jnp.asarray(np.repeat(image[None], count, axis=0)))
    found = AUGMENTATIONS["randaugment"].apply(jax.random.key(2), given, settings(1, 15.0))
    found = np.rint(np.asarray(found) * 255).astype(int)
    possible = candidates(image, 0.5)
    drawn = np.zeros(count, bool)
    for (name, sign), expected in possible.items():
        same = np.abs(found - expected[None]).max((1, 2, 3)) <= (1 if name in LEVEL_APART else 0)
        drawn |= same
        twins = sum(np.abs(other - expected).max() <= 1 for other in possible.values())
        expected_share = twins / 28
        assert abs(same.mean() - expected_share) < 0.03, (name, sign)
    assert drawn.all()


@pytest.mark.slow
def test_the_second_operation_is_drawn_anew_and_follows_the_first():
    image, count = pictures((28, 28, 3))[2], 12
    given = from_levels(jnp.asarray(np.repeat(image[None], count, axis=0)))
    found = AUGMENTATIONS["randaugment"].apply(jax.random.key(2), given, settings(2))
    found = np.rint(np.asarray(found) * 255)
    once = candidates(image, 0.3)
    twice = {
        (first, second): levels
        for first, before in once.items()
        for second, levels in candidates(before.astype(np.uint8), 0.3).items()
    }
    # Where autocontrast comes first, the second operation may widen its one level.
    near = {pair: np.abs(found - x[None]).max((1, 2, 3)) <= 4 for pair, x in twice.items()}
    assert np.any(list(near.values()), axis=0).all()
    repeated = np.any([hits for (first, second), hits in near.items() if first == second], axis=0)
    assert repeated.sum() < count / 2
