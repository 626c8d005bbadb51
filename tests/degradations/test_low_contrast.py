"""Low contrast against Pillow and the definition in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from lqjax.imaging.operations import OPERATIONS

OP = OPERATIONS["low_contrast"]
CALL = jax.jit(OP)


@pytest.mark.parametrize("shape", [(28, 28, 3), (28, 45, 1)])
@pytest.mark.parametrize(("factor", "centre"), [(0.5, 0.5), (0.05, 0), (0.3, 1), (0, 0.25)])
def test_equals_float64(shape, factor, centre):
    given = np.random.default_rng(0).random((2, *shape), np.float32)
    expected = factor * given.astype(np.float64) + (1 - factor) * centre
    found = CALL(None, jnp.asarray(given), factor=factor, centre=centre)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_is_a_blend_with_grey():
    levels = np.random.default_rng(0).integers(0, 256, (28, 28, 3)).astype(np.uint8)
    picture = Image.fromarray(levels)
    grey = Image.new("RGB", picture.size, (102, 102, 102))
    expected = np.asarray(Image.blend(grey, picture, 0.4)) / 255  # Pillow rounds to levels
    given = jnp.asarray(levels[None] / np.float32(255))
    found = np.asarray(CALL(None, given, factor=0.4, centre=0.4))[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1.01 / 255)


def test_the_grey_is_fixed_and_stays():
    dark = jnp.full((1, 28, 28, 3), 0.1, jnp.float32)
    np.testing.assert_allclose(CALL(None, dark, factor=0.5, centre=0.5), 0.3, atol=1e-6)
    np.testing.assert_allclose(CALL(None, dark, factor=0.5, centre=0.1), dark, atol=1e-7)


def test_factor_1_changes_nothing():
    levels = jnp.arange(256, dtype=jnp.float32).reshape(1, 16, 16, 1) / 255
    np.testing.assert_array_equal(CALL(None, levels, factor=1, centre=0.3), levels)
