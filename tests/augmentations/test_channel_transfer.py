"""Channel transfer: which values come from where."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.augmentations.base import AUGMENTATIONS
from lqjax.config import AugmentationConfig


def applied(given, probability):
    chosen = dataclasses.replace(AugmentationConfig(), channel_transfer=probability)
    return AUGMENTATIONS["channel_transfer"].apply(jax.random.key(1), jnp.asarray(given), chosen)


def test_one_channel_comes_from_another_image():
    given = np.random.default_rng(0).random((600, 4, 5, 3), dtype=np.float32)
    found = np.asarray(applied(given, 0.3))
    counts = np.zeros(4, int)
    for place in range(600):
        taken = [c for c in range(3) if (found[place, ..., c] != given[place, ..., c]).any()]
        assert len(taken) <= 1
        for channel in taken:
            np.testing.assert_array_equal(
                found[place, ..., channel], given[place - 1, ..., channel]
            )
        counts[taken[0] if taken else 3] += 1
    assert abs(counts[3] / 600 - 0.7) < 0.06
    assert counts[:3].min() > 35


def test_grey_images_are_refused():
    with pytest.raises(ValueError, match=r"channel_transfer=0\.3 needs colour images.*set it to 0"):
        applied(np.zeros((2, 4, 4, 1), np.float32), 0.3)
