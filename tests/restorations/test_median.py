"""Median against SciPy."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from lqjax.imaging.degrade import degrade
from lqjax.imaging.operations import OPERATIONS
from lqjax.restorations.median import sorting_network


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 37, 3), (1, 4, 3)])
def test_equals_scipy(size, shape):
    given = np.random.default_rng(0).random((2, *shape)).astype(np.float32)
    given[given < 0.2], given[given > 0.8] = 0, 1
    found = OPERATIONS["median"](None, jnp.asarray(given), size=size)
    expected = scipy.ndimage.median_filter(given, (1, size, size, 1), mode="nearest")
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 9])
def test_the_network_sorts(count):
    # Knuth's 0-1 principle: a network that sorts all sequences of 0 and 1 sorts everything.
    for bits in itertools.product([0, 1], repeat=count):
        values = list(bits)
        for low, high in sorting_network(count):
            if values[low] > values[high]:
                values[low], values[high] = values[high], values[low]
        assert values == sorted(bits)


def test_it_removes_what_it_is_for():
    rng = np.random.default_rng(0)
    clean = np.full((1, 32, 32, 1), 120, np.uint8)
    noisy = np.where(rng.random(clean.shape) < 0.1, 255, clean).astype(np.uint8)
    restored = degrade(noisy, "median(size=3)")
    assert (restored != clean).mean() < 0.02 < (noisy != clean).mean()
