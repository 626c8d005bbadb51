"""Bilinear sampling and its borders against SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from lqjax.imaging.sampling import bilinear, border_index, neighbours, sample_by_rows

SCIPY_MODES = {"mirror": "mirror", "reflect": "reflect", "replicate": "nearest"}
placed = jax.jit(border_index, static_argnums=(1, 2))
corners_of = jax.jit(neighbours, static_argnums=(2, 3))
interpolated = jax.jit(bilinear)
PAD_MODES = {"mirror": "reflect", "reflect": "symmetric", "replicate": "edge"}


@pytest.mark.parametrize("border", PAD_MODES)
@pytest.mark.parametrize("size", [1, 2, 3, 28, 224])
def test_border_index_is_padding(border, size):
    margin = 5 * size
    expected = np.pad(np.arange(size), margin, mode=PAD_MODES[border])
    index = np.arange(-margin, size + margin, dtype=np.int32)
    np.testing.assert_array_equal(placed(index, size, border), expected)


@pytest.mark.parametrize(("border", "twice"), [("mirror", 0), ("reflect", 1)])
@pytest.mark.parametrize("size", [3, 29, 41, 224, 299, 512])
def test_border_index_far_away(border, twice, size):
    index = np.concatenate([np.arange(-(1 << 22), 1 << 22, 997), np.arange(-40000, 40000)])
    period = 2 * size - 2 + 2 * twice
    place = index % period
    expected = np.minimum(place, period - twice - place)
    found = placed(index.astype(np.int32), size, border)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("border", SCIPY_MODES)
@pytest.mark.parametrize("shape", [(28, 35, 3), (5, 4, 1), (1, 6, 3)])
def test_equals_scipy(border, shape):
    rng = np.random.default_rng(0)
    image = rng.random(shape).astype(np.float32)
    y, x = rng.uniform(-100, 100, (2, 30, 40))
    corners = corners_of(
        np.floor(y).astype(np.int32), np.floor(x).astype(np.int32), shape[:2], border
    )
    shares = (np.float32(one - np.floor(one)) for one in (y, x))
    found = interpolated(image, corners, *shares)
    for channel in range(shape[2]):
        expected = scipy.ndimage.map_coordinates(
            image[..., channel].astype(np.float64), [y, x], order=1, mode=SCIPY_MODES[border]
        )
        np.testing.assert_allclose(found[..., channel], expected, rtol=0, atol=1e-6)


def test_whole_places_are_pixels_bit_for_bit():
    image = np.random.default_rng(1).random((9, 8, 3)).astype(np.float32)
    y, x = np.mgrid[:9, :8].astype(np.int32)
    zero = jnp.zeros((9, 8))
    corners = neighbours(jnp.asarray(y), jnp.asarray(x), (9, 8), "mirror")
    np.testing.assert_array_equal(bilinear(jnp.asarray(image), corners, zero, zero), image)


@pytest.mark.parametrize("height", [1, 3, 8, 9, 28, 41])
def test_rows_in_blocks_are_the_whole(height):
    rng = np.random.default_rng(height)
    images = jnp.asarray(rng.random((2, height, 6, 3)), jnp.float32)
    corners = tuple(jnp.asarray(rng.integers(0, height * 6, (4, 2, height, 6)), jnp.int32))
    shares = tuple(jnp.asarray(rng.random((2, 2, height, 6)), jnp.float32))

    def places(start, count):
        own = start + np.arange(count, dtype=np.int32)
        rows = [p.at[:, own].get(mode="fill") for p in (*corners, *shares)]
        return tuple(rows[:4]), *rows[4:]

    sample = jax.jit(lambda given, moved: sample_by_rows(given, places, moved))
    expected = jax.vmap(bilinear)(images, corners, *shares)
    np.testing.assert_allclose(sample(images, True), expected, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(sample(images, False), images)


def test_an_unknown_border_is_refused():
    with pytest.raises(ValueError, match="mirror, reflect or replicate, got 'wrap'"):
        border_index(jnp.zeros(1, jnp.int32), 4, "wrap")
