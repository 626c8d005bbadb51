"""The transfer function of sRGB against the standard in float64 and against scikit-image."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.color

from lqjax.imaging.levels import as_float
from lqjax.imaging.light import from_linear, to_linear

VALUES = np.linspace(0, 1, 100_001, dtype=np.float32)


def decoded(codes):
    codes = np.float64(codes)
    return np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)


def encoded(light):
    light = np.float64(light)
    curved = 1.055 * np.maximum(light, 0.001) ** (1 / 2.4) - 0.055
    return np.where(light <= 0.0031308, light * 12.92, curved)


def test_decoding_is_the_standard():
    found = np.asarray(to_linear(jnp.asarray(VALUES)), np.float64)
    np.testing.assert_allclose(found, decoded(VALUES), rtol=5e-7, atol=0)
    grey = np.repeat(np.float64(VALUES)[:, None, None], 3, axis=2)
    luminance = skimage.color.rgb2xyz(grey)[:, 0, 1]
    np.testing.assert_allclose(found, luminance / luminance[-1], atol=1e-6)


def test_encoding_is_the_standard():
    np.testing.assert_allclose(from_linear(jnp.asarray(VALUES)), encoded(VALUES), atol=5e-7)


def test_round_trips_change_nothing():
    values = jnp.asarray(VALUES)
    np.testing.assert_allclose(from_linear(to_linear(values)), VALUES, rtol=0, atol=1e-6)
    np.testing.assert_allclose(to_linear(from_linear(values)), VALUES, rtol=0, atol=1e-6)


def test_black_and_white_are_exact_and_what_lies_beyond_is_clipped():
    ends = jnp.asarray([0, 1], jnp.float32)
    np.testing.assert_array_equal(to_linear(ends), [0, 1])
    np.testing.assert_array_equal(from_linear(ends), [0, 1])
    np.testing.assert_array_equal(from_linear(jnp.asarray([-0.5, 7.0])), [0, 1])


def test_more_code_is_more_light():
    assert (np.diff(to_linear(jnp.linspace(0, 1, 2001))) > 0).all()


@pytest.mark.parametrize("double", [False, True])
def test_light_has_the_same_bits_however_it_is_compiled(double):
    levels = np.arange(256, dtype=np.uint8)
    photons = np.float32(1234.5)
    eager = to_linear(as_float(jnp.asarray(levels)))
    np.testing.assert_array_equal(jax.jit(to_linear)(as_float(jnp.asarray(levels))), eager)
    with jax.enable_x64(double):
        fused = jax.jit(lambda given, scale: to_linear(as_float(given)) * scale)(levels, photons)
    assert fused.dtype == np.float32
    np.testing.assert_array_equal(fused, eager * photons)
