"""Stain deposits against loops over drops in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from lqjax.imaging.keys import example_keys
from lqjax.imaging.operations import OPERATIONS

OP = OPERATIONS["stain_deposit"]
DRAWS = jax.jit(OP.draws, static_argnums=1)
APPLY = jax.jit(OP.apply)


def keys(batch, seed=0):
    return example_keys(seed, OP.stream, jnp.arange(batch, dtype=jnp.uint32))


def applied(given, draws, maximum, size=24):
    return np.asarray(
        APPLY(jnp.asarray(given), draws, maximum=np.int32(maximum), size=np.float32(size))
    )


def reference(image, draws, example, maximum, size):
    part = {n: np.asarray(v, np.float64)[example] for n, v in draws._asdict().items()}
    pixel_rows, pixel_columns = np.mgrid[: image.shape[0], : image.shape[1]]
    hills = np.zeros(image.shape[:2])

    def drop(row, column, sigma):
        wide = sigma**2 + 1 / 12
        squared = (pixel_rows - row) ** 2 + (pixel_columns - column) ** 2
        return sigma**2 / wide * np.exp(-squared / (2 * wide))

    for stain in range(1 + int(part["number"] * maximum)):
        middle = []
        for name, length in zip(("row", "column"), image.shape[:2], strict=True):
            room = length - size - 20
            first = 10 + part[name][stain] * room if room > 0 else (length - size) / 2
            middle.append(first + (size - 1) / 2)
        hills += drop(*middle, 0.2 * size)
        for number in range(8):
            away = size * (0.2 + 0.2 * part["distance"][stain, number])
            angle = 2 * np.pi / 8 * (number + part["angle"][stain, number])
            row, column = middle[0] + away * np.sin(angle), middle[1] + away * np.cos(angle)
            hills += drop(row, column, 0.1 * size)
    ink = np.clip(0.5 + 6 * (hills - 0.5), 0, 1)
    return image * (1 - ink[..., None])


@pytest.mark.parametrize("shape", [(64, 64, 3), (28, 45, 1), (100, 60, 3)])
@pytest.mark.parametrize(("maximum", "size"), [(1, 24), (5, 32), (8, 10.5)])
def test_equals_drops_laid_one_by_one(shape, maximum, size):
    given = np.random.default_rng(0).random((3, *shape)).astype(np.float32)
    draws = DRAWS(keys(3), shape)
    found = applied(given, draws, maximum, size)
    for example in range(3):
        expected = reference(np.float64(given[example]), draws, example, maximum, size)
        np.testing.assert_allclose(found[example], expected, rtol=0, atol=1e-4)


def test_a_stain_is_black_ragged_and_as_large_as_the_published_ones():
    white = np.ones((40, 64, 64, 1), np.float32)
    ink = 1 - applied(white, DRAWS(keys(40), (64, 64, 1)), 1)[..., 0]
    assert (ink.max(axis=(1, 2)) == 1).all()
    shares = ink.sum(axis=(1, 2)) / 24**2
    assert shares.min() > 0.45 and shares.max() < 0.75  # published: 0.48 to 0.78 of 24 x 24 px
    for blot in ink > 0.5:
        rows, columns = (np.flatnonzero(blot.any(axis=axis)) for axis in (1, 0))
        assert rows[0] >= 8 and columns[0] >= 8 and rows[-1] < 56 and columns[-1] < 56
        assert np.ptp(rows) < 28 and np.ptp(columns) < 28
    assert np.std(shares) > 0.01


def test_there_are_one_to_maximum_stains_all_equally_likely():
    draws = DRAWS(keys(600), (64, 64, 1))
    counts = np.bincount(1 + np.floor(np.asarray(draws.number) * 5).astype(int), minlength=6)[1:]
    assert scipy.stats.chisquare(counts).pvalue > 0.01


def test_more_stains_are_the_same_and_some_more():
    white = np.ones((8, 96, 96, 1), np.float32)
    draws = DRAWS(keys(8), (96, 96, 1))
    few, many = applied(white, draws, 2), applied(white, draws, 6)
    assert (many <= few).all() and many.mean() < few.mean()


def test_draws_are_uniform():
    for part in DRAWS(keys(100), (64, 64, 3)):
        assert scipy.stats.kstest(np.asarray(part).ravel(), "uniform").pvalue > 0.01
