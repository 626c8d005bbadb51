"""Equalisation against a plain NumPy one and against OpenCV's stored output."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.imaging.histogram import equalize
from tests.degradations.spatter_references import equalized
from tests.golden import golden_output

find = jax.jit(equalize)


@pytest.mark.parametrize("severity", [1, 3])
def test_equals_opencv(severity):
    levels = golden_output("cifar10_c", "spatter", severity, "dist_box3_u8")
    expected = golden_output("cifar10_c", "spatter", severity, "dist_equalized")
    np.testing.assert_array_equal(find(jnp.asarray(levels)[None])[0], expected)


@pytest.mark.parametrize("shape", [(28, 28), (31, 64), (200, 150)])
def test_equals_the_reference(shape):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, shape)
    batch = [noise, noise // 12, noise // 128, np.maximum(noise, 200), noise // 200 * 255]
    batch = np.array(batch).astype(np.uint8)
    np.testing.assert_array_equal(find(batch), [equalized(one) for one in batch])


def test_halves_become_even():
    levels = np.repeat(np.arange(7, dtype=np.uint8), 4).reshape(1, 7, 4)
    assert np.unique(find(levels)).tolist() == [0, 42, 85, 128, 170, 212, 255]


@pytest.mark.parametrize("level", [0, 20, 255])
def test_one_level_stays(level):
    levels = np.full((2, 28, 28), level, np.uint8)
    np.testing.assert_array_equal(find(levels), levels)


def test_images_do_not_mix():
    rng = np.random.default_rng(1)
    batch = rng.integers(0, 21, (3, 28, 28)).astype(np.uint8)
    batch[1] //= 4
    for i in range(3):
        np.testing.assert_array_equal(find(batch)[i], find(batch[i : i + 1])[0])
