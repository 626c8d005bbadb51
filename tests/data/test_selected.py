"""Rows of shared images: read like a copy of them, on the host and on the devices."""

import dataclasses

import numpy as np
import pytest

from lqjax.config import DataConfig
from lqjax.data.loading import load_folds
from lqjax.data.normalisation import normalisation
from lqjax.data.resident import Resident
from lqjax.data.selected import SelectedImages, SelectedRows
from lqjax.data.stock import Stock
from lqjax.data.streamed import Streamed
from lqjax.runtime import make_mesh
from tests.data.making import class_folders, noise
from tests.data.placed import check, split

PARTS = ("train", "validation", "test")
ROWS = np.array([5, 30, 7, 8, 36, 0, 1, 2])


@pytest.mark.parametrize(
    "index",
    [3, slice(1, 4), slice(None), np.array([2, 0, 2]), (slice(0, 2), slice(1, 5)), (1, 2, 3)],
    ids=str,
)
def test_they_read_like_a_copy(index):
    images = noise(0, 37, 9, 8, 3)
    found, copy = SelectedImages(images, ROWS), images[ROWS]
    np.testing.assert_array_equal(found[index], copy[index])
    assert (found.shape, found.dtype, found.nbytes, len(found)) == (
        copy.shape, copy.dtype, copy.nbytes, len(copy),
    )  # fmt: skip
    np.testing.assert_array_equal(np.asarray(found), copy)


@pytest.mark.parametrize("kind", [Resident, Streamed])
def test_batches_are_those_of_a_split_of_its_own(kind):
    whole = split()
    images = kind(whole, make_mesh(2))
    part, own = SelectedRows(images, ROWS), whole.take(ROWS)
    assert (len(part), part.resident) == (len(ROWS), images.resident)
    orders = [np.array([3, 0, 7, 5]), np.array([1, 1, 2, 6])]
    check(part.batch(orders[0]), own, orders[0])
    for batch, order in zip(part.batches(iter(orders)), orders, strict=True):
        check(batch, own, order)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = class_folders(tmp_path_factory.mktemp("pictures"), count=12)
    (root / "cat" / "005.png").write_bytes(b"no picture")
    return DataConfig(
        source="folder", path=str(root), image_size=28, folds=3, on_bad_image="skip", workers=1
    )


@pytest.mark.parametrize("cached", [False, True])
def test_folds_share_one_copy_of_the_images(folder, tmp_path, cached):
    settings = dataclasses.replace(folder, cache_dir=str(tmp_path) if cached else "")
    loaded = load_folds(settings)
    assert len(loaded.pool) == 23 and isinstance(loaded.pool.images, np.memmap) == cached
    by_id = dict(zip(loaded.pool.ids, loaded.pool.images, strict=True))
    alone = load_folds(dataclasses.replace(folder, folds=0)).datasets[0]
    for part in PARTS:  # decoded split by split: an independent way to the same pictures
        own = getattr(alone, part)
        for name, image in zip(own.ids, own.images, strict=True):
            np.testing.assert_array_equal(by_id[name], image)
    tested = []
    for dataset in loaded.datasets:
        assert [name for name, _ in dataset.skipped] == [f"{folder.path}/cat/005.png"]
        for part in PARTS:
            own = getattr(dataset, part)
            assert own.images.images is loaded.pool.images
            for name, label, image in zip(own.ids, own.labels, own.images[:], strict=True):
                np.testing.assert_array_equal(image, by_id[name])
                assert label == ("dog" in name)
        tested += list(dataset.test.ids)
    assert sorted(tested) == sorted(by_id)


@pytest.mark.parametrize("cached", [False, True])
def test_mean_and_deviation_are_those_of_each_fold(folder, tmp_path, cached):
    settings = dataclasses.replace(folder, cache_dir=str(tmp_path) if cached else "")
    for again in range(2):
        stock = Stock(settings, make_mesh(1))
        for fold, dataset in enumerate(stock.datasets):
            mean, std = stock.statistics(fold)
            values = np.asarray(dataset.train.images, np.float64) / 255
            np.testing.assert_allclose(mean, values.mean((0, 1, 2)), rtol=1e-6)
            np.testing.assert_allclose(std, values.std((0, 1, 2)), rtol=1e-6)
        kept = list(tmp_path.glob("*/levels-*.json"))
        assert len(kept) == (3 if cached else 0), again
    one, other = (normalisation(dataset.train)[0] for dataset in stock.datasets[:2])
    assert not np.array_equal(one, other)


def test_what_limits_leave_out_is_not_decoded(folder):
    loaded = load_folds(dataclasses.replace(folder, train_limit=4, test_limit=4))
    used = {name for d in loaded.datasets for part in PARTS for name in getattr(d, part).ids}
    assert used == set(loaded.pool.ids) and len(used) < 23


def test_a_stock_gives_all_folds_the_same_images(folder):
    stock = Stock(folder, make_mesh(1))
    images, rows = stock.training(0)
    assert stock.training(2)[0] is images
    train = stock.datasets[0].train
    check(images.batch(rows[:4]), train, np.arange(4))
    for part in PARTS[1:]:
        own = getattr(stock.datasets[1], part)
        check(stock.part(1, part).batch(np.arange(2)), own, np.arange(2))
