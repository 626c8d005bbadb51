"""Luma against Pillow and NumPy; one channel and three."""

import jax.numpy as jnp
import numpy as np
import PIL.Image
import pytest

from lqjax.imaging.colour import as_channels, as_colour, luma, value_range

LEVELS = np.random.default_rng(0).integers(0, 256, (2, 28, 37, 3)).astype(np.uint8)
FLOATS = (LEVELS / 255).astype(np.float32)


def test_luma_equals_pillow_to_its_rounding():
    for levels, found in zip(LEVELS, np.asarray(luma(jnp.asarray(FLOATS))), strict=True):
        pillow = np.asarray(PIL.Image.fromarray(levels).convert("L"))
        assert np.abs(found[..., 0] * 255 - pillow).max() < 0.51


def test_luma_weighs_red_green_blue():
    expected = FLOATS.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    found = luma(jnp.asarray(FLOATS))
    assert found.shape == (2, 28, 37, 1) and found.dtype == jnp.float32
    np.testing.assert_allclose(found[..., 0], expected, rtol=0, atol=1e-6)
    white = luma(jnp.ones((1, 2, 2, 3)))
    np.testing.assert_allclose(white, 1, rtol=0, atol=2e-7)


def test_one_channel_comes_back():
    grey = jnp.asarray(FLOATS[..., :1])
    assert luma(grey) is grey
    colour = as_colour(grey)
    np.testing.assert_array_equal(colour, np.repeat(grey, 3, axis=3))
    assert as_colour(colour) is colour and as_channels(colour, 3) is colour
    np.testing.assert_allclose(as_channels(colour, 1), grey, rtol=0, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_value_range_is_over_channels(channels):
    least, most = value_range(jnp.asarray(FLOATS[..., :channels]))
    np.testing.assert_array_equal(least[..., 0], FLOATS[..., :channels].min(axis=3))
    np.testing.assert_array_equal(most[..., 0], FLOATS[..., :channels].max(axis=3))
