"""Vignetting against the cos^4 law, by angles, in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.imaging.operations import OPERATIONS
from tests.degradations.light_references import decoded, encoded

OP = OPERATIONS["vignetting"]
CALL = jax.jit(OP)


def kept(height, width, strength):
    """Trace the angle of each pixel through a pinhole in front of the sensor."""
    rows, columns = np.mgrid[:height, :width].astype(float)
    distance = np.hypot(rows - (height - 1) / 2, columns - (width - 1) / 2)
    corner_angle = np.arccos((1 - strength) ** 0.25)
    focal_length = distance[0, 0] / np.tan(corner_angle)
    return np.cos(np.arctan(distance / focal_length)) ** 4


@pytest.mark.parametrize("shape", [(32, 32, 3), (28, 45, 1), (61, 30, 3)])
@pytest.mark.parametrize("strength", [0.05, 0.5, 0.95])
def test_equals_the_law(shape, strength):
    given = np.random.default_rng(0).random((2, *shape)).astype(np.float32)
    found = CALL(None, jnp.asarray(given), strength=np.float32(strength))
    expected = encoded(decoded(given) * kept(*shape[:2], strength)[..., None])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("shape", [(33, 33), (28, 33), (32, 50)])
def test_corners_lose_the_strength_and_the_centre_nothing(shape):
    white = jnp.ones((1, *shape, 1), jnp.float32)
    light = decoded(CALL(None, white, strength=np.float32(0.8)))[0, :, :, 0]
    np.testing.assert_allclose([light[0, 0], light[0, -1], light[-1, 0]], 0.2, atol=1e-5)
    assert light.argmax() == np.ravel_multi_index(((shape[0] - 1) // 2, (shape[1] - 1) // 2), shape)
    assert light.max() > 0.995
    np.testing.assert_allclose(light, light[::-1, ::-1], atol=1e-6)


def test_black_stays_black():
    black = jnp.zeros((1, 28, 28, 3), jnp.float32)
    np.testing.assert_array_equal(CALL(None, black, strength=np.float32(0.9)), black)
