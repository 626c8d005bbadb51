"""Low resolution against integrals in float64 and against Pillow."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from lqjax.imaging.conditions import parse
from lqjax.imaging.degrade import degrade
from lqjax.imaging.operations import OPERATIONS
from lqjax.imaging.resampling import KERNELS

OP = OPERATIONS["low_resolution"]
RESIZE = jax.jit(lambda images, side, kernel: OP(None, images, side=side, upsampling=kernel))
PILLOW = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def pictures(shape, seed=0):
    return np.random.default_rng(seed).random((2, *shape), np.float32)


def shrunk(images, count, axis):
    """Means over stretches, from the integral of the piecewise constant line; float64."""
    lines = np.moveaxis(images.astype(np.float64), axis, -1)
    size = lines.shape[-1]
    integral = np.concatenate([np.zeros((*lines.shape[:-1], 1)), lines.cumsum(-1)], -1)
    ends = np.arange(count + 1) * size / count
    whole = np.minimum(np.floor(ends).astype(int), size - 1)
    at_ends = integral[..., whole] + (ends - whole) * lines[..., whole]
    return np.moveaxis(np.diff(at_ends) * count / size, -1, axis)


def reference(images, side, upsampling):
    height, width = images.shape[1:3]
    if side >= min(height, width):
        return images
    counts = [math.floor(side * size / min(height, width) + 0.5) for size in (height, width)]
    small = shrunk(shrunk(images, counts[0], 1), counts[1], 2)
    result = np.empty(images.shape)
    for number, image in enumerate(small):
        for channel in range(images.shape[3]):
            plane = Image.fromarray(image[..., channel].astype(np.float32))
            result[number, ..., channel] = plane.resize((width, height), PILLOW[upsampling])
    return np.clip(result, 0, 1)


# With odd counts no centre falls on a border, where Pillow's nearest depends on how it adds up.
@pytest.mark.parametrize("upsampling", KERNELS)
@pytest.mark.parametrize(
    ("shape", "side"),
    [((28, 28, 3), 9), ((36, 28, 1), 27), ((29, 43, 3), 13), ((61, 61, 3), 25), ((97, 129, 1), 61)],
)
def test_equals_integrals_and_pillow(shape, side, upsampling):
    given = pictures(shape)
    found = RESIZE(given, side, KERNELS.index(upsampling))
    np.testing.assert_allclose(found, reference(given, side, upsampling), rtol=0, atol=5e-6)


def test_nearest_on_a_border_takes_the_right_pixel():
    given = pictures((28, 28, 1))
    found = np.asarray(RESIZE(given, 8, 0))
    small = shrunk(shrunk(given, 8, 1), 8, 2)
    places = [(2 * place + 1) * 8 // 56 for place in range(28)]
    np.testing.assert_allclose(found, small[:, places][:, :, places], atol=1e-6)
    assert places[3] == 1  # its centre is 3.5 px of 3.5 px


@pytest.mark.parametrize("side", [28, 29, 512])
def test_enough_pixels_change_nothing(side):
    given = pictures((28, 40, 3))
    for upsampling in range(len(KERNELS)):
        found = RESIZE(given, side, upsampling)
        np.testing.assert_array_equal(found, given)


@pytest.mark.parametrize("upsampling", range(len(KERNELS)))
def test_flat_pictures_stay_flat(upsampling):
    for level in (0, 0.25, 1):
        given = jnp.full((1, 31, 45, 3), level, jnp.float32)
        np.testing.assert_allclose(RESIZE(given, 11, upsampling), given, atol=1e-6)


def test_overshoot_is_clipped():
    edge = np.zeros((1, 32, 32, 1), np.float32)
    edge[:, :, 16:] = 1
    found = np.asarray(RESIZE(edge, 8, KERNELS.index("lanczos")))
    assert found.min() == 0 and found.max() == 1
    assert (found[0, 0, :16, 0] == 0).sum() < 14 and (found[0, 0, :, 0] > 0.9).any()


def test_kernels_are_written_by_name():
    assert (
        parse("low_resolution(side=16,upsampling=nearest)").steps[0].parameters["upsampling"] == 0
    )
    assert parse("low_resolution(side=16,upsampling=bicubic)").name == "low_resolution(side=16)"
    with pytest.raises(ValueError, match="unknown upsampling of low_resolution 'cubic'"):
        parse("low_resolution(side=16,upsampling=cubic)")


def test_the_ladder_has_all_kernels_and_loses_more_with_every_step():
    given = np.round(255 * np.asarray(_smooth())).astype(np.uint8)
    for name in KERNELS:
        errors = [
            np.square(degrade(given, f"low_resolution/{name}@{side}").astype(float) - given).mean()
            for side in (64, 48, 32, 24, 16)
        ]
        assert errors[0] == 0 and errors == sorted(errors) and errors[1] < errors[-1]


def _smooth():
    down, right = np.mgrid[:64, :64] / 64
    wave = 0.5 + 0.2 * np.sin(90 * down * right) + 0.2 * np.cos(40 * right)
    return wave[None, ..., None]
