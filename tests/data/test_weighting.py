"""Weights that the data give: their way into the splits, and what is refused."""

import dataclasses

import numpy as np
import pytest

from lqjax.config import DataConfig
from lqjax.data.loading import load_folds
from lqjax.data.resident import Resident
from lqjax.data.source import SOURCES, Catalogue
from lqjax.data.stock import Stock
from lqjax.data.streamed import Streamed
from lqjax.runtime import make_mesh
from tests.data.placed import check, split
from tests.data.test_grouping import COUNT, listing

PARTS = ("train", "validation", "test")


@pytest.fixture
def weights():
    """Register a source with weights; they can be changed before loading."""
    made = np.random.default_rng(0).lognormal(size=COUNT)

    def listed(settings):
        whole = dataclasses.replace(listing("train", COUNT, groups=False), weights=made)
        return Catalogue("films", {"train": whole}, ("a", "b"), 1)

    SOURCES.names()
    SOURCES.add("weighted", listed)
    yield made
    del SOURCES._entries["weighted"]


def settings(**changed):
    return DataConfig(**{"source": "weighted", "image_size": 28, "workers": 1, **changed})


def of_id(weights, name):
    return np.float32(weights[int(name.split("/")[1])])


@pytest.mark.parametrize("folds", [0, 3])
@pytest.mark.parametrize("limit", [0, 40])
def test_each_example_keeps_its_own(weights, folds, limit):
    found = load_folds(settings(folds=folds, train_limit=limit))
    for data in found.datasets:
        lowest, highest = np.float32(weights).min(), np.float32(weights).max()
        said = f"images count in the training loss by their weights, {lowest:g} to {highest:g}"
        assert said in data.notes
        for part in PARTS:
            one = getattr(data, part)
            assert one.weights.dtype == np.float32
            assert one.weights.tolist() == [of_id(weights, name) for name in one.ids.tolist()]
    assert found.manifest.weights.tolist() == [
        of_id(weights, name) for name in found.manifest.ids.tolist()
    ]


@pytest.mark.parametrize("folds", [0, 3])
@pytest.mark.parametrize("residency", ["device", "host"])
def test_batches_have_them(weights, folds, residency):
    stock = Stock(settings(folds=folds, residency=residency), make_mesh(8))
    placed, rows = stock.training(0)
    train = stock.datasets[0].train
    batch = placed.batch(rows[:16])
    np.testing.assert_array_equal(batch.weights, train.weights[:16])


@pytest.mark.parametrize("devices", [1, 8])
@pytest.mark.parametrize("placed", [Resident, Streamed, lambda *a: Resident(*a, shared_out=True)])
def test_a_batch_is_that_of_numpy(placed, devices):
    made = dataclasses.replace(split(), weights=np.linspace(1, 2, 37).astype(np.float32))
    rows = np.array([5, 3, 36, 0, 0, 7, 8, 1])
    check(placed(made, make_mesh(devices)).batch(rows), made, rows)


@pytest.mark.parametrize("bad", [0, -1, np.nan, np.inf, 1e40, 1e-50])
def test_what_is_no_weight_is_refused_in_one_line(weights, bad):
    weights[7] = bad
    with pytest.raises(
        ValueError, match=r"^train/7: weight \S+ is not possible; allowed: a fin"
    ) as e:
        load_folds(settings())
    assert "\n" not in str(e.value)
