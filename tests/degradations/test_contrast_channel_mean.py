"""Contrast around the channel means against NumPy in float64 and the original's outputs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.imaging.levels import MAX_LEVEL, as_float
from lqjax.imaging.operations import OPERATIONS
from tests.comparing import assert_equals_published
from tests.golden import golden_image, golden_output

OP = OPERATIONS["contrast_channel_mean"]
CALL = jax.jit(OP)
MEAN_TOLERANCE = 0.02  # levels
PUBLISHED = {
    "cifar10_c": (0.75, 0.5, 0.4, 0.3, 0.15),
    "imagenet_c": (0.4, 0.3, 0.2, 0.1, 0.05),
}


def reference(levels, factor):
    images = levels / 255.0
    means = images.mean(axis=(1, 2))[:, None, None]
    return np.clip((images - means) * factor + means, 0, 1)


@pytest.mark.parametrize("severity", range(1, 6))
@pytest.mark.parametrize("suite", PUBLISHED)
def test_equals_the_original(suite, severity):
    levels = golden_image(suite)[None]
    factor = PUBLISHED[suite][severity - 1]
    found = CALL(None, as_float(jnp.asarray(levels)), factor=np.float32(factor))
    published = golden_output(suite, "contrast", severity)[None]
    assert_equals_published(found, reference(levels, factor), published)


@pytest.mark.parametrize("shape", [(28, 28, 1), (29, 40, 3), (160, 96, 3)])
@pytest.mark.parametrize("factor", [0, 0.2, 1.6, 100])
def test_equals_float64(shape, factor):
    levels = np.random.default_rng(0).integers(0, 256, (3, *shape)).astype(np.uint8)
    levels[1] //= 4
    found = CALL(None, as_float(jnp.asarray(levels)), factor=np.float32(factor))
    expected = reference(levels, factor)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
    assert (expected == 0).any() == (np.asarray(found) == 0).any()


@pytest.mark.parametrize("side", [224, 512])
def test_mean_keeps_its_digits(side):
    levels = np.random.default_rng(1).integers(0, 256, (4, side, side, 3)).astype(np.uint8)
    levels[1:] = np.array([255, 254, 77])[:, None, None, None]
    exact = levels.mean(axis=(1, 2))
    for way in (OP, CALL):
        found = np.asarray(way(None, as_float(jnp.asarray(levels)), factor=np.float32(0)))
        assert np.abs(found[:, 0, 0] * MAX_LEVEL - exact).max() < MEAN_TOLERANCE


def test_each_image_has_its_own_means():
    levels = np.random.default_rng(2).integers(0, 256, (2, 28, 28, 3)).astype(np.uint8)
    both = CALL(None, as_float(jnp.asarray(levels)), factor=np.float32(0.3))
    alone = CALL(None, as_float(jnp.asarray(levels[1:])), factor=np.float32(0.3))
    np.testing.assert_allclose(both[1:], alone, rtol=0, atol=1e-6)
