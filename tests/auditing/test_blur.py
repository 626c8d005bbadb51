import math

import jax
import numpy as np
import pytest
from scipy import ndimage, special

from lqjax.auditing.blur import LARGEST_SIGMA, blur_sigma
from tests.auditing.scenes import extents, leaves, levels_of, photograph, scenes

SIGMAS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)


@pytest.fixture(scope="module")
def estimate():
    program = jax.jit(blur_sigma)

    def run(*pictures, within=None):
        stacked = np.stack(pictures)
        extent = extents(stacked) if within is None else np.asarray([within], np.int32)
        return np.asarray(program(stacked, extent))

    return run


def blurred(picture, sigma):
    return ndimage.gaussian_filter(picture.astype(np.float64), sigma) if sigma else picture


def reference(picture):
    """The same rules in float64 with SciPy, pixel by pixel."""
    levels, found = picture / 255, {}
    for sigma, radius in ((1.0, 3), (2.0, 5)):
        offsets = np.arange(-radius, radius + 1)
        kernel = np.exp(-(offsets**2) / (2 * sigma**2))
        kernel = np.rint(128 * kernel / kernel.sum())
        kernel /= kernel.sum()
        smooth = ndimage.correlate1d(ndimage.correlate1d(levels, kernel, 0), kernel, 1)
        slope = [ndimage.correlate1d(smooth, [-0.5, 0, 0.5], axis) for axis in (0, 1)]
        found[sigma] = *slope, (kernel * offsets**2).sum() + 1 / 3
    down, right, coarse = found[2.0]
    strength = np.hypot(down, right)
    candidates = []
    for y in range(6, picture.shape[0] - 6):
        for x in range(6, picture.shape[1] - 6):
            angle = math.degrees(math.atan2(down[y, x], right[y, x])) % 180
            step = [(0, 1), (1, 1), (1, 0), (1, -1)][round(angle / 45) % 4]
            inside = [
                6 <= y + s * step[0] < picture.shape[0] - 6
                and 6 <= x + s * step[1] < picture.shape[1] - 6
                for s in (-1, 1)
            ]
            before, after = (
                strength[y + s * step[0], x + s * step[1]] if ok else 0
                for s, ok in zip((-1, 1), inside, strict=True)
            )
            if strength[y, x] > before and strength[y, x] >= after:
                candidates.append((y, x))
    rows, columns = np.asarray(candidates).T
    least = max(0.3 * strength[rows, columns].max(), 2 / 255)
    strong = strength[rows, columns] >= least
    rows, columns = rows[strong], columns[strong]
    fine_down, fine_right, fine = found[1.0]
    along = (fine_down * down + fine_right * right)[rows, columns]
    ratios = np.sort((strength[rows, columns] ** 2 / along) ** 2)
    ratio = ratios[math.ceil(len(ratios) / 2) - 1]
    return math.sqrt(max((ratio * coarse - fine) / (1 - ratio), 0))


def test_equals_a_plain_implementation(estimate):
    for name in ("astronaut", "coins"):
        picture = levels_of(blurred(photograph(name), 1.5))[:96, :120]
        assert estimate(picture)[0] == pytest.approx(reference(picture), rel=2e-3), name


@pytest.mark.parametrize("sigma", [0.8, 1.5, 3.0, 5.0])
def test_a_blurred_step_has_the_blur_it_was_given(estimate, sigma):
    """Within 0.1 px or 4 %: the coarse kernel is cut off, and slopes are differences."""
    rows, columns = np.mgrid[:128, :128]
    for angle in (0.0, 0.3, 1.2):
        distance = (columns - 64) * math.cos(angle) + (rows - 64) * math.sin(angle)
        step = levels_of(128 + 100 * special.erf(distance / (math.sqrt(2) * sigma)))
        assert estimate(step)[0] == pytest.approx(sigma, abs=0.1, rel=0.04), angle


def test_added_blur_is_found(estimate):
    """It rises with the blur, within 20 % of the root of the sum of squares from 1 px on."""
    for name, picture in scenes().items():
        found = estimate(*(levels_of(blurred(picture, sigma)) for sigma in SIGMAS))
        assert (np.diff(found) >= 0).all() and (np.diff(found[1:]) > 0).all(), name
        for sigma, value in zip(SIGMAS[2:], found[2:], strict=True):
            assert value == pytest.approx(np.hypot(found[0], sigma), rel=0.2), (name, sigma)


def test_noise_moves_it_little(estimate):
    """Noise of 2 % changes a blur of 2 px by less than 10 %."""
    random = np.random.default_rng(0)
    for name, picture in scenes().items():
        soft = blurred(picture, 2.0)
        plain, noisy = estimate(levels_of(soft), levels_of(soft + random.normal(0, 5, soft.shape)))
        assert noisy == pytest.approx(plain, rel=0.1), name


def test_nothing_beyond_the_extent_counts(estimate):
    picture = levels_of(blurred(leaves(1), 1.5))[:100, :77]
    padded = np.zeros((256, 256), np.uint8)
    padded[:100, :77] = picture
    found = estimate(padded, within=(100, 77))[0]
    assert found == pytest.approx(estimate(picture)[0], abs=1e-4)


def test_pictures_without_edges_have_none_to_tell(estimate):
    flat = np.full((64, 64), 90, np.uint8)
    noise = levels_of(90 + np.random.default_rng(0).normal(0, 20, (64, 64)))
    assert np.isnan(estimate(flat)[0])
    ramp = np.tile(np.arange(64, dtype=np.uint8), (64, 1))
    assert np.isnan(estimate(ramp)[0])
    assert np.isnan(estimate(noise)[0])
    tiny = np.zeros((64, 64), np.uint8)
    tiny[:8, :8] = photograph("camera")[:8, :8]
    assert np.isnan(estimate(tiny, within=(8, 8))[0])


def test_the_largest_blur_is_finite(estimate):
    soft = levels_of(blurred(photograph("camera"), 15.0))
    assert 3 < estimate(soft)[0] <= LARGEST_SIGMA
