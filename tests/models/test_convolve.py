"""The CPU forms of the convolution against the compiler's own and against SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

from lqjax.models.convolve import convolve, plain_convolution
from lqjax.models.platforms import plain_operations

pytestmark = pytest.mark.usefixtures("quick_compilation")

TOLERANCE = 1e-4

CASES = [
    # side, inputs, outputs, size, stride, padding, groups
    (7, 8, 12, 1, 1, 0, 1),
    (7, 8, 12, 1, 2, 0, 1),
    (8, 8, 12, 1, 2, 0, 2),
    (9, 6, 8, 3, 1, 1, 1),
    (9, 6, 8, 3, 2, 1, 1),
    (8, 6, 8, 3, 2, 1, 2),
    (4, 6, 8, 3, 2, 1, 1),
    (3, 6, 8, 3, 2, 1, 1),
    (2, 6, 8, 3, 1, 1, 1),
    (1, 6, 8, 3, 1, 1, 1),
    (1, 6, 8, 3, 2, 1, 1),
    (1, 6, 8, 5, 1, 2, 2),
    (2, 6, 8, 3, 1, 1, 2),
    (7, 4, 6, 5, 1, 2, 2),
    (4, 4, 6, 5, 1, 2, 1),
    (3, 4, 6, 5, 2, 2, 1),
    (13, 3, 4, 7, 2, 3, 1),
    (6, 3, 4, 7, 2, 3, 1),
    (5, 3, 4, 7, 1, 3, 1),
    (31, 3, 4, 11, 4, 2, 1),
    (12, 3, 4, 11, 4, 2, 1),
]


def value_and_gradients(function, maps, kernel, options):
    @jax.jit
    def run(maps, kernel):
        value, pull = jax.vjp(lambda *a: function(*a, **options), maps, kernel)
        weights = jnp.cos(jnp.arange(value.size, dtype=jnp.float32)).reshape(value.shape)
        return value, *pull(weights)

    return run(maps, kernel)


def draw(side: int, inputs: int, outputs: int, size: int, groups: int):
    random = np.random.default_rng(side + 10 * size)
    maps = random.standard_normal((3, side, side, inputs), np.float32)
    kernel = random.standard_normal((size, size, inputs // groups, outputs), np.float32)
    return jnp.asarray(maps), jnp.asarray(kernel / np.sqrt(kernel[..., 0].size))


@pytest.mark.parametrize(
    ("side", "inputs", "outputs", "size", "stride", "padding", "groups"), CASES
)
def test_agrees_with_the_plain_convolution(side, inputs, outputs, size, stride, padding, groups):
    maps, kernel = draw(side, inputs, outputs, size, groups)
    options = {"stride": stride, "padding": padding, "groups": groups}
    expected = value_and_gradients(plain_convolution, maps, kernel, options)
    result = value_and_gradients(convolve, maps, kernel, options)
    for ours, plain in zip(result, expected, strict=True):
        np.testing.assert_allclose(ours, plain, atol=TOLERANCE, rtol=TOLERANCE)


@pytest.mark.parametrize(("side", "stride"), [(2, 1), (4, 2), (7, 2), (9, 1)])
def test_agrees_with_scipy(side, stride):
    maps, kernel = draw(side, 3, 5, 3, 1)
    padded = np.pad(np.asarray(maps), ((0, 0), (1, 1), (1, 1), (0, 0)))
    full = [
        [
            sum(
                scipy.signal.correlate2d(image[..., c], kernel[:, :, c, o], mode="valid")
                for c in range(3)
            )
            for o in range(5)
        ]
        for image in padded
    ]
    expected = np.moveaxis(np.array(full), 1, 3)[:, ::stride, ::stride]
    result = convolve(maps, kernel, stride=stride, padding=1)
    np.testing.assert_allclose(result, expected, atol=TOLERANCE)


def primitives(function, *arguments) -> set[str]:
    return {equation.primitive.name for equation in jax.make_jaxpr(function)(*arguments).eqns}


@pytest.mark.slow
def test_chooses_by_shape_and_platform(monkeypatch):
    maps, kernel = draw(8, 8, 12, 1, 1)

    def run(maps, kernel):
        return convolve(maps, kernel, stride=1, padding=0)

    assert "conv_general_dilated" not in primitives(run, maps, kernel)
    with plain_operations():
        assert "conv_general_dilated" in primitives(lambda *a: run(*a), maps, kernel)
    assert "conv_general_dilated" in primitives(
        lambda *a: run(*a), maps.astype(jnp.bfloat16), kernel.astype(jnp.bfloat16)
    )
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert "conv_general_dilated" in primitives(lambda *a: run(*a), maps, kernel)
