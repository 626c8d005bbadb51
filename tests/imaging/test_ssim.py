"""SSIM against scikit-image: noise, photographs, and pictures that leave float32 few digits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data
from jax.sharding import NamedSharding, PartitionSpec
from skimage.metrics import structural_similarity

from lqjax.imaging.ssim import ssim

FAR_BELOW = 5e-6  # what smooth images give; the tolerance is no excuse for losing digits

measured = jax.jit(ssim)


def published(images, reference):
    """Wang's definition as scikit-image computes it, in float64."""
    return [
        structural_similarity(
            a.astype(np.float64), b.astype(np.float64), gaussian_weights=True, sigma=1.5,
            use_sample_covariance=False, data_range=1, channel_axis=-1,
        )
        for a, b in zip(images, reference, strict=True)
    ]  # fmt: skip


def pair(shape, noise=0.1, seed=0):
    rng = np.random.default_rng(seed)
    reference = rng.random(shape)
    images = np.clip(reference + noise * rng.normal(size=shape), 0, 1)
    return images.astype(np.float32), reference.astype(np.float32)


@pytest.mark.parametrize(
    "shape",
    [
        (3, 28, 28, 1), (2, 28, 45, 3), (1, 11, 11, 3), (1, 11, 30, 1), (2, 64, 33, 3),
        (1, 118, 119, 3), (1, 224, 240, 3), (1, 130, 350, 1),
    ],
)  # fmt: skip
def test_it_is_scikit_images(shape):
    for noise in (0.03, 0.5):
        found = measured(*pair(shape, noise))
        assert found.shape == shape[:1] and found.dtype == jnp.float32
        np.testing.assert_allclose(found, published(*pair(shape, noise)), atol=FAR_BELOW)


def test_photographs_are_judged_as_published():
    picture = (skimage.data.astronaut()[None, ::4, ::4] / 255).astype(np.float32)
    for changed in (np.roll(picture, 1, axis=2), picture**1.5, 1 - picture, picture[:, ::-1]):
        np.testing.assert_allclose(
            measured(changed, picture), published(changed, picture), atol=1e-5
        )


def smooth_pairs(height, width):
    """Pictures on which E[x^2] - E[x]^2 cancels: flat, sloping, with an edge, almost flat."""
    rng = np.random.default_rng(0)
    flat = np.ones((height, width, 1))
    slope = flat * np.linspace(0, 1, width)[None, :, None]
    edge = np.round(slope)
    grain = 0.002 * rng.random((height, width, 1))
    yield 0.2 * flat, 0.7 * flat
    yield 0 * flat, flat
    yield 0.999 * flat, flat
    yield slope, 1 - slope
    yield slope, flat * np.linspace(0, 1, height)[:, None, None]
    yield 0.8 * slope, 0.8 * slope + 0.1
    yield edge, 0.9 * edge + 0.05
    yield edge, 1 - edge
    yield 0.95 + grain, 0.05 + grain[::-1]
    yield 0.9 * slope + grain, 0.9 * slope + grain[::-1]
    yield np.abs(edge - grain), np.abs(edge - grain[::-1])


@pytest.mark.parametrize("size", [(28, 36), (224, 224), (120, 512)])
def test_smooth_and_constant_images_keep_their_digits(size):
    made = [np.stack(side).astype(np.float32) for side in zip(*smooth_pairs(*size), strict=True)]
    np.testing.assert_allclose(measured(*made), published(*made), atol=FAR_BELOW)


def test_channels_of_different_brightness_keep_their_digits():
    grain = 0.002 * np.random.default_rng(0).random((2, 60, 40, 3))
    made = np.array([0.1, 0.5, 0.9]) + grain[0], np.array([0.9, 0.5, 0.1]) + grain[1]
    images, reference = (side.astype(np.float32)[None] for side in made)
    expected = published(images, reference)
    np.testing.assert_allclose(measured(images, reference), expected, atol=1e-7)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_stays_in_its_image(value):
    images, reference = pair((3, 30, 40, 3))
    expected = published(images, reference)
    images[1, 12, 20, 2] = value
    found = np.asarray(measured(images, reference))
    assert np.isnan(found[1])
    np.testing.assert_allclose(found[[0, 2]], np.array(expected)[[0, 2]], atol=FAR_BELOW)


def test_an_offset_costs_no_digits():
    slope = np.broadcast_to(np.linspace(0, 0.8, 224, dtype=np.float32)[:, None], (1, 224, 224, 1))
    expected = published(slope + np.float32(0.1), slope)
    np.testing.assert_allclose(measured(slope + np.float32(0.1), slope), expected, atol=5e-7)


def test_equal_images_give_exactly_one():
    images, _ = pair((4, 40, 150, 3))
    images[1], images[2] = 0, 1
    np.testing.assert_array_equal(measured(images, images), np.ones(4))


def test_it_is_symmetric_and_stays_below_one():
    images, reference = pair((4, 40, 40, 3))
    found = np.asarray(measured(images, reference))
    np.testing.assert_allclose(found, measured(reference, images), atol=1e-6)
    assert (found < 1).all()


@pytest.mark.slow
def test_jit_vmap_and_sharding_agree():
    images, reference = pair((8, 32, 32, 3))
    expected = np.asarray(ssim(images, reference))
    np.testing.assert_allclose(measured(images, reference), expected, atol=1e-6)
    each = jax.vmap(lambda a, b: measured(a[None], b[None])[0])(images, reference)
    np.testing.assert_allclose(each, expected, atol=1e-6)
    mesh = jax.make_mesh((8,), ("batch",), axis_types=(jax.sharding.AxisType.Auto,))
    split = NamedSharding(mesh, PartitionSpec("batch"))
    compiled = jax.jit(ssim, out_shardings=split).lower(
        *(jax.ShapeDtypeStruct(images.shape, jnp.float32, sharding=split),) * 2
    )
    program = compiled.compile()
    text = program.as_text()
    assert not any(f"all-{kind}" in text for kind in ("reduce", "gather", "to-all"))
    placed = (jax.device_put(values, split) for values in (images, reference))
    np.testing.assert_allclose(program(*placed), expected, atol=1e-6)


@pytest.mark.slow
def test_it_is_float32_and_can_be_differentiated_with_x64():
    images, reference = pair((2, 28, 28, 1))
    with jax.enable_x64(True):
        assert measured(images, reference).dtype == jnp.float32
    slope = jax.jit(jax.grad(lambda x: ssim(x, reference).sum()))(images)
    assert np.isfinite(slope).all() and np.abs(slope).max() > 0


def test_memory_stays_small():
    shape = jax.ShapeDtypeStruct((16, 224, 224, 3), jnp.float32)
    needed = jax.jit(ssim).lower(shape, shape).compile().memory_analysis().temp_size_in_bytes
    assert needed < 12 * shape.size * 4


def test_what_it_cannot_compare_is_refused():
    with pytest.raises(ValueError, match=r"at least 11 px.*got 10 x 28"):
        ssim(jnp.zeros((1, 10, 28, 1)), jnp.zeros((1, 10, 28, 1)))
    with pytest.raises(ValueError, match="equal shapes"):
        ssim(jnp.zeros((2, 28, 28, 1)), jnp.zeros((1, 28, 28, 1)))
