import jax
import numpy as np
import pytest
import pywt
from skimage.restoration import estimate_sigma

from lqjax.auditing.noise import noise_sigma
from tests.auditing.scenes import extents, leaves, levels_of, measuring, photograph, scenes

OF_RANGE = 1e-4


estimate = measuring(noise_sigma)


def noisy(picture, sigma, seed=0):
    return levels_of(picture + np.random.default_rng(seed).normal(0, sigma * 255, picture.shape))


def test_equals_the_median_of_pywavelets_coefficients(estimate):
    for name, picture in scenes().items():
        changed = noisy(picture, 0.03)
        diagonal = pywt.dwt2(changed.astype(np.float64), "db2")[1][2]
        # The outermost coefficients come of pixels that PyWavelets makes up.
        inner = np.abs(diagonal[1:-1, 1:-1])
        expected = np.median(inner) / 0.6744897501960817 / 255
        assert estimate(changed)[0] == pytest.approx(expected, abs=OF_RANGE), name


def test_agrees_with_scikit_image(estimate):
    for sigma in (0.01, 0.05, 0.2):
        flat = np.full((256, 256), 128.0)
        changed = noisy(flat, sigma)
        expected = estimate_sigma(changed.astype(np.float64)) / 255
        assert estimate(changed)[0] == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("sigma", [0.02, 0.05, 0.1])
def test_added_noise_is_found(estimate, sigma):
    """Texture adds to it, mostly as a second noise would: within -10 % and +30 % of that.

    At 0.1 some values are clipped.
    """
    for name, picture in scenes().items():
        own, found = estimate(picture, noisy(picture, sigma))
        assert 0.9 < found / np.hypot(own, sigma) < 1.3, name
        if own < sigma / 4:
            assert found == pytest.approx(sigma, rel=0.2), name


def test_nothing_beyond_the_extent_counts():
    picture = noisy(leaves(0), 0.04)[:90, :61]
    padded = np.zeros((2, 256, 256), np.uint8)
    padded[0, :90, :61] = padded[1, :90, :61] = picture
    padded[1, 90:] = np.random.default_rng(0).integers(0, 256, (166, 256))
    found = np.asarray(jax.jit(noise_sigma)(padded, np.asarray([[90, 61]] * 2, np.int32)))
    alone = np.asarray(jax.jit(noise_sigma)(picture[None], extents(picture[None])))
    np.testing.assert_array_equal(found, [alone[0], alone[0]])


def test_clipped_areas_do_not_hide_the_noise(estimate):
    changed = noisy(np.full((256, 256), 128.0), 0.05)
    bordered = changed.copy()
    bordered[:180] = 0
    bordered[180:200] = 255
    assert estimate(bordered)[0] == pytest.approx(estimate(changed)[0], rel=0.05)


def test_flat_pictures(estimate):
    flat = [np.full((32, 32), level, np.uint8) for level in (0, 100, 255)]
    np.testing.assert_array_equal(estimate(*flat), [np.nan, 0, np.nan])


def test_a_picture_that_holds_no_coefficient_has_no_noise_to_tell():
    tiny = np.zeros((1, 64, 64), np.uint8)
    tiny[0, :3, :3] = 7
    assert np.isnan(jax.jit(noise_sigma)(tiny, np.asarray([[3, 3]], np.int32))[0])
    tiny[0, :8, :8] = photograph("camera")[:8, :8]
    assert jax.jit(noise_sigma)(tiny, np.asarray([[8, 8]], np.int32))[0] > 0
