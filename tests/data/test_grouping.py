"""Groups that the data have of their own: kept together, told where that came too late."""

import dataclasses

import numpy as np
import pytest

from lqjax.config import DataConfig
from lqjax.data.choosing import splits_to_look_at
from lqjax.data.loading import load_folds
from lqjax.data.pictures import from_array
from lqjax.data.source import SOURCES, Catalogue, Listing
from tests.data.making import noise

COUNT = 120
PARTS = ("train", "validation", "test")


def listing(part, count, first=0, groups=True):
    images = noise(first, count, 28, 28)
    ids = np.array([f"{part}/{row}" for row in range(first, first + count)])
    return Listing(
        ids=ids,
        labels=np.arange(count) // 4 % 2,
        names=ids.tolist(),
        read=lambda row: from_array(images[row]),
        groups=np.array([f"p{row // 4:02}" for row in range(count)]) if groups else None,
        content=lambda row: images[row].tobytes(),
    )


@pytest.fixture
def patients():
    """Register a source of its own groups; its splits can be changed before loading."""
    splits = {"train": listing("train", COUNT)}
    SOURCES.names()
    SOURCES.add("patients", lambda settings: Catalogue("films", dict(splits), ("a", "b"), 1))
    yield splits
    del SOURCES._entries["patients"]


def loaded(**settings):
    given = {"source": "patients", "image_size": 28, "workers": 1, **settings}
    return load_folds(DataConfig(**given))


@pytest.mark.parametrize("folds", [0, 3])
@pytest.mark.parametrize("limits", [{}, {"train_limit": 40, "test_limit": 10}])
def test_they_stay_together(patients, folds, limits):
    found = loaded(folds=folds, **limits)
    for data in found.datasets:
        groups = [set(getattr(data, part).groups.tolist()) for part in PARTS]
        assert not groups[0] & groups[1] and not groups[0] & groups[2] and not groups[1] & groups[2]
        for part in PARTS:
            assert set(np.bincount(getattr(data, part).labels)) != {0}
        assert "30 groups of images of the data" in data.notes
    if not limits:
        whole = [line.split(",") for line in found.manifest.to_bytes().decode().splitlines()[1:]]
        assert {(line[0], line[4]) for line in whole} == {
            (f"train/{row}", f"p{row // 4:02}") for row in range(COUNT)
        }


def test_a_pattern_beside_them_is_refused(patients):
    with pytest.raises(ValueError, match=r"has groups of its own .*leave one of the two empty"):
        loaded(group_pattern="(.)")


def test_groups_that_the_data_spread_over_their_splits_are_told(patients):
    patients["test"] = dataclasses.replace(listing("test", 40, COUNT))
    said = [note for note in loaded().datasets[0].notes if note.startswith("warning")]
    assert (
        len(said) == 1 and "10 groups (p00, ...) have images in the train and the test" in said[0]
    )


def test_a_split_without_groups_is_none_of_their_business(patients):
    patients["test"] = listing("test", 40, COUNT, groups=False)
    assert loaded().datasets[0].test.groups is None
    assert not [note for note in loaded().datasets[0].notes if note.startswith("warning")]


def test_folds_of_splits_of_which_some_have_groups_are_refused(patients):
    patients["test"] = listing("test", 40, COUNT, groups=False)
    message = (
        r"^films: groups are there in train, not in test, and data\.folds pools all splits; let"
        r" the source give them everywhere \(one of its own to an image that .*\), or nowhere$"
    )
    with pytest.raises(ValueError, match=message):
        loaded(folds=3)
    settings = DataConfig(source="patients", folds=3)
    with pytest.raises(ValueError, match=message):
        splits_to_look_at(SOURCES["patients"](settings), settings)
    patients["test"] = dataclasses.replace(
        listing("test", 40, COUNT), weights=np.ones(40, np.float32)
    )
    with pytest.raises(ValueError, match=r"^films: weights are there in test, not in train, and"):
        loaded(folds=3)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("P07", "p07"),
        ("7", "7.0"),
        ("7", "07"),
        ("p 7", "p  7"),
        ("caf\u00e9", "cafe\u0301"),
        ("p7", "p7\u200b"),
    ],
)
@pytest.mark.parametrize("folds", [0, 3])
def test_groups_that_are_written_in_two_ways_are_told(patients, one, other, folds):
    groups = patients["train"].groups.astype("<U8")
    groups[:4], groups[4:8] = one, other
    patients["train"] = dataclasses.replace(patients["train"], groups=groups)
    said = [note for note in loaded(folds=folds).datasets[0].notes if note.startswith("warning")]
    first, second = sorted((one, other))
    assert len(said) == 1 and f"the groups {first!r} and {second!r} differ in how" in said[0]
    groups[8:12], groups[12:16] = "Q1", "q1"
    [said] = [n for n in loaded(folds=folds).datasets[0].notes if n.startswith("warning")]
    assert "and 1 more such" in said


@pytest.mark.parametrize("names", [("p1", "p01"), ("1.5", "15"), ("a-b", "ab"), ("0", "00x")])
def test_groups_that_are_others_are_not_told(patients, names):
    groups = patients["train"].groups.astype("<U8")
    groups[:4], groups[4:8] = names
    patients["train"] = dataclasses.replace(patients["train"], groups=groups)
    assert not [note for note in loaded().datasets[0].notes if note.startswith("warning")]


def test_a_class_of_one_group_cannot_be_held_out_and_the_line_counts_groups(patients):
    labels = patients["train"].labels.copy()
    labels[:] = 0
    labels[:4] = 1
    patients["train"] = dataclasses.replace(patients["train"], labels=labels)
    with pytest.raises(
        ValueError, match=r"class 'b' of films has images of 1 group left, .* add g"
    ):
        loaded()
