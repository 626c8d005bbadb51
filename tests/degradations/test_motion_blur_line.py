"""Motion blur against its definition, written with SciPy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from lqjax.imaging.keys import example_keys, example_numbers
from lqjax.imaging.operations import OPERATIONS

OP = OPERATIONS["motion_blur_line"]
BLUR = jax.jit(OP.__call__)


def keys(batch):
    return example_keys(0, OP.stream, jnp.asarray(example_numbers(np.arange(batch))))


def reference(image, length, degrees):
    height, width, channels = image.shape
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    places = np.arange(-200, 201)
    weights = np.clip(length / 2 + 0.5 - np.abs(places), 0, 1)
    weights /= weights.sum()
    radians = np.deg2rad(degrees)
    result = np.zeros(image.shape)
    for place, weight in zip(places[weights > 0], weights[weights > 0], strict=True):
        where = (rows - place * np.sin(radians), columns + place * np.cos(radians))
        for channel in range(channels):
            sample = scipy.ndimage.map_coordinates(
                image[..., channel].astype(np.float64), where, order=1, mode="mirror"
            )
            result[..., channel] += weight * sample
    return result


@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 41, 3)])
@pytest.mark.parametrize("length", [0, 1, 1.7, 5, 15, 25, 31, 31.2, 101])
@pytest.mark.parametrize("angle", [0, 30, 45, 90, 133.3, 180])
def test_equals_the_definition(shape, length, angle):
    given = np.random.default_rng(0).random(shape).astype(np.float32)
    found = BLUR(keys(1), jnp.asarray(given[None]), length=length, angle=float(angle))
    np.testing.assert_allclose(found[0], reference(given, length, angle), atol=1e-5)


def test_a_point_becomes_the_line():
    point = np.zeros((1, 33, 33, 1), np.float32)
    point[0, 16, 16] = 1
    flat = np.asarray(BLUR(keys(1), jnp.asarray(point), length=5.0, angle=0.0))[0, ..., 0]
    np.testing.assert_allclose(flat[16, 14:19], 0.2, atol=1e-6)
    assert flat.sum() == pytest.approx(1, abs=1e-5)
    rising = np.asarray(BLUR(keys(1), jnp.asarray(point), length=9.0, angle=45.0))[0, ..., 0]
    assert rising[14, 18] > 0.05 and rising[18, 14] > 0.05, "up on the right, down on the left"
    assert rising[14, 14] == rising[18, 18] == 0


def test_angles_are_drawn_uniformly_per_example():
    draws = np.asarray(OP.draws(keys(2000), (28, 28, 1)))
    counts, _ = np.histogram(draws, bins=8, range=(0, 1))
    assert counts.min() > 200 and counts.max() < 300
    given = np.random.default_rng(0).random((3, 28, 28, 1)).astype(np.float32)
    found = BLUR(keys(3), jnp.asarray(given), length=15.0, angle=jnp.nan)
    for image, draw, result in zip(given, draws, found, strict=False):
        np.testing.assert_allclose(result, reference(image, 15, 180 * draw), atol=1e-4)
