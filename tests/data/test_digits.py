"""The embedded digits."""

import numpy as np
from sklearn.datasets import load_digits

from tests.data.making import load

FIRST_TEST_IDS = ["digits/13", "digits/14", "digits/16", "digits/20"]


def test_the_digits_are_split_in_fixed_shares():
    data = load("digits", image_size=64)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [1294, 144, 359]
    assert data.train.images.shape == (1294, 64, 64, 1)
    assert data.class_names == tuple("0123456789")
    assert "Alpaydin" in data.credit
    for split in (data.train, data.validation, data.test):
        counts = np.bincount(split.labels)
        assert counts.max() - counts.min() <= 0.06 * len(split) / 10 + 2
    # A change of these names is a change of everybody's split.
    assert data.test.ids[:4].tolist() == FIRST_TEST_IDS
    again = load("digits", image_size=64, channels=3)
    np.testing.assert_array_equal(again.test.ids, data.test.ids)
    np.testing.assert_array_equal(again.test.images[..., 2:], data.test.images)


def test_labels_and_pixels_belong_to_the_ids():
    raw = load_digits()
    data = load("digits", image_size=28)
    rows = [int(name.split("/")[1]) for name in data.train.ids]
    np.testing.assert_array_equal(data.train.labels, raw.target[rows])
    shrunk = data.train.images[..., 0].reshape(-1, 4, 7, 4, 7).mean((2, 4))
    original = raw.images[rows].reshape(-1, 4, 2, 4, 2).mean((2, 4)) * 255 / 16
    assert np.abs(shrunk - original).mean() < 6
