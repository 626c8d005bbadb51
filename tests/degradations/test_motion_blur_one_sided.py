"""One-sided motion blur against the published outputs and float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from lqjax.imaging.levels import as_float, truncate
from lqjax.imaging.operations import DRAWN, OPERATIONS
from tests.golden import golden_image, golden_output
from tests.imaging.test_one_sided_motion import assert_equals_float64

OP = OPERATIONS["motion_blur_one_sided"]
PUBLISHED = {1: (6, 1), 3: (6, 2), 5: (9, 2.5)}


@jax.jit
def apply(images, draws, radius, sigma, angle):
    return OP.apply(images, draws, radius=radius, sigma=sigma, angle=angle)


def blurred(images, draws, radius, sigma, angle=DRAWN):
    images, draws = jnp.asarray(images, jnp.float32), jnp.asarray(draws, jnp.float32)
    return np.asarray(apply(images, draws, *map(np.float32, (radius, sigma, angle))))


def in_levels(images):
    return np.rint(np.asarray(images) * 255).astype(int)


@pytest.mark.parametrize("severity", PUBLISHED)
def test_equals_the_published_output_with_its_angle(severity):
    angle = golden_output("cifar10_c", "motion_blur", severity, "angle")
    expected = golden_output("cifar10_c", "motion_blur", severity, "out")
    given = as_float(jnp.asarray(golden_image()))[None]
    found = blurred(given, [(angle + 45) / 90], *PUBLISHED[severity])
    np.testing.assert_array_equal(in_levels(truncate(found))[0], expected)


@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 41, 3), (64, 50, 3)])
@pytest.mark.parametrize(("radius", "sigma"), [(10, 1), (12, 3), (22, 16), (7.5, 5)])
def test_drawn_angles_equal_float64(shape, radius, sigma):
    rng = np.random.default_rng(0)
    levels, draws = rng.integers(0, 256, (4, *shape)), rng.random(4).astype(np.float32)
    found = in_levels(blurred(levels / 255, draws, radius, sigma))
    angles = 90.0 * draws - 45.0
    for one, given, angle in zip(found, levels, angles, strict=True):
        assert_equals_float64(one, given, radius, sigma, angle)


def test_given_angle_takes_the_place_of_the_drawn_ones():
    levels = np.random.default_rng(0).integers(0, 256, (2, 28, 30, 3))
    found = in_levels(blurred(levels / 255, [0.1, 0.9], 6, 2, angle=90))
    for one, given in zip(found, levels, strict=True):
        assert_equals_float64(one, given, 6, 2, 90.0)


def test_input_is_cut_down_to_8_bits():
    levels = np.random.default_rng(0).integers(0, 255, (1, 28, 30, 3))
    between = blurred((levels + 0.7) / 255, [0.3], 6, 2)
    np.testing.assert_array_equal(between, blurred(levels / 255, [0.3], 6, 2))


@pytest.mark.parametrize(("radius", "sigma"), [(0, 3), (5, 0)])
def test_nothing_to_smear_changes_nothing(radius, sigma):
    given = np.random.default_rng(0).random((2, 28, 30, 3)).astype(np.float32)
    np.testing.assert_array_equal(blurred(given, [0.2, 0.7], radius, sigma), given)


def test_samples_lie_to_the_right():
    dot = np.zeros((1, 28, 28, 1))
    dot[0, 14, 14] = 1
    found = blurred(dot, [0], 3, 4, angle=0)[0, :, :, 0]
    assert set(np.flatnonzero(found[14])) == set(range(8, 15)) and found[:14].max() == 0


def test_angles_are_uniform():
    keys = jax.random.split(jax.random.key(0), 2000)
    draws = np.asarray(OP.draws(keys, (28, 28, 3)))
    assert scipy.stats.kstest(draws, "uniform").pvalue > 0.01
