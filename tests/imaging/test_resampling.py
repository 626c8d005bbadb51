"""Resampling matrices against exact fractions, Pillow and float64 loops."""

import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from lqjax.imaging.resampling import KERNELS, area_matrix, enlarging_matrix, proportional

areas_of = jax.jit(area_matrix, static_argnums=1)
enlarging = jax.jit(enlarging_matrix, static_argnums=1)

SIZES = [(28, 28), (28, 27), (33, 8), (64, 16), (61, 40), (30, 1)]


def areas(count, size):
    """Shares of the pixels in each new pixel, as exact fractions."""
    stretch = Fraction(size, count)
    matrix = np.zeros((count, size))
    for new in range(count):
        for old in range(size):
            end = min(Fraction(old + 1), (new + 1) * stretch)
            start = max(Fraction(old), new * stretch)
            matrix[new, old] = max(end - start, 0) / stretch
    return matrix


def kernel(name, x):
    x = abs(x)
    if name == "bilinear":
        return max(1 - x, 0)
    if name == "bicubic":
        if x < 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0
    return np.sinc(x) * np.sinc(x / 3) if x < 3 else 0


def interpolation(count, size, name):
    """Weights of the values for each new pixel, float64."""
    matrix = np.zeros((size, count))
    for new in range(size):
        centre = Fraction(2 * new + 1, 2) * Fraction(count, size)
        if name == "nearest":
            matrix[new, math.floor(centre)] = 1
            continue
        for old in range(count):
            matrix[new, old] = kernel(name, float(centre - old - Fraction(1, 2)))
        matrix[new] /= matrix[new].sum()
    return matrix


@pytest.mark.parametrize(("size", "count"), SIZES)
def test_area_matrix_is_the_share_of_each_pixel(size, count):
    found = np.asarray(areas_of(count, size))
    np.testing.assert_allclose(found[:count], areas(count, size), atol=1e-7)
    assert not found[count:].any()


def test_whole_factors_average_blocks():
    line = np.random.default_rng(0).random(48, np.float32)
    found = np.asarray(areas_of(16, 48)) @ line
    np.testing.assert_allclose(found[:16], line.reshape(16, 3).mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize(("size", "count"), SIZES)
def test_enlarging_matrix_is_interpolation_between_centres(size, count, name):
    found = np.asarray(enlarging(count, size, KERNELS.index(name)))
    np.testing.assert_allclose(found[:, :count], interpolation(count, size, name), atol=2e-6)
    assert not found[:, count:].any()


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("nearest", Image.Resampling.NEAREST),
        ("bilinear", Image.Resampling.BILINEAR),
        ("bicubic", Image.Resampling.BICUBIC),
        ("lanczos", Image.Resampling.LANCZOS),
    ],
)
@pytest.mark.parametrize("count", [9, 19, 59])
def test_enlarging_is_that_of_pillow(name, number, count):
    size = 61  # with an odd count no centre lies on a border between values
    line = np.random.default_rng(count).random((1, count), np.float32)
    expected = np.asarray(Image.fromarray(line).resize((size, 1), number))[0]
    found = np.asarray(enlarging(count, size, KERNELS.index(name)))[:, :count] @ line[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("size", [299, 512, 1000])
def test_large_sizes_keep_their_digits(size):
    for count in (size - 1, size // 3):
        found = np.asarray(areas_of(count, size))[:count]
        cumulated = np.arange(count + 1) * size / count
        starts, ends = cumulated[:-1, None], cumulated[1:, None]
        old = np.arange(size)
        expected = np.clip(np.minimum(old + 1, ends) - np.maximum(old, starts), 0, 1)
        np.testing.assert_allclose(found, expected * count / size, atol=1e-7)


def test_the_other_side_is_rounded_with_halves_up():
    for count in range(8, 224):
        assert int(proportional(count, 320, 224)) == math.floor(count * 320 / 224 + 0.5)
    assert int(proportional(1, 3, 2)) == 2 and int(proportional(3, 3, 2)) == 5
    assert int(proportional(jnp.int32(64), 224, 224)) == 64
