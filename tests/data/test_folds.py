"""Folds and groups: every example once, classes and sizes even, groups whole."""

import dataclasses

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold

from lqjax.config import DataConfig
from lqjax.data.folds import fold_numbers, grouped_part
from lqjax.data.loading import load_dataset

PARTS = ("train", "validation", "test")


def examples(count, classes, seed, groups=0):
    rng = np.random.default_rng(seed)
    ids = np.array([f"train/{i}" for i in range(count)])
    if not groups:
        return rng.integers(0, classes, count), ids
    member = rng.integers(0, groups, count)
    own = rng.integers(0, classes, groups)[member]  # mostly one class a patient
    labels = np.where(rng.random(count) < 0.8, own, rng.integers(0, classes, count))
    return labels, ids, np.array([f"p{number}" for number in member])


def shares(numbers, labels, folds, classes):
    """Give the share of each class that lies in each fold."""
    counts = np.zeros((folds, classes))
    np.add.at(counts, (numbers, labels), 1)
    return counts / counts.sum(0)


@pytest.mark.parametrize("folds", [2, 3, 5, 10])
def test_folds_and_classes_differ_by_one_at_most(folds):
    labels, ids = examples(503, 7, 0)
    numbers = fold_numbers(labels, ids, folds, seed=0)
    for rows in (slice(None), *(labels == c for c in range(7))):
        sizes = np.bincount(numbers[rows], minlength=folds)
        assert sizes.max() - sizes.min() <= 1 and len(sizes) == folds


def test_folds_follow_from_ids_and_seed_and_not_from_the_order():
    labels, ids = examples(200, 3, 0)
    numbers, shuffled = fold_numbers(labels, ids, 5, 0), np.random.default_rng(1).permutation(200)
    assert np.array_equal(fold_numbers(labels[shuffled], ids[shuffled], 5, 0), numbers[shuffled])
    assert (fold_numbers(labels, ids, 5, 1) != numbers).mean() > 0.5


@pytest.mark.parametrize(
    ("count", "groups", "classes", "folds"),
    [(500, 120, 2, 5), (100, 40, 3, 5), (1000, 60, 10, 5), (60, 30, 2, 3)],
)
def test_groups_stay_together_and_are_dealt_out_as_evenly_as_scikit_learn_does(
    count, groups, classes, folds
):
    ours, theirs = [], []
    for seed in range(8):
        labels, ids, patients = examples(count, classes, seed, groups)
        numbers = fold_numbers(labels, ids, folds, 0, patients)
        assert all(len(set(numbers[patients == patient])) == 1 for patient in set(patients))
        found = np.empty(count, int)
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
        for fold, (_, test) in enumerate(splitter.split(ids, labels, patients)):
            found[test] = fold
        for result, kept in ((numbers, ours), (found, theirs)):
            uneven = np.abs(shares(result, labels, folds, classes) - 1 / folds).mean()
            kept.append((uneven, np.ptp(np.bincount(result, minlength=folds))))
    uneven, sizes = np.mean(ours, 0) / np.mean(theirs, 0)
    assert uneven < 1.1 and sizes < 1


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5, 0.7])
def test_a_part_by_group_has_its_share_of_every_class(share):
    labels, _, patients = examples(600, 3, 0, 150)
    chosen = grouped_part(labels, patients, share, 0, "test")
    assert not set(patients[chosen]) & set(patients[~chosen])
    for number in range(3):
        assert chosen[labels == number].mean() == pytest.approx(share, abs=0.03)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """An npz file with a test split of its own; three images of one patient follow each other."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("films") / "films.npz"
    arrays = {}
    for part, count in (("train", 60), ("test", 30)):
        arrays[f"{part}_images"] = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        arrays[f"{part}_labels"] = np.repeat(np.arange(count // 3) % 2, 3)
    np.savez(path, **arrays)
    return DataConfig(source="npz", path=str(path), image_size=28, folds=5)


def test_each_image_is_tested_once_and_never_trained_on(films):
    tested, everything = [], None
    for fold in range(5):
        made = load_dataset(films, fold)
        ids = {part: set(getattr(made, part).ids) for part in PARTS}
        assert sum(map(len, ids.values())) == len(set.union(*ids.values())) == 90
        everything = everything or set.union(*ids.values())
        assert set.union(*ids.values()) == everything
        tested += sorted(ids["test"])
        assert f"fold {fold + 1} of 5: 18 of 90 images are tested" in " ".join(made.notes)
    assert sorted(tested) == sorted(everything)
    whole = load_dataset(dataclasses.replace(films, folds=0)).test
    rows = {name: row for row, name in enumerate(whole.ids)}
    both = [number for number, name in enumerate(made.test.ids) if name in rows]
    assert both
    for number in both:
        image = whole.images[rows[made.test.ids[number]]]
        np.testing.assert_array_equal(made.test.images[number], image)


def test_a_pattern_keeps_patients_together(films):
    # Images 0 to 9 of a split are one "patient" and so on: the digits before the last one.
    settings = dataclasses.replace(films, folds=3, group_pattern=r"(\w+/\d*)\d$")
    for fold in range(3):
        made = load_dataset(settings, fold)
        groups = [set(getattr(made, part).groups) for part in PARTS]
        assert not groups[0] & groups[1] and not groups[0] & groups[2] and not groups[1] & groups[2]
        assert "9 groups of images by data.group_pattern" in made.notes
        for part in PARTS:
            split = getattr(made, part)
            assert [name[:-1] for name in split.ids] == split.groups.tolist()


def test_groups_that_the_data_spreads_over_its_splits_are_told(films):
    settings = dataclasses.replace(films, folds=0, group_pattern=r"/(\d)")
    notes = " ".join(load_dataset(settings).notes)
    assert "2 groups (1, ...)" not in notes and "in the train and the test split" in notes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"folds": 46}, "has 45 image.s., too few for data.folds=46; use at most 45 folds"),
        ({"group_pattern": "patient(.)"}, "finds no group in its id 'train/0'"),
        ({"group_pattern": r"(\w+)/"}, "has 2 group.s., too few for data.folds=5"),
    ],
)
def test_what_is_not_possible_is_refused(films, changes, message):
    with pytest.raises(ValueError, match=message):
        load_dataset(dataclasses.replace(films, **changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"folds": 1}, "folds=1 is not possible; allowed: 2 or more, or 0"),
        ({"group_pattern": "(p"}, "is no regular expression"),
        ({"group_pattern": "p"}, "has no bracket"),
    ],
)
def test_impossible_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        DataConfig(**changes)
