"""Defocus blur against SciPy in float64 and the published outputs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from lqjax.imaging.levels import as_float
from lqjax.imaging.operations import OPERATIONS
from tests.comparing import assert_equals_published
from tests.golden import golden_image, golden_output

OP = OPERATIONS["defocus_blur"]
PUBLISHED = {
    "cifar10_c": ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)),
    "imagenet_c": ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)),
}
TINY_AND_299 = ((0.5, 0.6), (2.5, 0.01), (3, 0.1), (5, 0.5), (7, 0.5), (12, 0.5))
FURTHER = ((0, 0), (16, 1), (8.5, 0.5))


def kernel(radius, alias_sigma):
    half, taps = (8, 1) if radius <= 8 else (int(radius), 2)
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    disk = (x**2 + y**2 <= radius**2).astype(float)
    disk /= disk.sum()
    offsets = np.arange(-taps, taps + 1)
    weights = np.exp(-(offsets**2) / (2 * max(alias_sigma, 1e-3) ** 2))
    weights /= weights.sum()
    for axis in (0, 1):
        disk = scipy.ndimage.correlate1d(disk, weights, axis=axis, mode="mirror")
    return disk


def reference(image, radius, alias_sigma):
    weights = kernel(radius, alias_sigma)[..., None]
    return np.clip(scipy.ndimage.correlate(image.astype(float), weights, mode="mirror"), 0, 1)


@jax.jit
def apply(images, radius, alias_sigma):
    return OP(None, images, radius=radius, alias_sigma=alias_sigma)


def blurred(image, radius, alias_sigma):
    values = np.float32(radius), np.float32(alias_sigma)
    return np.asarray(apply(jnp.asarray(image, jnp.float32)[None], *values))[0]


@pytest.mark.parametrize("suite", PUBLISHED)
@pytest.mark.parametrize("severity", range(1, 6))
def test_equals_the_published_output(suite, severity):
    levels, parameters = golden_image(suite), PUBLISHED[suite][severity - 1]
    expected = golden_output(suite, "defocus_blur", severity)
    found = blurred(as_float(jnp.asarray(levels)), *parameters)
    assert_equals_published(found, reference(levels / 255, *parameters), expected)


@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 41, 3), (64, 29, 3)])
@pytest.mark.parametrize("parameters", [*PUBLISHED["imagenet_c"], *TINY_AND_299, *FURTHER])
def test_equals_scipy(shape, parameters):
    given = 0.9 * np.random.default_rng(0).random(shape).astype(np.float32)
    found = blurred(given, *parameters)
    np.testing.assert_allclose(found, reference(given, *parameters), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("radius", "alias_sigma", "gain"),
    [(8, 0.5, 1.0130), (10, 0.5, 1.0108), (7, 0.5, 1.0029), (12, 0.5, 1.0078), (6, 0.5, 1.0)],
)
def test_brightens_as_much_as_published(radius, alias_sigma, gain):
    found = blurred(np.full((28, 33, 3), 0.5), radius, alias_sigma)
    np.testing.assert_allclose(found, 0.5 * gain, atol=5e-5)


def test_white_stays_white():
    given = np.ones((28, 28, 3))
    assert blurred(given, 10, 0.5).max() == 1
    np.testing.assert_allclose(blurred(given, 3, 0.1), given, atol=1e-5)
