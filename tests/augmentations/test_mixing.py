"""Mixup and CutMix: the draws, the composition, and the same on any number of devices."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from lqjax.augmentations.base import MIXINGS, mix
from lqjax.augmentations.cutmix import side_of_box
from lqjax.config import AugmentationConfig
from lqjax.runtime import batch_sharded, make_mesh, replicated

pytestmark = pytest.mark.usefixtures("quick_compilation")

OFF = AugmentationConfig()
ON = {"mixup": {"mixup": 0.4}, "cutmix": {"cutmix": 1.0}, "both": {"mixup": 0.4, "cutmix": 1.0}}
KEY = jax.random.key(11)

mixed_by = jax.jit(mix, static_argnums=3)
"""One program for each setting and shape: run eagerly, each line of it would be one."""


def batch(size=24, height=12, width=20, seed=0):
    generator = np.random.default_rng(seed)
    images = generator.random((size, height, width, 3), dtype=np.float32)
    return jnp.asarray(images), jnp.asarray(np.eye(7, dtype=np.float32)[np.arange(size) % 7])


def settings(name):
    return dataclasses.replace(OFF, **ON[name])


def distinct(size, height=2, width=2):
    """Every example a class of its own, and images of its number: shares can be read off."""
    images = np.broadcast_to(np.arange(size)[:, None, None, None], (size, height, width, 1))
    return jnp.asarray(images.astype(np.float32)), jnp.asarray(np.eye(size, dtype=np.float32))


def test_nothing_asked_for_changes_nothing():
    images, targets = batch()
    found = mix(KEY, images, targets, OFF)
    assert found[0] is images and found[1] is targets


@pytest.mark.parametrize("name", ON)
def test_contract(name):
    images, targets = batch()
    mixed, shares = map(np.asarray, mixed_by(KEY, images, targets, settings(name)))
    assert mixed.shape == images.shape and mixed.dtype == images.dtype
    assert shares.shape == targets.shape and shares.dtype == targets.dtype
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-6)
    assert float(mixed.min()) >= 0 and float(mixed.max()) <= 1
    other, _ = mixed_by(jax.random.key(12), images, targets, settings(name))
    assert not np.array_equal(mixed, other)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_lambda_of_mixup_has_the_beta_distribution(alpha):
    size = 1000
    images, targets = distinct(size)
    chosen = dataclasses.replace(OFF, mixup=alpha)
    mixed, shares = map(np.asarray, mixed_by(KEY, images, targets, chosen))
    kept = shares[np.arange(size), np.arange(size)].astype(np.float64)
    assert scipy.stats.kstest(kept, scipy.stats.beta(alpha, alpha).cdf).pvalue > 0.01
    given = np.arange(size, dtype=np.float64)
    expected = kept * given + (1 - kept) * np.roll(given, 1)
    np.testing.assert_allclose(mixed[:, 1, 1, 0], expected, rtol=1e-5, atol=1e-3)
    partner = shares[np.arange(size), np.arange(size) - 1]
    np.testing.assert_allclose(partner, 1 - kept, atol=1e-6)


def test_cutmix_pastes_one_box_and_weighs_by_its_area():
    size, height, width = 300, 12, 20
    images, targets = distinct(size, height, width)
    mixed, shares = map(np.asarray, mixed_by(KEY, images, targets, settings("cutmix")))
    pasted = mixed != np.asarray(images)
    for place in range(size):
        mask = pasted[place, ..., 0]
        rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
        assert mask.sum() == len(rows) * len(columns)
        if len(rows):
            assert mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
        partner = (place - 1) % size
        assert (mixed[place, ..., 0][mask] == partner).all()
        np.testing.assert_allclose(shares[place, partner], mask.mean(), atol=1e-6)
        np.testing.assert_allclose(shares[place, place], 1 - mask.mean(), atol=1e-6)


def published_box(kept, row, column, height, width):
    """The authors' rand_bbox, given its draws."""
    cut = np.sqrt(1 - kept)
    tall, wide = int(height * cut), int(width * cut)
    top, bottom = np.clip([row - tall // 2, row + tall // 2], 0, height)
    left, right = np.clip([column - wide // 2, column + wide // 2], 0, width)
    return top, bottom, left, right


def test_boxes_equal_the_published_ones():
    generator = np.random.default_rng(0)
    kept = generator.random(500).astype(np.float32)
    row, column = generator.integers(0, 28, 500), generator.integers(0, 45, 500)
    found = np.stack(
        [
            *side_of_box(jnp.asarray(kept), jnp.asarray(row, jnp.int32), 28),
            *side_of_box(jnp.asarray(kept), jnp.asarray(column, jnp.int32), 45),
        ],
        axis=1,
    )
    expected = [published_box(*draws, 28, 45) for draws in zip(kept, row, column, strict=True)]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_areas_of_cutmix_are_distributed_as_published(alpha):
    size, side = 1500, 24
    images, targets = distinct(size, side, side)
    _, shares = mixed_by(KEY, images, targets, dataclasses.replace(OFF, cutmix=alpha))
    shares = np.asarray(shares)[np.arange(size), np.arange(size)]
    found = np.rint((1 - shares) * side**2)
    generator = np.random.default_rng(0)
    draws = zip(
        generator.beta(alpha, alpha, 6000), *generator.integers(0, side, (2, 6000)), strict=True
    )
    boxes = np.array([published_box(*drawn, side, side) for drawn in draws])
    areas = (boxes[:, 1] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 2])
    assert scipy.stats.ks_2samp(found, areas).pvalue > 0.01


@pytest.mark.slow
def test_where_both_are_on_each_batch_is_mixed_in_one_way():
    images, targets = distinct(8, 8, 8)
    boxes = 0
    for seed in range(100):
        mixed = np.asarray(mixed_by(jax.random.key(seed), images, targets, settings("both"))[0])
        whole = mixed == np.round(mixed)
        assert whole.all() or whole.reshape(8, -1).all(1).sum() < 8
        boxes += bool(whole.all())
    assert 35 <= boxes <= 65


@pytest.mark.slow
@pytest.mark.parametrize("name", ON)
def test_eight_devices_mix_as_one_does(name):
    images, targets = batch()
    mesh = make_mesh(8)
    split = batch_sharded(mesh)
    chosen = settings(name)
    program = jax.jit(
        lambda key, *given: mix(key, *given, chosen),
        in_shardings=(replicated(mesh), split, split),
        out_shardings=(split, split),
    )
    one = mixed_by(KEY, images, targets, chosen)
    sharded = program.lower(KEY, images, targets).compile()
    for found, expected in zip(sharded(KEY, images, targets), one, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert "all-gather" not in sharded.as_text(), "only one image may go to the next device"


@pytest.mark.slow
@pytest.mark.parametrize("name", ON)
def test_with_float64_all_is_computed_in_it(name):
    images, targets = batch()
    with jax.enable_x64(True):
        mixed, shares = mixed_by(KEY, images, targets, settings(name))
    assert mixed.dtype == shares.dtype == np.float64
    np.testing.assert_allclose(np.asarray(shares).sum(1), 1, rtol=1e-12)


def test_smoothed_targets_still_sum_to_one():
    images, targets = batch()
    smoothed = np.asarray(targets) * np.float32(0.9) + np.float32(0.1 / 7)
    _, shares = mixed_by(KEY, images, smoothed, settings("both"))
    np.testing.assert_allclose(np.asarray(shares).sum(1), 1, rtol=1e-6)


def test_every_mixing_is_tested():
    assert set(MIXINGS.names()) | {"both"} == set(ON)
