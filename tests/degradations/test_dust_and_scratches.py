"""Dust and scratches against loops over marks in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from lqjax.imaging.keys import example_keys
from lqjax.imaging.operations import OPERATIONS
from tests.degradations.light_references import decoded, encoded

OP = OPERATIONS["dust_and_scratches"]
DRAWS = jax.jit(OP.draws, static_argnums=1)
PARAMETERS = {"dust": 10, "scratches": 6, "size": 4, "width": 1.5, "opacity": 0.9, "light": 0.4}
SHAPE = (64, 64, 3)
APPLY = jax.jit(OP.apply)


def keys(batch, seed=0):
    return example_keys(seed, OP.stream, jnp.arange(batch, dtype=jnp.uint32))


def applied(given, draws, **parameters):
    values = {name: np.float32(value) for name, value in parameters.items()}
    return np.asarray(APPLY(jnp.asarray(given), draws, **values))


def alone(marks, example, number):
    return {
        name: np.float64(np.asarray(part)[example, number])
        for name, part in marks._asdict().items()
    }


def speck(mark, shape, size, opacity):
    """The share of light that one speck of three grains leaves."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    diameter = size * 2 ** (2 * mark["diameter"] - 1)
    density = -np.log(1 - opacity * (0.4 + 0.6 * mark["strength"]))
    total = np.zeros(shape)
    for down, across in 2 * mark["grains"] - 1:
        row = mark["row"] * shape[0] - 0.5 + 0.4 * diameter * down
        column = mark["column"] * shape[1] - 0.5 + 0.4 * diameter * across
        own, with_pixel = (diameter / 4) ** 2, (diameter / 4) ** 2 + 1 / 12
        squared = (rows - row) ** 2 + (columns - column) ** 2
        total += density * own / with_pixel * np.exp(-squared / (2 * with_pixel))
    return np.exp(-total)


def scratch(mark, shape, width, opacity):
    """The share of light that one line leaves: how much of each pixel it covers."""
    left = np.ones(shape)
    length = shape[0] * 0.15 * (2 / 0.15) ** mark["length"]
    wide = width * (0.5 + mark["width"])
    for row in range(shape[0]):
        along = (row + 0.5 - mark["row"] * shape[0]) / (length / 2)
        thin = np.clip((1 - abs(along)) / 0.2, 0, 1)
        middle = mark["column"] * shape[1]
        middle += (2 * mark["slope"] - 1) * 0.04 * along * length / 2
        middle += (2 * mark["bow"] - 1) * 0.02 * length * (1 - along**2)
        for column in range(shape[1]):
            begin, end = max(column, middle - wide / 2), min(column + 1, middle + wide / 2)
            cover = max(end - begin, 0) * thin
            left[row, column] = 1 - cover * opacity * (0.4 + 0.6 * mark["strength"])
    return left


def reference(image, draws, example, *, dust, scratches, size, width, opacity, light):
    shape = image.shape[:2]
    specks, lines = draws
    left = {True: np.ones(shape), False: np.ones(shape)}
    places = specks.presence.shape[1]
    assert places == int(np.ceil(16 * shape[0] * shape[1] / 10_000))
    for number in range(places):
        mark = alone(specks, example, number)
        if mark["presence"] * places < dust * shape[0] * shape[1] / 10_000:
            left[mark["tone"] < light] *= speck(mark, shape, size, opacity)
    for number in range(16):
        mark = alone(lines, example, number)
        if mark["presence"] < scratches / 16:
            left[mark["tone"] < light] *= scratch(mark, shape, width, opacity)
    negative = 1 - (1 - decoded(image)) * left[True][..., None]
    return encoded(negative * left[False][..., None])


@pytest.mark.parametrize("shape", [(32, 32, 3), (28, 45, 1), (110, 60, 3)])
@pytest.mark.parametrize("changes", [{}, {"size": 1, "width": 0.25}, {"opacity": 0.99, "light": 1}])
def test_equals_marks_laid_one_by_one(shape, changes):
    given = np.random.default_rng(0).random((2, *shape)).astype(np.float32)
    draws, parameters = DRAWS(keys(2), shape), PARAMETERS | changes
    found = applied(given, draws, **parameters)
    for example in range(2):
        expected = reference(given[example], draws, example, **parameters)
        np.testing.assert_allclose(found[example], expected, rtol=0, atol=1e-4)


def test_pixels_without_dirt_keep_their_bits():
    given = np.random.default_rng(0).random((4, *SHAPE)).astype(np.float32)
    draws = DRAWS(keys(4), SHAPE)
    same = applied(given, draws, **PARAMETERS) == given
    assert 0.3 < same.mean() < 0.95
    clean = applied(given, draws, **PARAMETERS | {"dust": 0, "scratches": 0})
    np.testing.assert_array_equal(clean, given)


def test_more_dirt_is_the_same_dirt_and_some_more():
    grey = np.full((4, *SHAPE), 0.5, np.float32)
    draws = DRAWS(keys(4), SHAPE)
    dark = PARAMETERS | {"light": 0}
    few, many = (
        applied(grey, draws, **dark | {"dust": dust, "scratches": lines})
        for dust, lines in ((4, 3), (12, 9))
    )
    assert (many <= few + 1e-6).all() and many.mean() < few.mean() < 0.5


@pytest.mark.parametrize(("light", "sign"), [(0, -1), (1, 1)])
def test_dark_marks_darken_and_light_marks_lighten(light, sign):
    grey = np.full((4, *SHAPE), 0.5, np.float32)
    found = applied(grey, DRAWS(keys(4), SHAPE), **PARAMETERS | {"light": light})
    assert (sign * (found - 0.5)).min() > -1e-6
    assert (sign * (found - 0.5)).max() > 0.3


def test_specks_are_as_many_as_asked_for():
    specks, lines = DRAWS(keys(300), (100, 100, 3))
    there = np.asarray(specks.presence) * 16 < 5
    assert there.shape[1] == 16
    assert there.sum(axis=1).mean() == pytest.approx(5, rel=0.1)
    crossed = np.asarray(lines.presence) * 16 < 5
    assert crossed.sum(axis=1).mean() == pytest.approx(5, rel=0.1)


def test_draws_are_uniform_and_independent():
    specks, lines = DRAWS(keys(100), (60, 70, 3))
    columns = [np.asarray(part).reshape(100, -1)[:, 0] for part in (*specks, *lines)]
    for column in columns:
        assert scipy.stats.kstest(column, "uniform").pvalue > 0.01
    apart = np.corrcoef(columns) - np.eye(len(columns))
    assert np.abs(apart).max() < 0.4
