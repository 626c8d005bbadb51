"""Pooling against the compiler's own windows and against plain loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.models.platforms import plain_operations
from lqjax.models.pooling import adaptive_average_pool, max_pool


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
    maps = jnp.asarray(random.integers(0, 4, (2, side, side, 5)).astype(np.float32))
    options = {"size": size, "stride": stride, "padding": padding}
    with plain_operations():
        expected, pull_plain = jax.vjp(lambda maps: max_pool(maps, **options), maps)
    result, pull = jax.vjp(lambda maps: max_pool(maps, **options), maps)
    np.testing.assert_array_equal(result, expected)
    weights = jnp.asarray(random.standard_normal(expected.shape, np.float32))
    np.testing.assert_allclose(pull(weights)[0], pull_plain(weights)[0], atol=1e-5)


@pytest.mark.parametrize("side", [1, 2, 3, 5, 6, 7, 13])
def test_adaptive_average_pool_averages_the_cells_that_pytorch_defines(side):
    maps = np.random.default_rng(side).standard_normal((2, side, side, 3), np.float32)
    expected = np.zeros((2, 6, 6, 3), np.float32)
    edges = [(int(np.floor(i * side / 6)), int(np.ceil((i + 1) * side / 6))) for i in range(6)]
    for i, (top, bottom) in enumerate(edges):
        for j, (left, right) in enumerate(edges):
            expected[:, i, j] = maps[:, top:bottom, left:right].mean((1, 2))
    result = adaptive_average_pool(jnp.asarray(maps), 6)
    np.testing.assert_allclose(result, expected, atol=1e-6)
