"""Statistics of the training images, against NumPy in float64."""

import numpy as np
import pytest

from lqjax.data import normalisation as module
from lqjax.data.normalisation import level_counts, normalisation
from lqjax.typing import Split
from tests.data.placed import split


@pytest.mark.parametrize("channels", [1, 3])
def test_normalisation_equals_numpy(channels, monkeypatch):
    made = split(channels)
    monkeypatch.setattr(module, "STATISTICS_BYTES", 10 * made.images[0].nbytes)
    mean, deviation = normalisation(made)
    scaled = made.images / 255.0
    assert mean.dtype == deviation.dtype == np.float32
    np.testing.assert_allclose(mean, scaled.mean((0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(deviation, scaled.std((0, 1, 2)), rtol=1e-6)
    expected = [np.bincount(made.images[..., c].ravel(), minlength=256) for c in range(channels)]
    np.testing.assert_array_equal(level_counts(made.images), expected)


def test_constant_images_can_be_divided_by_their_deviation():
    flat = Split(
        np.full((4, 9, 9, 1), 7, np.uint8), np.zeros(4, np.int32), np.arange(4).astype(str)
    )
    np.testing.assert_allclose(normalisation(flat)[1], 1 / 255, rtol=1e-6)


def test_counts_of_a_file_are_kept_until_it_changes(tmp_path, monkeypatch):
    made, path = split().images, tmp_path / "images"
    path.write_bytes(made.tobytes())

    def counts():
        return level_counts(np.memmap(path, np.uint8, "r", shape=made.shape))

    first, real, counted = counts(), module._count, []
    monkeypatch.setattr(module, "_count", lambda images: counted.append(1) or real(images))
    np.testing.assert_array_equal(counts(), first)
    assert not counted
    assert (tmp_path / module.KEPT_NAME).exists()
    whole = np.memmap(path, np.uint8, "r", shape=made.shape)
    for part in (slice(5), slice(5, 10)):
        np.testing.assert_array_equal(level_counts(whole[part]), level_counts(made[part]))
    path.write_bytes((255 - made).tobytes())
    np.testing.assert_array_equal(counts(), first[:, ::-1])
    (tmp_path / module.KEPT_NAME).write_text("{")
    np.testing.assert_array_equal(counts(), first[:, ::-1])
