"""Pixelation against Pillow, bit for bit."""

import jax
import jax.numpy as jnp
import numpy as np
import PIL.Image
import pytest

from lqjax.degradations.pixelate import _small_size
from lqjax.imaging.levels import as_float
from lqjax.imaging.operations import OPERATIONS
from tests.golden import golden_image, golden_output

OP = OPERATIONS["pixelate"]
BOX = PIL.Image.Resampling.BOX
PUBLISHED = {
    "cifar10_c": (0.95, 0.9, 0.85, 0.75, 0.65),
    "imagenet_c": (0.6, 0.5, 0.4, 0.3, 0.25),
}
SCALES = (
    0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.5, 0.4, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1
)  # fmt: skip
SHAPES = [(28, 28, 1), (28, 45, 3), (33, 29, 3), (64, 31, 1), (57, 128, 3)]
LARGE_SIZES = [(224, 224), (299, 299), (180, 341), (512, 359)]

program = jax.jit(lambda images, scale: OP(None, images, scale=scale))


def run(levels, scale):
    found = np.asarray(program(as_float(jnp.asarray(levels)), np.float32(scale)))
    np.testing.assert_array_equal(found, as_float(jnp.rint(found * 255).astype(jnp.uint8)))
    return np.rint(found * 255).astype(np.uint8)


def pillow(levels, scale):
    """Shrink and enlarge as the published code does.

    One axis at a time: Pillow 13 chooses the order by the shape, before it took the width first.
    """
    picture = PIL.Image.fromarray(levels[..., 0] if levels.shape[2] == 1 else levels)
    width, height = picture.size
    narrow = picture.resize((int(width * scale), height), BOX)
    small = narrow.resize((int(width * scale), int(height * scale)), BOX)
    if width >= height:
        whole = picture.resize(small.size, BOX)
        np.testing.assert_array_equal(whole, small)
    return np.asarray(small.resize((width, height), BOX)).reshape(levels.shape)


def pictures(height, width, channels):
    """Noise, black and white dots, a ramp, black, white."""
    rng = np.random.default_rng(height + width)
    shape = (height, width, channels)
    ramp = np.add.outer(np.arange(height), 3 * np.arange(width))[..., None] + 0 * np.arange(
        channels
    )
    batch = [rng.integers(0, 256, shape), rng.integers(0, 2, shape) * 255, ramp % 256]
    return np.stack([*batch, 0 * ramp, 0 * ramp + 255]).astype(np.uint8)


def check(height, width, channels, scales):
    given = pictures(height, width, channels)
    for scale in scales:
        expected = np.stack([pillow(levels, scale) for levels in given])
        np.testing.assert_array_equal(run(given, scale), expected, f"scale {scale}")


@pytest.mark.parametrize("severity", range(1, 6))
@pytest.mark.parametrize("suite", PUBLISHED)
def test_equals_the_original(suite, severity):
    found = run(golden_image(suite)[None], PUBLISHED[suite][severity - 1])[0]
    np.testing.assert_array_equal(found, golden_output(suite, "pixelate", severity))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_equals_pillow(shape):
    check(*shape, (*SCALES, 0.999, 0.05, 0.04))


@pytest.mark.slow
@pytest.mark.parametrize("size", LARGE_SIZES, ids=str)
def test_equals_pillow_on_large_images(size):
    check(*size, 3, (*SCALES, 0.02))


def test_equals_pillow_at_every_size_in_between():
    # 49 px puts many pixels half way between two cells, where float64 decides.
    check(49, 49, 1, [(small + 0.5) / 49 for small in range(1, 49)])


def test_half_way_falls_as_in_float64_at_the_size_of_inception():
    check(299, 28, 1, (0.5, 0.4, 0.3, 0.25, 0.2))


def test_size_in_between_is_that_of_python():
    scales = [*SCALES, *(step / 1000 for step in range(10, 1000, 7))]
    for size in range(28, 513):
        found = jax.vmap(lambda scale, size=size: _small_size(size, scale))(
            jnp.asarray(scales, jnp.float32)
        )
        assert found.tolist() == [max(int(size * scale), 1) for scale in scales]


def test_scale_one_returns_any_float():
    given = jnp.asarray(np.random.default_rng(0).random((2, 28, 30, 3)), jnp.float32)
    np.testing.assert_array_equal(program(given, np.float32(1)), given)


def test_at_least_one_cell():
    given = pictures(28, 28, 1)[:1]
    found = run(given, 0.01)
    assert np.ptp(found) == 0 and abs(int(found[0, 0, 0, 0]) - given.mean()) < 1
