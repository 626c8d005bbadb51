"""The plasma map against a loop over points, and against the published one."""

import jax
import numpy as np
import pytest

from lqjax.imaging.plasma import plasma
from tests.golden import golden_output
from tests.imaging.plasma_reference import plasma_by_points

DECAYS = {1: 3, 3: 2.5, 5: 1.75}
"""Of cifar10_c at its stored severities."""

mapped = jax.jit(plasma)


@pytest.mark.parametrize("side", [2, 4, 32, 64])
@pytest.mark.parametrize("decay", [1, 1.4, 3])
def test_equals_the_definition_point_by_point(side, decay):
    uniforms = np.random.default_rng(side).uniform(-1, 1, side * side - 1).astype(np.float32)
    found = mapped(uniforms, np.float32(decay))
    np.testing.assert_allclose(found, plasma_by_points(uniforms, decay), atol=1e-5)


@pytest.mark.parametrize("severity", DECAYS)
def test_equals_the_published_map(severity):
    uniforms = golden_output("cifar10_c", "fog", severity, "u_flat")
    published = golden_output("cifar10_c", "fog", severity, "plasma")
    found = mapped(uniforms, np.float32(DECAYS[severity]))
    np.testing.assert_allclose(found, published, atol=1e-5)


def test_a_map_of_one_point_is_flat():
    np.testing.assert_array_equal(plasma(np.zeros(0, np.float32), 2.0), [[0]])
