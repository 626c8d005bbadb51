"""Sums on a grid: as exact as SciPy in float64, and the same bits in every program."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from lqjax.imaging.fixed_point import gaussian_on_grid, on_grid

blur = jax.jit(lambda layers, sigma: gaussian_on_grid(layers, sigma, truncate=4.0, max_radius=20))


@pytest.mark.parametrize("sigma", [0, 0.1, 0.124, 0.5, 0.7, 1, 1.5, 2, 3.5, 4, 5])
@pytest.mark.parametrize("shape", [(28, 28), (12, 50), (3, 100)])
def test_equals_scipy(shape, sigma):
    layers = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    expected = [
        scipy.ndimage.gaussian_filter(np.float64(layer), sigma, mode="nearest") for layer in layers
    ]
    np.testing.assert_allclose(blur(layers, np.float32(sigma)), expected, rtol=0, atol=4e-6)


def test_sums_lie_on_the_grid():
    layers = np.random.default_rng(0).normal(size=(1, 28, 30)).astype(np.float32)
    steps = np.float64(blur(layers, np.float32(1.7))) * 2**22
    np.testing.assert_array_equal(steps, np.rint(steps))


def test_a_long_kernel_is_cut_off():
    layer = np.zeros((1, 60, 60), np.float32)
    layer[0, 30, 30] = 1
    assert np.flatnonzero(np.asarray(blur(layer, np.float32(9)))[0, 30]).tolist() == [
        *range(10, 51)
    ]


def test_a_kernel_of_radius_0_changes_nothing_on_the_grid():
    layers = on_grid(jnp.asarray(np.random.default_rng(0).normal(size=(1, 28, 28)), jnp.float32))
    np.testing.assert_array_equal(blur(layers, np.float32(0)), layers)
    np.testing.assert_array_equal(blur(layers, np.float32(0.12)), layers)


def program(unit, sigma, deviation):
    return 0.65 + gaussian_on_grid(deviation * unit, sigma, truncate=4.0, max_radius=20)


compiled = jax.jit(program)


@pytest.mark.slow
@pytest.mark.parametrize("sigma", np.float32([0.5, 0.7, 1, 1.8, 3.5, 4]))
def test_the_same_bits_in_every_program(sigma):
    unit = jnp.asarray(np.random.default_rng(1).normal(size=(5, 33, 47)).astype(np.float32))

    expected = program(unit, sigma, np.float32(0.3))
    forms = {
        "jit": compiled(unit, sigma, np.float32(0.3)),
        "split": np.concatenate(
            [compiled(unit[i : i + 1], sigma, np.float32(0.3)) for i in range(5)]
        ),
        "constants": jax.jit(lambda unit: program(unit, sigma, np.float32(0.3)))(unit),
        "vmap": jax.jit(jax.vmap(lambda one: program(one[None], sigma, np.float32(0.3))[0]))(unit),
    }
    for name, form in forms.items():
        np.testing.assert_array_equal(form, expected, name)
