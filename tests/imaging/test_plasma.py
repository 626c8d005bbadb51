"""The plasma map against a loop over points, and against the published one."""

import jax
import numpy as np
import pytest

from lqjax.imaging.plasma import plasma
from tests.golden import golden_output

DECAYS = {1: 3, 3: 2.5, 5: 1.75}
"""Of cifar10_c at its stored severities."""

mapped = jax.jit(plasma)


def reference(uniforms, decay):
    """The definition, point by point, in float64."""
    side = round((len(uniforms) + 1) ** 0.5)
    heights, draws = {(0, 0): 0.0}, iter(uniforms.astype(np.float64))
    step, wibble = side, 100.0

    def put(y, x, neighbours):
        mean = sum(heights[b % side, a % side] for b, a in neighbours) / 4
        heights[y, x] = mean + wibble * wibble * next(draws)

    while step >= 2:
        half, corners = step // 2, range(0, side, step)
        for y in corners:
            for x in corners:
                square = [(y, x), (y + step, x), (y, x + step), (y + step, x + step)]
                put(y + half, x + half, square)
        for dy, dx in ((0, half), (half, 0)):
            for y in corners:
                for x in corners:
                    b, a = y + dy, x + dx
                    put(b, a, [(b - half, a), (b + half, a), (b, a - half), (b, a + half)])
        step, wibble = half, wibble / decay
    array = np.array([[heights[y, x] for x in range(side)] for y in range(side)])
    array -= array.min()
    return array / array.max()


@pytest.mark.parametrize("side", [2, 4, 32, 64])
@pytest.mark.parametrize("decay", [1, 1.4, 3])
def test_equals_the_definition_point_by_point(side, decay):
    uniforms = np.random.default_rng(side).uniform(-1, 1, side * side - 1).astype(np.float32)
    np.testing.assert_allclose(mapped(uniforms, decay), reference(uniforms, decay), atol=1e-5)


@pytest.mark.parametrize("severity", DECAYS)
def test_equals_the_published_map(severity):
    uniforms = golden_output("cifar10_c", "fog", severity, "u_flat")
    published = golden_output("cifar10_c", "fog", severity, "plasma")
    np.testing.assert_allclose(mapped(uniforms, DECAYS[severity]), published, atol=1e-5)


def test_a_map_of_one_point_is_flat():
    np.testing.assert_array_equal(plasma(np.zeros(0, np.float32), 2.0), [[0]])
