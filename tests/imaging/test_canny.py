"""Canny against a NumPy one with connected components, and against OpenCV's stored output."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from lqjax.imaging.canny import LINK_STEPS, canny
from tests.degradations.spatter_references import canny_edges, thinned
from tests.golden import golden_output

LAYERS = ((0.62, 0.1, 0.7, 0.7), (0.65, 0.3, 1, 0.69), (0.65, 0.3, 2, 0.68), (0.65, 0.3, 4, 0.69))
"""Mean, deviation, blur and threshold of layers of spatter."""
find = jax.jit(canny)


def layer(rng, shape, mean, deviation, sigma, threshold):
    blurred = mean + deviation * scipy.ndimage.gaussian_filter(rng.normal(size=shape), sigma)
    return (np.where(blurred < threshold, 0, blurred) * 255).astype(int).astype(np.uint8)


@pytest.mark.parametrize("severity", [1, 3])
def test_equals_opencv(severity):
    blurred = golden_output("cifar10_c", "spatter", severity, "layer_blurred")
    threshold = {1: 0.7, 3: 0.69}[severity]
    levels = (np.where(blurred < threshold, 0, blurred) * 255).astype(np.uint8)
    expected = golden_output("cifar10_c", "spatter", severity, "canny") > 0
    np.testing.assert_array_equal(find(levels[None], 50, 150)[0], expected)


@pytest.mark.parametrize("shape", [(28, 28), (31, 45), (70, 33), (100, 64)])
@pytest.mark.parametrize("low_high", [(50, 150), (10, 300), (0, 0)])
def test_equals_the_reference(shape, low_high):
    rng = np.random.default_rng(sum(shape))
    levels = [layer(rng, shape, *parameters) for parameters in LAYERS]
    smooth = scipy.ndimage.gaussian_filter(rng.normal(size=shape), 3) * 1000 + 128
    levels += [np.clip(smooth, 0, 255), rng.integers(0, 256, shape), np.zeros(shape)]
    levels += [rng.integers(0, 2, shape) * 255]
    levels = np.array(levels).astype(np.uint8)
    expected = [canny_edges(one, *low_high) for one in levels]
    np.testing.assert_array_equal(find(levels, *low_high), expected)


def test_links_reach_far_enough_for_a_thousand_layers():
    rng = np.random.default_rng(0)
    levels = np.array([layer(rng, (32, 32), *LAYERS[i % len(LAYERS)]) for i in range(1000)])
    expected = [canny_edges(one, 50, 150) for one in levels]
    np.testing.assert_array_equal(find(levels, 50, 150), expected)


def ridge(length):
    """A straight edge, strong in its first rows, weak in the others."""
    levels = np.zeros((length, 40), np.uint8)
    levels[:, 20:] = 30  # a gradient of 120
    levels[:6, 20:] = 60
    return levels


@pytest.mark.parametrize("turned", [False, True])
def test_weak_edges_link_up_to_the_stated_length(turned):
    levels = ridge(LINK_STEPS + 30).T if turned else ridge(LINK_STEPS + 30)
    size, peaks = thinned(levels)
    strong = np.argwhere(peaks & (size > 150))
    place = np.argwhere(peaks & (size > 50))
    reach = np.abs(place[:, None] - strong).max(2).min(1)
    found = np.asarray(find(jnp.asarray(levels)[None], 50, 150)[0])
    np.testing.assert_array_equal(found[tuple(place.T)], reach <= LINK_STEPS)
    assert reach.max() > LINK_STEPS


def test_weak_edges_alone_are_dropped():
    levels = jnp.asarray(ridge(60)[10:])[None]
    assert not find(levels, 50, 150).any()
    assert find(levels, 50, 100).any()
