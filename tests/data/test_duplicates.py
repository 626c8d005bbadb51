"""The same picture twice: found by its bytes, and told, refused or ignored."""

import csv
import io
import shutil

import numpy as np
import pytest

from lqjax.config import DataConfig
from lqjax.data.duplicates import find_duplicates
from lqjax.data.loading import load_folds
from lqjax.data.manifest import Manifest
from lqjax.data.source import SOURCES
from tests.data.making import class_folders, noise, save
from tests.data.test_loading import source  # noqa: F401 (a fixture)


@pytest.fixture
def films(tmp_path):
    """Splits of their own; test/dog/002 is train/dog/001, and val/cat/000 is train/dog/003."""
    for number, part in enumerate(("train", "val", "test")):
        for label, name in enumerate(("cat", "dog")):
            for row in range(5):
                seed = 100 * number + 10 * label + row
                save(tmp_path / part / name / f"{row:03}.png", noise(seed, 30, 28))
    shutil.copy(tmp_path / "train/dog/001.png", tmp_path / "test/dog/002.png")
    shutil.copy(tmp_path / "train/dog/003.png", tmp_path / "val/cat/000.png")
    shutil.copy(tmp_path / "train/cat/000.png", tmp_path / "train/cat/004.png")
    return tmp_path


def loaded(path, **changed):
    settings = DataConfig(source="folder", path=str(path), image_size=28, workers=2, **changed)
    return load_folds(settings)


def test_they_are_told_by_kind_and_listed(films):
    found = loaded(films)
    notes = [note for note in found.datasets[0].notes if "held out" not in note]
    assert notes == [
        "warning: 1 picture is there in the train and in the validation split, byte for byte"
        " (train/dog/003.png = val/cat/000.png): what is measured will be too good",
        "warning: 1 picture is there in the train and in the test split, byte for byte"
        " (train/dog/001.png = test/dog/002.png): what is measured will be too good",
        "warning: 1 picture is there with more than one label (train/dog/003.png is 'dog',"
        " val/cat/000.png is 'cat'): one of them is wrong",
        "1 image repeats another one of their split, byte for byte"
        " (train/cat/000.png = train/cat/004.png)",
    ]
    lines = list(csv.DictReader(io.StringIO(found.duplicates.to_bytes().decode())))
    assert [(line["set"], line["id"], line["split"], line["findings"]) for line in lines] == [
        ("1", "train/cat/000.png", "train", "within_split"),
        ("1", "train/cat/004.png", "train", "within_split"),
        ("2", "train/dog/001.png", "train", "across_splits"),
        ("2", "test/dog/002.png", "test", "across_splits"),
        ("3", "train/dog/003.png", "train", "across_splits;label_conflict"),
        ("3", "val/cat/000.png", "validation", "across_splits;label_conflict"),
    ]


def test_they_are_refused_before_anything_is_decoded(films):
    (films / "train/cat/002.png").write_bytes(b"no picture")
    message = (
        r"^data.duplicates=error: 1 picture is there in the train and in the validation .*"
        r"and 2 more findings.*data.keep"
    )
    with pytest.raises(ValueError, match=message) as refused:
        loaded(films, duplicates="error")
    assert "\n" not in str(refused.value)


def test_repeats_within_a_split_are_no_error(films):
    shutil.rmtree(films / "test/dog")
    for row in range(5):
        save(films / "test/dog" / f"{row:03}.png", noise(500 + row, 30, 28))
    save(films / "val/cat/000.png", noise(600, 30, 28))
    notes = loaded(films, duplicates="error").datasets[0].notes
    assert [note.split(",")[0] for note in notes] == ["1 image repeats another one of their split"]


def test_they_are_ignored_where_that_is_asked_for(films):
    found = loaded(films, duplicates="ignore")
    assert not found.duplicates.sets and not found.datasets[0].notes


def test_with_folds_they_are_those_of_two_folds(films):
    found = loaded(films, folds=5)
    sets = [tuple(found.manifest.ids[rows].tolist()) for rows in found.duplicates.sets]
    assert sorted(sets) == [
        ("train/cat/000.png", "train/cat/004.png"),
        ("train/dog/001.png", "test/dog/002.png"),
        ("train/dog/003.png", "val/cat/000.png"),
    ]
    numbers = dict(zip(found.manifest.ids.tolist(), found.manifest.places.tolist(), strict=True))
    across = [len({numbers[name] for name in one}) > 1 for one in sets]
    assert any(across)
    said = [note for note in found.datasets[0].notes if "in several folds" in note]
    count = "1 picture is" if sum(across) == 1 else f"{sum(across)} pictures are"
    assert said and said[0].startswith(f"warning: {count} there in several folds")


def test_sets_are_those_of_a_plain_search():
    generator = np.random.default_rng(0)
    contents = np.array([f"{number:032x}" for number in generator.integers(0, 60, 100)])
    places = np.where(generator.random(100) < 0.2, "", "train")
    contents[:10] = ""
    ids = np.array([f"x/{row}" for row in range(100)])
    made = Manifest(ids, places, np.zeros(100, int), ("a", "b"), contents)
    wanted: dict = {}
    for row in range(100):
        if contents[row] and places[row]:
            wanted.setdefault(contents[row], []).append(row)
    assert [rows.tolist() for rows in find_duplicates(made).sets] == sorted(
        rows for rows in wanted.values() if len(rows) > 1
    )


def test_a_source_that_gives_no_bytes_has_none(source):  # noqa: F811
    assert "made" in SOURCES.names()
    found = load_folds(DataConfig(source="made", image_size=28, workers=2))
    assert not found.duplicates.sets
    assert set(found.manifest.contents.tolist()) == {""}


def test_class_folders_have_none(tmp_path):
    assert not loaded(class_folders(tmp_path, 10)).duplicates.sets
