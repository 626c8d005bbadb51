"""JPEG against Pillow, bit for bit."""

import io

import jax
import jax.numpy as jnp
import numpy as np
import PIL.Image
import pytest

from lqjax.imaging.degrade import degrade
from lqjax.imaging.jpeg_codec import jpeg_round_trip

SOME_QUALITIES = np.array([1, 2, 10, 24, 25, 40, 49, 50, 51, 70, 85, 95, 99, 100])
ALL_QUALITIES = np.arange(1, 101)
SMALL = [(28, 28), (29, 45), (33, 33), (1, 1), (1, 9), (9, 1), (2, 6), (3, 5), (5, 4), (17, 18)]
LARGE = [(64, 64), (100, 150), (224, 224)]

round_trips = jax.jit(jax.vmap(jpeg_round_trip, (None, 0)))


def pictures(height, width, channels):
    """Uniform noise, a smooth surface, black and white dots, a ramp with an edge, a constant."""
    rng = np.random.default_rng(height * width)
    shape = (height, width, channels)
    smooth = 128 + np.cumsum(np.cumsum(rng.normal(0, 3, shape), axis=0), axis=1)
    ramp = np.add.outer(np.arange(height), 2 * np.arange(width))[..., None] * np.ones(channels)
    ramp[:, width // 2 :] = 255
    batch = [
        rng.integers(0, 256, shape),
        smooth.clip(0, 255),
        rng.integers(0, 2, shape) * 255,
        ramp % 256,
        np.ones(shape) * [17, 200, 99][:channels],
    ]
    return np.stack(batch).astype(np.uint8)


def pillow(image, quality):
    grey = image.shape[2] == 1
    buffer = io.BytesIO()
    PIL.Image.fromarray(image[..., 0] if grey else image).save(buffer, "JPEG", quality=quality)
    return np.asarray(PIL.Image.open(buffer)).reshape(image.shape)


def check(height, width, channels, qualities):
    given = pictures(height, width, channels)
    found = np.asarray(round_trips(jnp.asarray(given, jnp.int32), jnp.asarray(qualities)))
    for quality, results in zip(qualities, found, strict=True):
        for image, result in zip(given, results, strict=True):
            np.testing.assert_array_equal(result, pillow(image, int(quality)), f"q {quality}")


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", SMALL, ids=str)
def test_equals_pillow(size, channels):
    check(*size, channels, SOME_QUALITIES)


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [*SMALL[:3], *LARGE], ids=str)
def test_equals_pillow_at_every_quality(size, channels):
    for start in range(0, len(ALL_QUALITIES), 10):
        check(*size, channels, ALL_QUALITIES[start : start + 10])


def test_8_bit_images_come_back_as_pillow_writes_them():
    given = pictures(40, 50, 3)
    for condition, quality in {"jpeg(quality=23)": 23, "low_quality/jpeg@high": 10}.items():
        expected = np.stack([pillow(image, quality) for image in given])
        np.testing.assert_array_equal(degrade(given, condition), expected)
        floats = degrade(given / np.float32(255), condition)
        np.testing.assert_allclose(floats, expected / np.float32(255), atol=1e-7)


def test_values_between_levels_are_rounded_to_the_nearest():
    given = pictures(32, 32, 3)
    moved = (given + np.random.default_rng(0).uniform(-0.4, 0.4, given.shape)).clip(0, 255) / 255
    found = degrade(moved.astype(np.float32), "jpeg(quality=80)")
    np.testing.assert_array_equal(
        found, degrade((given / 255).astype(np.float32), "jpeg(quality=80)")
    )
