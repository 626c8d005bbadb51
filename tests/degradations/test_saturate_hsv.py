"""Saturation in HSV against scikit-image in float64 and the original's outputs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.color

from lqjax.imaging.levels import as_float
from lqjax.imaging.operations import OPERATIONS
from tests.comparing import assert_equals_published
from tests.golden import golden_image, golden_output

OP = OPERATIONS["saturate_hsv"]
CALL = jax.jit(OP)
PUBLISHED = {
    "cifar10_c": ((0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2)),
    "imagenet_c": ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)),
}
LUMA = (0.299, 0.587, 0.114)


def reference(levels, factor, shift):
    hsv = skimage.color.rgb2hsv(levels / 255.0)
    hsv[..., 1] = np.clip(hsv[..., 1] * factor + shift, 0, 1)
    return np.clip(skimage.color.hsv2rgb(hsv), 0, 1)


def run(levels, factor, shift):
    images = as_float(jnp.asarray(levels))
    return CALL(None, images, factor=np.float32(factor), shift=np.float32(shift))


def pictures(shape):
    """Noise, dark noise, nearly grey, grey, black, white, pure colours."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, shape)
    grey = noise[..., :1] + 0 * noise
    batch = [noise, noise // 50, np.clip(grey + noise // 100, 0, 255), grey, 0 * noise]
    batch += [0 * noise + 255, rng.integers(0, 2, shape) * 255]
    return np.stack(batch).astype(np.uint8)


@pytest.mark.parametrize("severity", range(1, 6))
@pytest.mark.parametrize("suite", PUBLISHED)
def test_equals_the_original(suite, severity):
    levels = golden_image(suite)[None]
    parameters = PUBLISHED[suite][severity - 1]
    published = golden_output(suite, "saturate", severity)[None]
    assert_equals_published(run(levels, *parameters), reference(levels, *parameters), published)


@pytest.mark.parametrize("shape", [(28, 28, 3), (29, 40, 3), (160, 96, 3)])
@pytest.mark.parametrize(
    ("factor", "shift"), [(0, 0), (0.3, 0), (1, 0.25), (20, 0.2), (2, -0.5), (1, -1), (100, 1)]
)
def test_equals_scikit_image(shape, factor, shift):
    levels = pictures(shape)
    found = np.asarray(run(levels, factor, shift))
    np.testing.assert_allclose(found, reference(levels, factor, shift), rtol=0, atol=1e-4)
    assert found.min() >= 0 and found.max() <= 1


@pytest.mark.parametrize("shift", [-0.2, 0, 0.2, 1])
def test_one_channel_is_three_equal_ones(shift):
    levels = np.random.default_rng(0).integers(0, 256, (2, 28, 31, 1)).astype(np.uint8)
    expected = reference(np.repeat(levels, 3, axis=3), 2, shift) @ np.array(LUMA)
    found = run(levels, 2, shift)
    np.testing.assert_allclose(found, expected[..., None], rtol=0, atol=1e-6)


def test_unchanged_saturation_changes_nothing():
    levels = pictures((28, 28, 3))
    np.testing.assert_array_equal(run(levels, 1, 0), as_float(jnp.asarray(levels)))


def test_grey_turns_reddish_only_by_a_shift():
    grey = np.full((1, 28, 28, 3), 128, np.uint8)
    np.testing.assert_array_equal(run(grey, 30, 0), as_float(jnp.asarray(grey)))
    red, green, blue = np.asarray(run(grey, 1, 0.2))[0, 0, 0]
    assert red == pytest.approx(128 / 255) and green == blue == pytest.approx(0.8 * red)
