"""Chamfer distances against two sequential passes, and against OpenCV's stored output."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.imaging.chamfer import UNIT, chamfer_distance
from tests.degradations.spatter_references import chamfer
from tests.golden import golden_output


@functools.cache
def measure(limit):
    return jax.jit(lambda marked: chamfer_distance(marked, limit))


@pytest.mark.parametrize("severity", [1, 3])
def test_equals_opencv(severity):
    edges = golden_output("cifar10_c", "spatter", severity, "canny") > 0
    expected = golden_output("cifar10_c", "spatter", severity, "dist_truncated")
    found = measure(20)(jnp.asarray(edges)[None])[0]
    np.testing.assert_allclose(found / UNIT, expected, rtol=0, atol=5e-6)


@pytest.mark.parametrize("shape", [(28, 28), (17, 45), (50, 12), (3, 30), (30, 2)])
@pytest.mark.parametrize("limit", [20, 7, 1, 40])
def test_equals_two_passes(shape, limit):
    rng = np.random.default_rng(limit)
    marked = np.stack([rng.random(shape) < share for share in (0.002, 0.01, 0.2)])
    expected = [chamfer(one, limit) for one in marked]
    np.testing.assert_array_equal(measure(limit)(marked), expected)


def test_one_pixel_gives_the_length_of_the_shortest_walk():
    marked = np.zeros((1, 41, 41), bool)
    marked[0, 20, 20] = True
    found = measure(20)(marked)[0] / UNIT
    steps = {(0, 1): 1, (1, 1): 1.4, (1, 2): 2.1969, (3, 1): 3.1969, (2, 4): 4.3938, (3, 4): 4.9969}
    for (rows, columns), length in steps.items():
        for y, x in ((rows, columns), (-rows, columns), (columns, -rows), (-columns, -rows)):
            assert found[20 + y, 20 + x] == pytest.approx(length)
    assert found[0, 0] == 20


def test_ends():
    empty = np.zeros((2, 28, 30), bool)
    np.testing.assert_array_equal(measure(20)(empty), 20 * UNIT)
    np.testing.assert_array_equal(measure(20)(~empty), 0)
