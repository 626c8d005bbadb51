"""Centred zooms against SciPy."""

import numpy as np
import pytest
import scipy.ndimage

from lqjax.imaging.zooming import zoom_matrix, zoom_sizes

FACTORS = (1, 1.25, 1.75, 2, 2.25, 2.5, 3, 4, 4.5)


def sizes(factor, size):
    crop = int(np.ceil(size / factor))
    output = round(crop * factor)
    return crop, output, (output - size) // 2


@pytest.mark.parametrize("size", [28, 32, 64, 224, 299, 512])
def test_sizes_round_as_float64(size):
    for factor in FACTORS:
        assert tuple(map(int, zoom_sizes(np.float32(factor), size))) == sizes(factor, size)


@pytest.mark.parametrize("size", [28, 33, 64])
@pytest.mark.parametrize("factor", [*FACTORS, 1.01, 1.07, 1.2500000000000002])
def test_matrix_is_scipy_zoom(size, factor):
    crop, output, trim = sizes(factor, size)
    top = (size - crop) // 2
    kept = np.eye(size)[top : top + crop]
    expected = scipy.ndimage.zoom(kept, (factor, 1), order=1)[trim : trim + size]
    np.testing.assert_allclose(zoom_matrix(crop, output, trim, size), expected, atol=1e-6)


def test_factor_one_is_the_identity():
    np.testing.assert_array_equal(zoom_matrix(30, 30, 0, 30), np.eye(30, dtype=np.float32))
