"""One small split and what its batches must be, by NumPy alone."""

import hashlib

import numpy as np

from lqjax.typing import Split
from tests.data.making import noise

COUNT = 37
"""No multiple of any number of devices."""


def split(channels=3, count=COUNT):
    ids = np.array([f"train/{i}" for i in range(count)])
    return Split(noise(0, count, 9, 9, channels), np.arange(count, dtype=np.int32) % 5, ids)


def number_of(name):
    digest = hashlib.blake2s(str(name).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little")


def check(batch, made, rows):
    """The batch holds these rows of the split."""
    np.testing.assert_array_equal(batch.images, made.images[rows])
    np.testing.assert_array_equal(batch.labels, made.labels[rows])
    np.testing.assert_array_equal(batch.numbers, [number_of(name) for name in made.ids[rows]])
    dtypes = [np.uint8, np.int32, np.uint32]
    assert [a.dtype for a in batch[:3]] == dtypes
    if made.weights is None:
        assert batch.weights is None
    else:
        np.testing.assert_array_equal(batch.weights, made.weights[rows])
        assert batch.weights.dtype == np.float32
