"""Winograd's form of the 3x3 convolution against SciPy and the compiler's own, in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

from lqjax.models import winograd
from lqjax.models.convolve import convolve, plain_convolution
from lqjax.models.platforms import plain_operations
from lqjax.models.winograd import THREE, TWO, pays, winograd_convolution

EXACT = 1e-12
TOLERANCE = 1e-4

CASES = [
    # height, width, padding
    (2, 2, 1),
    (3, 3, 1),
    (4, 4, 1),
    (5, 8, 1),
    (7, 6, 0),
    (6, 6, 2),
    (9, 9, 1),
    (13, 4, 1),
]


def draw(height: int, width: int, dtype=np.float64, inputs: int = 5, outputs: int = 7):
    random = np.random.default_rng(height + 100 * width)
    maps = random.standard_normal((3, height, width, inputs))
    kernel = random.standard_normal((3, 3, inputs, outputs)) / np.sqrt(9 * inputs)
    return jnp.asarray(maps, dtype), jnp.asarray(kernel, dtype)


def correlated(maps, kernel, padding):
    """Convolve image by image and channel by channel."""
    padded = np.pad(maps, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    inputs, outputs = kernel.shape[2:]
    results = [
        [
            sum(
                scipy.signal.correlate2d(image[..., c], kernel[:, :, c, o], mode="valid")
                for c in range(inputs)
            )
            for o in range(outputs)
        ]
        for image in padded
    ]
    return np.moveaxis(np.array(results), 1, 3)


@pytest.mark.parametrize("tiling", [TWO, THREE])
def test_the_transforms_make_a_convolution(tiling):
    random = np.random.default_rng(0)
    pixels, taps = random.standard_normal(tiling.points), random.standard_normal(3)
    products = (np.array(tiling.maps) @ pixels) * (np.array(tiling.kernel) @ taps)
    results = np.array(tiling.results) @ products
    np.testing.assert_allclose(results, np.correlate(pixels, taps, "valid"), atol=EXACT)


@pytest.mark.parametrize(("height", "width", "padding"), CASES)
def test_agrees_with_scipy(height, width, padding):
    with jax.enable_x64(True):
        maps, kernel = draw(height, width)
        result = jax.jit(winograd_convolution, static_argnums=2)(maps, kernel, padding)
    expected = correlated(np.asarray(maps), np.asarray(kernel), padding)
    np.testing.assert_allclose(result, expected, atol=EXACT)


def gradients(function, maps, kernel):
    @jax.jit
    def run(maps, kernel):
        value, pull = jax.vjp(function, maps, kernel)
        weights = jnp.cos(jnp.arange(value.size, dtype=jnp.float32)).astype(value.dtype)
        return pull(weights.reshape(value.shape))

    return run(maps, kernel)


@pytest.mark.parametrize(("height", "width", "padding"), CASES)
def test_gradients_agree_with_those_of_the_plain_convolution(height, width, padding):
    with jax.enable_x64(True):
        maps, kernel = draw(height, width)
        result = gradients(lambda *a: winograd_convolution(*a, padding), maps, kernel)
        expected = gradients(
            lambda *a: plain_convolution(*a, stride=1, padding=padding), maps, kernel
        )
    for ours, plain in zip(result, expected, strict=True):
        np.testing.assert_allclose(ours, plain, atol=EXACT)


@pytest.mark.slow
@pytest.mark.parametrize(("side", "tiling"), [(8, TWO), (9, THREE)])
def test_float32_keeps_four_digits_with_many_channels(side, tiling):
    assert winograd._tiling([side, side]) is tiling
    arrays = [np.asarray(a) for a in draw(side, side, np.float32, inputs=512, outputs=16)]
    result = gradients(lambda *a: winograd_convolution(*a, 1), *arrays)
    with jax.enable_x64(True):
        expected = gradients(
            lambda *a: plain_convolution(*a, stride=1, padding=1),
            *(jnp.asarray(array, np.float64) for array in arrays),
        )
    for ours, exact in zip(*(map(np.asarray, each) for each in (result, expected)), strict=True):
        assert np.abs(ours - exact).max() < TOLERANCE * np.abs(exact).max()


def primitives(function, *arguments) -> set[str]:
    return {equation.primitive.name for equation in jax.make_jaxpr(function)(*arguments).eqns}


def test_large_convolutions_on_a_cpu_take_this_form(monkeypatch):
    maps = jax.ShapeDtypeStruct((64, 16, 16, 64), jnp.float32)
    kernel = jax.ShapeDtypeStruct((3, 3, 64, 64), jnp.float32)

    def run(stride, maps, kernel):
        return convolve(maps, kernel, stride=stride, padding=1)

    assert "conv_general_dilated" not in primitives(lambda *a: run(1, *a), maps, kernel)
    assert "conv_general_dilated" in primitives(lambda *a: run(2, *a), maps, kernel)
    with plain_operations():
        assert "conv_general_dilated" in primitives(lambda *a: run(1, *a), maps, kernel)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert "conv_general_dilated" in primitives(lambda *a: run(1, *a), maps, kernel)


@pytest.mark.parametrize(
    ("shape", "outputs", "padding", "expected"),
    [
        ((64, 16, 16, 64), 64, 1, True),
        ((64, 2, 2, 512), 512, 1, True),
        ((64, 3, 3, 192), 384, 1, True),
        ((8, 2, 2, 512), 512, 1, False),  # few tiles: transforming the kernel takes longer
        ((64, 16, 16, 3), 64, 1, False),  # few channels
        ((1, 16, 16, 64), 64, 1, False),  # small
        ((64, 1, 1, 512), 512, 1, False),  # one pixel
        ((64, 16, 16, 64), 64, 3, False),  # a gradient that is no such convolution
    ],
)
def test_pays(shape, outputs, padding, expected):
    assert pays(shape, outputs, padding) == expected
