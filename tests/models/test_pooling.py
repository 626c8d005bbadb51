"""Pooling against the compiler's own windows and against plain loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.models.platforms import plain_operations
from lqjax.models.pooling import adaptive_average_pool, max_pool

pytestmark = pytest.mark.usefixtures("quick_compilation")


def pooled(maps, weights, **options):
    """Give what `max_pool` gives, and its gradient for weights of that, by one program."""

    def program(maps, weights):
        result, pull = jax.vjp(lambda maps: max_pool(maps, **options), maps)
        return result, pull(weights)[0]

    return jax.jit(program)(maps, weights)


@pytest.mark.parametrize(
    ("side", "size", "stride", "padding"),
    [
        (15, 3, 2, 0),
        (7, 3, 2, 0),
        (3, 3, 2, 0),
        (32, 3, 2, 1),
        (9, 3, 2, 1),
        (8, 2, 2, 0),
        (7, 3, 3, 0),
    ],
)
def test_max_pool_agrees_with_the_plain_form(side, size, stride, padding):
    random = np.random.default_rng(side)
    # whole numbers, many of them equal, so that ties decide where the gradient goes
    maps = random.integers(0, 4, (2, side, side, 5)).astype(np.float32)
    options = {"size": size, "stride": stride, "padding": padding}
    out = (side + 2 * padding - size) // stride + 1
    weights = random.standard_normal((2, out, out, 5), np.float32)
    with plain_operations():
        expected, plain_gradient = pooled(maps, weights, **options)
    result, gradient = pooled(maps, weights, **options)
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_allclose(gradient, plain_gradient, atol=1e-5)


@pytest.mark.parametrize("side", [1, 2, 3, 5, 6, 7, 13])
def test_adaptive_average_pool_averages_the_cells_that_pytorch_defines(side):
    maps = np.random.default_rng(side).standard_normal((2, side, side, 3), np.float32)
    expected = np.zeros((2, 6, 6, 3), np.float32)
    edges = [(int(np.floor(i * side / 6)), int(np.ceil((i + 1) * side / 6))) for i in range(6)]
    for i, (top, bottom) in enumerate(edges):
        for j, (left, right) in enumerate(edges):
            expected[:, i, j] = maps[:, top:bottom, left:right].mean((1, 2))
    result = jax.jit(adaptive_average_pool, static_argnums=1)(jnp.asarray(maps), 6)
    np.testing.assert_allclose(result, expected, atol=1e-6)
