"""Gaussian blur with replicated borders against scikit-image and the published outputs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage.filters import gaussian

from lqjax.imaging.levels import as_float
from lqjax.imaging.operations import OPERATIONS
from tests.comparing import assert_equals_published
from tests.golden import golden_image, golden_output

OP = OPERATIONS["gaussian_blur_replicate"]
PUBLISHED = {"cifar10_c": (0.4, 0.6, 0.7, 0.8, 1), "imagenet_c": (1, 2, 3, 4, 6)}
TINY_AND_299 = (0.5, 0.75, 1.25, 1.5, 2.5, 3.5, 4.5, 6.5)


def reference(image, sigma):
    return gaussian(image, sigma=sigma, channel_axis=-1, mode="nearest", truncate=4.0)


@jax.jit
def apply(images, sigma):
    return OP(None, images, sigma=sigma)


def blurred(image, sigma):
    return np.asarray(apply(jnp.asarray(image, jnp.float32)[None], np.float32(sigma)))[0]


@pytest.mark.parametrize("suite", PUBLISHED)
@pytest.mark.parametrize("severity", range(1, 6))
def test_equals_the_published_output(suite, severity):
    levels, sigma = golden_image(suite), PUBLISHED[suite][severity - 1]
    expected = golden_output(suite, "gaussian_blur", severity)
    found = blurred(as_float(jnp.asarray(levels)), sigma)
    assert_equals_published(found, reference(levels / 255, sigma), expected)


@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 41, 3), (64, 29, 3)])
@pytest.mark.parametrize("sigma", [*TINY_AND_299, 0.125, 0.2, 12])
def test_equals_skimage(shape, sigma):
    given = np.random.default_rng(0).random(shape).astype(np.float32)
    np.testing.assert_allclose(blurred(given, sigma), reference(given, sigma), atol=1e-6)


@pytest.mark.parametrize("sigma", [0, 0.05, 0.1, 0.12])
def test_kernel_of_one_pixel_changes_nothing(sigma):
    given = np.random.default_rng(0).random((28, 30, 3)).astype(np.float32)
    np.testing.assert_array_equal(blurred(given, sigma), given)


def test_kernel_grows_at_an_eighth():
    dot = np.zeros((28, 28, 1), np.float32)
    dot[14, 14] = 1
    assert blurred(dot, 0.125)[14, 13] > 0


@pytest.mark.parametrize("level", [0.0, 1.0, 0.3])
def test_keeps_constants(level):
    given = np.full((28, 33, 3), level, np.float32)
    np.testing.assert_allclose(blurred(given, 6), given, atol=1e-6)
