"""The whole-number motion blur against float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.imaging.one_sided_motion import MAX_RADIUS, blur_one_sided

apply = jax.jit(blur_one_sided)


def exact_sum(levels, radius, sigma, angle):
    steps = np.arange(2 * int(np.ceil(radius)) + 1)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    weights /= weights.sum()
    down = np.ceil(steps * np.sin(np.deg2rad(angle)) - 0.5).astype(int)
    right = np.ceil(steps * np.cos(np.deg2rad(angle)) - 0.5).astype(int)
    reach = steps[-1]
    padded = np.pad(levels.astype(float), ((reach, reach), (reach, reach), (0, 0)), "edge")
    height, width = levels.shape[:2]
    return sum(
        weight * padded[reach + y : reach + y + height, reach + x : reach + x + width]
        for weight, y, x in zip(weights, down, right, strict=True)
    )


def assert_equals_float64(found, levels, radius, sigma, angle):
    total = exact_sum(levels, radius, sigma, float(angle))
    expected = np.floor(257 * total + 0.5) // 257
    beyond = total + 0.5 / 257
    clear = np.abs(beyond - np.rint(beyond)) > 1e-4
    assert clear.mean() > 0.99
    np.testing.assert_array_equal(found[clear], expected[clear])
    assert np.abs(found - expected).max() <= 1


def blurred(levels, radius, sigma, angles):
    angles = np.asarray(angles, np.float32)
    return np.asarray(apply(jnp.asarray(levels), np.float32(radius), np.float32(sigma), angles))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("radius", "sigma"), [(10, 4), (15, 12), (20, 15), (22, 16), (2.5, 1), (MAX_RADIUS, 40)]
)
def test_equals_float64_at_any_angle(channels, radius, sigma):
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 256, (8, 31, 45, channels)).astype(np.float32)
    angles = rng.uniform(-180, 180, 8).astype(np.float32)
    found = blurred(levels, radius, sigma, angles)
    assert found.dtype == np.float32 and found.shape == levels.shape
    for one, given, angle in zip(found, levels, angles, strict=True):
        assert_equals_float64(one, given, radius, sigma, angle)


def test_equals_float64_where_offsets_fall_on_halves():
    levels = np.random.default_rng(0).integers(0, 256, (1, 40, 40, 1))
    for angle in (*range(-180, 181, 30), 45, -45, 135, -135):
        found = blurred(levels, 9, 4, [angle])
        assert_equals_float64(found[0], levels[0], 9, 4, angle)


@pytest.mark.parametrize("level", [0, 1, 100, 254, 255])
def test_flat_images_stay(level):
    levels = np.full((1, 28, 29, 3), level)
    for radius, sigma in ((10, 3), (20, 15), (MAX_RADIUS, 60)):
        np.testing.assert_array_equal(blurred(levels, radius, sigma, [12.3]), levels)


@pytest.mark.slow
def test_eager_equals_compiled():
    levels = np.random.default_rng(0).integers(0, 256, (2, 28, 28, 1)).astype(np.int32)
    angles = jnp.asarray([-100.0, 17.0])
    eager = blur_one_sided(jnp.asarray(levels), jnp.float32(8), jnp.float32(3.3), angles)
    assert eager.dtype == jnp.int32
    np.testing.assert_array_equal(eager, blurred(levels, 8, 3.3, angles))
