"""Zoom blur against SciPy's zoom in float64 and the published outputs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from lqjax.imaging.levels import as_float
from lqjax.imaging.operations import OPERATIONS
from tests.comparing import assert_equals_published
from tests.golden import golden_image, golden_output

OP = OPERATIONS["zoom_blur"]
STOPS = {
    "cifar10_c": ((1.06, 0.01), (1.11, 0.01), (1.16, 0.01), (1.21, 0.01), (1.26, 0.01)),
    "imagenet_c": ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03)),
}
PUBLISHED = {
    "cifar10_c": ((7, 1), (12, 1), (16, 1), (21, 1), (26, 1)),
    "imagenet_c": ((12, 1), (16, 1), (11, 2), (13, 2), (11, 3)),
}


def clipped_zoom(image, factor):
    for axis in (0, 1):
        size = image.shape[axis]
        crop = int(np.ceil(size / factor))
        top = (size - crop) // 2
        kept = np.take(image, np.arange(top, top + crop), axis=axis)
        zooms = [1.0, 1.0, 1.0]
        zooms[axis] = factor
        # By default rounding can put the last pixel outside, where SciPy gives 0 (77 px, 1.07).
        large = scipy.ndimage.zoom(kept, zooms, order=1, mode="nearest")
        trim = (large.shape[axis] - size) // 2
        image = np.take(large, np.arange(trim, trim + size), axis=axis)
    return image


def reference(image, factors):
    image = image.astype(float)
    views = [clipped_zoom(image, factor) for factor in factors]
    return np.clip((image + np.sum(views, axis=0)) / (len(views) + 1), 0, 1)


@jax.jit
def apply(images, count, step):
    return OP(None, images, count=count, step=step)


def blurred(image, count, step):
    images = jnp.asarray(image, jnp.float32)[None]
    return np.asarray(apply(images, np.int32(count), np.int32(step)))[0]


@pytest.mark.parametrize("suite", PUBLISHED)
@pytest.mark.parametrize("severity", range(1, 6))
def test_equals_the_published_output(suite, severity):
    levels, (stop, step) = golden_image(suite), STOPS[suite][severity - 1]
    factors, parameters = np.arange(1, stop, step), PUBLISHED[suite][severity - 1]
    assert len(factors) == parameters[0]
    expected = golden_output(suite, "zoom_blur", severity)
    found = blurred(as_float(jnp.asarray(levels)), *parameters)
    assert_equals_published(found, reference(levels / 255, factors), expected)


@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 41, 3), (64, 64, 3), (77, 50, 3)])
@pytest.mark.parametrize(("count", "step"), [(26, 1), (11, 2), (11, 3), (40, 7), (64, 10)])
def test_equals_scipy(shape, count, step):
    given = np.random.default_rng(0).random(shape).astype(np.float32)
    factors = np.arange(1, 1 + (count - 0.5) * step / 100, step / 100)
    assert len(factors) == count
    found = blurred(given, count, step)
    np.testing.assert_allclose(found, reference(given, factors), rtol=0, atol=2e-6)


def test_first_zoom_of_32_px_is_the_image_itself():
    given = np.random.default_rng(0).random((32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(blurred(given, 2, 1), given, atol=1e-6)


@pytest.mark.parametrize("level", [0.0, 1.0, 0.3])
def test_keeps_constants(level):
    given = np.full((28, 33, 3), level, np.float32)
    np.testing.assert_allclose(blurred(given, 26, 3), given, atol=1e-6)
