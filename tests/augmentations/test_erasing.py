"""Random erasing against a NumPy version of the published algorithm."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from lqjax.augmentations.base import AUGMENTATIONS
from lqjax.augmentations.erasing import draw_rectangles
from lqjax.config import AugmentationConfig

HEIGHT, WIDTH = 64, 48


def published(generator, count):
    """Draw rectangles as algorithm 1 of the paper says: again and again until one fits."""
    found = []
    while len(found) < count:
        area = generator.uniform(0.02, 0.4) * HEIGHT * WIDTH
        aspect = generator.uniform(0.3, 1 / 0.3)
        tall, wide = round((area * aspect) ** 0.5), round((area / aspect) ** 0.5)
        if tall < HEIGHT and wide < WIDTH:
            top = generator.integers(0, HEIGHT - tall + 1)
            left = generator.integers(0, WIDTH - wide + 1)
            found.append((top, left, tall, wide, tall * wide))
    return np.array(found)


def test_rectangles_are_distributed_as_published():
    count = 5000
    top, left, tall, wide = (
        np.asarray(side) for side in draw_rectangles(jax.random.key(0), count, HEIGHT, WIDTH)
    )
    assert (top >= 0).all() and (top + tall <= HEIGHT).all()
    assert (left >= 0).all() and (left + wide <= WIDTH).all()
    expected = published(np.random.default_rng(0), count)
    for found, reference in zip((top, left, tall, wide, tall * wide), expected.T, strict=True):
        assert scipy.stats.ks_2samp(found, reference).pvalue > 0.01


@pytest.mark.slow
def test_a_rectangle_of_even_noise_replaces_what_was_there():
    count = 400
    given = np.full((count, 40, 40, 3), 2, np.float32)  # a level that the filling never has
    chosen = dataclasses.replace(AugmentationConfig(), erasing=0.7)
    found = AUGMENTATIONS["erasing"].apply(jax.random.key(5), jnp.asarray(given), chosen)
    erased = np.asarray(found) != 2
    assert abs(erased.any((1, 2, 3)).mean() - 0.7) < 0.07
    for mask in erased[erased.any((1, 2, 3))]:
        rows, columns = np.nonzero(mask.any((1, 2)))[0], np.nonzero(mask.any((0, 2)))[0]
        assert mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
        assert mask.sum() == 3 * len(rows) * len(columns)
    assert scipy.stats.kstest(np.asarray(found)[erased][::20], "uniform").pvalue > 0.01
