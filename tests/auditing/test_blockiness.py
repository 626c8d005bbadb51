import jax
import numpy as np
import pytest

from lqjax.auditing.blockiness import blockiness
from tests.auditing.scenes import as_jpeg, leaves, measuring, scenes

QUALITIES = (85, 75, 50, 30, 15, 5)


compare = measuring(blockiness)


def reference(picture):
    border, inside = [], []
    levels = picture.astype(np.float64)
    for across in (levels, levels.T):
        for row in range(len(across) - 1):
            jumps = np.minimum(np.abs(across[row + 1] - across[row]), 32)
            (border if row % 8 == 7 else inside).extend(jumps)
    return (np.mean(border) + 0.1) / (np.mean(inside) + 0.1)


def test_equals_a_plain_implementation(compare):
    for picture in (leaves(0), as_jpeg(leaves(0), 20), leaves(1)[:203, :77]):
        assert compare(picture)[0] == pytest.approx(reference(picture), rel=1e-5)


def test_it_rises_as_quality_falls(compare):
    for name, picture in scenes().items():
        found = compare(*(as_jpeg(picture, quality) for quality in QUALITIES))
        assert (np.diff(found) > 0).all(), name
        assert compare(picture)[0] < 1.1 < 1.8 < found[-1], name


def test_it_does_not_depend_on_where_the_content_lies(compare):
    """Content that is shifted against the blocks changes it by less than 15 %."""
    for name, picture in scenes().items():
        shifted = [as_jpeg(np.roll(picture, (k, k), (0, 1)), 30) for k in (0, 2, 3, 5)]
        found = compare(*shifted)
        assert found.max() < 1.15 * found.min(), name


def test_blocks_that_lie_elsewhere_are_no_blocks_of_this_file(compare):
    picture = as_jpeg(leaves(0), 20)
    assert compare(np.roll(picture, (4, 4), (0, 1)))[0] < 1.05 < compare(picture)[0]


def test_flat_and_tiny_pictures():
    flat = np.zeros((2, 64, 64), np.uint8)
    found = np.asarray(jax.jit(blockiness)(flat, np.asarray([[64, 64], [8, 8]], np.int32)))
    assert found[0] == 1
    assert np.isnan(found[1])


def test_nothing_beyond_the_extent_counts(compare):
    picture = as_jpeg(leaves(1), 20)[:90, :70]
    padded = np.zeros((1, 128, 128), np.uint8)
    padded[0, :90, :70] = picture
    found = jax.jit(blockiness)(padded, np.asarray([[90, 70]], np.int32))[0]
    assert found == pytest.approx(reference(picture), rel=1e-5)
