"""Bubbles against Pillow, bit for bit."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from PIL import Image, ImageDraw

from lqjax.degradations.bubble import MOST_COUNT, MOST_RADIUS, Bubbles
from lqjax.imaging.keys import example_keys
from lqjax.imaging.levels import from_levels
from lqjax.imaging.operations import OPERATIONS

OP = OPERATIONS["bubble"]
DRAWS = jax.jit(OP.draws, static_argnums=1)


def keys(batch, seed=0):
    return example_keys(seed, OP.stream, jnp.arange(batch, dtype=jnp.uint32))


@functools.cache
def program():
    return jax.jit(OP.apply)


def applied(levels, draws, radius_max, count_max):
    found = program()(
        from_levels(jnp.asarray(levels)),
        draws,
        radius_max=np.int32(radius_max),
        count_max=np.int32(count_max),
    )
    return np.rint(np.asarray(found) * 255)


def largest(row, column):
    """As few bubbles as there can be, as large as there can be, all at one place."""
    places = [jnp.full((1, MOST_COUNT), place, jnp.float32) for place in (0.9999, row, column)]
    return Bubbles(jnp.zeros(1, jnp.float32), *places)


def chosen(uniform, low, high):
    """What randint(low, high) of the original gives for a uniform number."""
    return int(low + np.floor(np.float64(uniform) * (high - low + 1)))


def reference(levels, draws, example, radius_max, count_max):
    image = Image.fromarray(levels.squeeze(-1) if levels.shape[2] == 1 else levels).convert("RGB")
    layer = Image.new("RGBA", image.size, (255, 255, 255, 0))
    pen = ImageDraw.Draw(layer)
    part = {name: np.asarray(value)[example] for name, value in draws._asdict().items()}
    for number in range(chosen(part["number"], 7, count_max)):
        radius = chosen(part["radius"][number], 3, radius_max)
        x = chosen(part["column"][number], radius, image.width - radius)
        y = chosen(part["row"][number], radius, image.height - radius)
        for reach, alpha in ((radius + 2, 130), (radius, 100)):
            pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=(255, 255, 255, alpha))
    image.paste(layer, (0, 0), layer)
    return np.array(image)[..., : levels.shape[2]]


@pytest.mark.parametrize("shape", [(64, 64, 3), (45, 70, 1), (224, 224, 3)])
@pytest.mark.parametrize(
    ("radius_max", "count_max"), [(5, 10), (7, 15), (17, 25), (3, 7), (20, 32)]
)
def test_equals_pillow(shape, radius_max, count_max):
    levels = np.random.default_rng(0).integers(0, 256, (4, *shape)).astype(np.uint8)
    draws = DRAWS(keys(4), shape)
    found = applied(levels, draws, radius_max, count_max)
    for example in range(4):
        expected = reference(levels[example], draws, example, radius_max, count_max)
        np.testing.assert_array_equal(found[example], expected)


def test_discs_of_all_sizes_equal_pillows():
    side = 2 * (MOST_RADIUS + 4) + 1
    levels = np.zeros((1, side, side, 1), np.uint8)
    for radius in range(3, MOST_RADIUS + 1):
        draws = largest(0.5, 0.5)
        expected = reference(levels[0], draws, 0, radius, 7)
        np.testing.assert_array_equal(applied(levels, draws, radius, 7)[0], expected)


def test_bubbles_larger_than_the_image_lie_in_its_middle():
    levels = np.zeros((1, 28, 28, 1), np.uint8)
    np.testing.assert_array_equal(applied(levels, largest(0.9, 0.1), MOST_RADIUS, 7), 100)
    wide = np.zeros((1, 28, 80, 1), np.uint8)
    lengths = (applied(wide, largest(0.9, 0.1), 20, 7)[0] > 0).sum(axis=(1, 2))
    assert np.flatnonzero(lengths == lengths.max()).mean() == 14


def test_draws_are_uniform():
    draws = DRAWS(keys(200), (64, 64, 3))
    for part in draws:
        assert scipy.stats.kstest(np.asarray(part).ravel(), "uniform").pvalue > 0.01
