"""Damage measured in pieces is that of the whole batch, image by image."""

import jax
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from lqjax.imaging import damage
from lqjax.imaging.damage import measure
from lqjax.runtime import DATA_AXIS, make_mesh

COUNT, SHAPE = 7, (28, 30, 3)


def pair():
    rng = np.random.default_rng(0)
    reference = rng.random((COUNT, *SHAPE))
    noise = np.linspace(0.02, 0.5, COUNT)[:, None, None, None] * rng.normal(size=reference.shape)
    return (np.clip(reference + noise, 0, 1).astype(np.float32), reference.astype(np.float32))


@pytest.mark.parametrize("at_a_time", [0.5, 1, 2, 3, COUNT])
def test_pieces_of_every_length_give_what_scikit_image_gives(monkeypatch, at_a_time):
    monkeypatch.setattr(damage, "_PIECE_VALUES", int(at_a_time * np.prod(SHAPE)))
    images, reference = pair()
    ratios, similarities = measure(jax.device_put(images), jax.device_put(reference))
    pairs = list(zip(images.astype(float), reference.astype(float), strict=True))
    expected = [peak_signal_noise_ratio(b, a, data_range=1) for a, b in pairs]
    np.testing.assert_allclose(ratios, expected, atol=1e-4)
    window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    expected = [
        structural_similarity(a, b, data_range=1, channel_axis=-1, **window) for a, b in pairs
    ]
    np.testing.assert_allclose(similarities, expected, atol=5e-6)


def test_pieces_that_are_equal_have_no_damage(monkeypatch):
    monkeypatch.setattr(damage, "_PIECE_VALUES", 2 * int(np.prod(SHAPE)))
    degraded, reference = pair()
    images = np.concatenate([reference[:2], degraded[2:]])  # the first piece is left as it was
    ratios, similarities = measure(jax.device_put(images), jax.device_put(reference))
    np.testing.assert_array_equal(ratios[:2], np.inf)
    np.testing.assert_array_equal(similarities[:2], 1)
    assert np.isfinite(ratios[2:]).all() and np.all(similarities[2:] < 1)


def test_a_batch_that_devices_share_is_not_cut(monkeypatch):
    monkeypatch.setattr(damage, "_PIECE_VALUES", 1)
    images = np.zeros((8, *SHAPE), np.float32)
    by_image = NamedSharding(make_mesh(8), PartitionSpec(DATA_AXIS))
    assert damage._pieces(jax.device_put(images, by_image)) == 1
    assert damage._pieces(jax.device_put(images)) == 8
    assert measure(images, images, structure=False)[1] is None


def test_an_image_of_nan_leaves_the_others_of_its_piece_alone(monkeypatch):
    monkeypatch.setattr(damage, "_PIECE_VALUES", 3 * int(np.prod(SHAPE)))
    images, reference = pair()
    whole = [np.asarray(values) for values in measure(images, reference)]
    images[4, 3, 5, 1] = np.nan
    for before, after in zip(whole, measure(images, reference), strict=True):
        assert np.isnan(after[4])
        np.testing.assert_array_equal(np.delete(after, 4), np.delete(before, 4))
