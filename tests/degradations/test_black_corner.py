"""Black corners against discs counted pixel by pixel, and OpenCV's published one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.draw

from lqjax.imaging.operations import OPERATIONS

OP = OPERATIONS["black_corner"]
CALL = jax.jit(OP)

OPENCV_HALF_WIDTHS = {0: 112, 1: 111, 30: 107, 60: 94, 79: 79, 94: 60, 107: 33, 111: 14, 112: 0}
"""By distance of the row: cv2.circle(image, (112, 112), 112, 255, thickness=-1), OpenCV 5.0."""


def disc(height, width, radius):
    """The published steps, with scikit-image for OpenCV."""
    centre = (width // 2, height // 2)
    inscribed = min(centre[0], centre[1], width - centre[0], height - centre[1])
    whole = int(inscribed * radius)
    # Between whole^2 and whole^2 + 1 there is no sum of squares: scikit-image asks for "less".
    rows, columns = skimage.draw.disk(
        (centre[1], centre[0]), np.sqrt(whole**2 + 0.5), shape=(height, width)
    )
    mask = np.zeros((height, width), bool)
    mask[rows, columns] = True
    return mask


@pytest.mark.parametrize("shape", [(32, 32, 3), (224, 224, 1), (28, 45, 1), (61, 30, 3)])
@pytest.mark.parametrize("radius", [1.1, 1.05, 1, 0.9, 0.95, 0.1, 1.5, 0.12345])
def test_equals_a_disc(shape, radius):
    given = np.random.default_rng(0).uniform(0.1, 1, (2, *shape)).astype(np.float32)
    found = np.asarray(CALL(None, jnp.asarray(given), radius=np.float32(radius)))
    mask = disc(*shape[:2], radius)[None, :, :, None]
    np.testing.assert_array_equal(found, np.where(mask, given, 0))


def test_equals_opencv_at_the_published_size():
    white = jnp.ones((1, 224, 224, 1), jnp.float32)
    found = np.asarray(CALL(None, white, radius=np.float32(1)))[0, :, :, 0]
    for away, half_width in OPENCV_HALF_WIDTHS.items():
        inside = np.flatnonzero(found[112 - away])
        assert inside[0] == 112 - half_width
        assert inside[-1] == min(112 + half_width, 223)


def test_radii_are_cut_down_as_in_double_precision():
    """0.29 * 100 is 28.999999999999996, which float32 would take for 29."""
    white = jnp.ones((1, 200, 200, 1), jnp.float32)
    for radius in (0.29, 0.57, 0.58, 1.1, 1.13, 1.15):
        found = np.asarray(CALL(None, white, radius=np.float32(radius)))[0, 100, :, 0]
        assert np.flatnonzero(found)[0] == max(100 - int(100 * radius), 0)


def test_a_large_disc_leaves_a_square_as_it_is():
    given = jnp.asarray(np.random.default_rng(0).random((1, 32, 32, 3)), jnp.float32)
    np.testing.assert_array_equal(CALL(None, given, radius=np.float32(1.5)), given)
