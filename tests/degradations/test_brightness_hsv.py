"""Brightness in HSV against scikit-image in float64 and the original's outputs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.color

from lqjax.imaging.levels import as_float
from lqjax.imaging.operations import OPERATIONS
from tests.comparing import assert_equals_published
from tests.golden import golden_image, golden_output

OP = OPERATIONS["brightness_hsv"]
CALL = jax.jit(OP)
PUBLISHED = {
    "cifar10_c": (0.05, 0.1, 0.15, 0.2, 0.3),
    "imagenet_c": (0.1, 0.2, 0.3, 0.4, 0.5),
}


def reference(levels, shift):
    hsv = skimage.color.rgb2hsv(levels / 255.0)
    hsv[..., 2] = np.clip(hsv[..., 2] + shift, 0, 1)
    return np.clip(skimage.color.hsv2rgb(hsv), 0, 1)


def run(levels, shift):
    return CALL(None, as_float(jnp.asarray(levels)), shift=np.float32(shift))


def pictures(shape):
    """Noise, dark noise, grey, black, white, pure colours."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, shape)
    batch = [noise, noise // 50, noise[..., :1] + 0 * noise, 0 * noise, 0 * noise + 255]
    batch.append((rng.integers(0, 2, shape)) * 255)
    return np.stack(batch).astype(np.uint8)


@pytest.mark.parametrize("severity", range(1, 6))
@pytest.mark.parametrize("suite", PUBLISHED)
def test_equals_the_original(suite, severity):
    levels = golden_image(suite)[None]
    shift = PUBLISHED[suite][severity - 1]
    published = golden_output(suite, "brightness", severity)[None]
    assert_equals_published(run(levels, shift), reference(levels, shift), published)


@pytest.mark.parametrize("shape", [(28, 28, 3), (29, 40, 3), (160, 96, 3)])
@pytest.mark.parametrize("shift", [-1, -0.2, 0.1, 0.5, 1])
def test_equals_scikit_image(shape, shift):
    levels = pictures(shape)
    found = np.asarray(run(levels, shift))
    np.testing.assert_allclose(found, reference(levels, shift), rtol=0, atol=1e-4)
    assert found.min() >= 0 and found.max() <= 1


@pytest.mark.parametrize("shift", [-0.3, 0.3])
def test_one_channel_is_three_equal_ones(shift):
    levels = np.random.default_rng(0).integers(0, 256, (2, 28, 31, 1)).astype(np.uint8)
    levels[1, :9] = 0
    found = run(levels, shift)
    np.testing.assert_allclose(found, np.clip(levels / 255.0 + shift, 0, 1), rtol=0, atol=1e-6)
    colour = run(np.repeat(levels, 3, axis=3), shift)
    np.testing.assert_allclose(np.repeat(found, 3, axis=3), colour, rtol=0, atol=1e-6)


def test_zero_and_white_change_nothing():
    levels = pictures((28, 28, 3))
    np.testing.assert_array_equal(run(levels, 0), as_float(jnp.asarray(levels)))
    levels[..., 1] = 255
    np.testing.assert_array_equal(run(levels, 0.4), as_float(jnp.asarray(levels)))
