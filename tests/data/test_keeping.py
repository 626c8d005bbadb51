"""The filter of an audit: what it keeps, and what it cannot be used for."""

import pytest

from lqjax.data.loading import describe
from tests.data.making import class_folders, load

PARTS = ("train", "validation", "test")


@pytest.fixture
def films(tmp_path):
    root = class_folders(tmp_path / "films", 20)
    return root, [f"{p.parent.name}/{p.name}" for p in sorted(root.rglob("*.png"))]


def written(folder, ids, keeps):
    path = folder / "keep.csv"
    lines = [f"{name},{int(keep)},{'' if keep else 'dark;blurry'}" for name, keep in
             zip(ids, keeps, strict=True)]  # fmt: skip
    path.write_text("\n".join(["id,keep,reasons", *lines]) + "\n")
    return str(path)


def test_it_leaves_out_what_it_says_0_of_before_splits_are_made(films, tmp_path):
    root, ids = films
    left_out = set(ids[3:7] + ids[30:32])
    data = load("folder", root, keep=written(tmp_path, ids, [i not in left_out for i in ids]))
    used = {name for part in PARTS for name in getattr(data, part).ids.tolist()}
    assert used == set(ids) - left_out
    assert "left out 6 of 40 images by data.keep" in data.notes
    assert "held out 7 of 34 images as the test split" in describe(data)


def test_a_file_of_more_than_the_data_is_fine(films, tmp_path):
    root, ids = films
    data = load("folder", root, keep=written(tmp_path, [*ids, "gone.png"], [True] * 41))
    assert "left out 0 of 40 images by data.keep" in data.notes


@pytest.mark.parametrize(
    ("ids", "keeps", "message"),
    [
        (slice(0, 38), [1] * 38, "says nothing of 'dog/018.png' and 1 more of 40 examples; audit"),
        (slice(0, 40), [1] * 39 + [2], "keep of 'dog/019.png' is '2'; allowed: 1 .keep. or 0"),
        (slice(0, 40), [0] * 40, "leaves out all images of the train split"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(films, tmp_path, ids, keeps, message):
    root, every = films
    with pytest.raises(ValueError, match=message) as refused:
        load("folder", root, keep=written(tmp_path, every[ids], keeps))
    assert "\n" not in str(refused.value)


def test_an_id_has_one_line(films, tmp_path):
    root, ids = films
    with pytest.raises(ValueError, match=r"has the id 'cat/000\.png' twice"):
        load("folder", root, keep=written(tmp_path, [*ids, ids[0]], [1] * 41))


@pytest.mark.parametrize("path", ["", "nothing.csv"])
def test_a_missing_file_is_named(films, tmp_path, path):
    with pytest.raises(ValueError, match=r"data.keep=.*(: no such file| is a folder); name"):
        load("folder", films[0], keep=str(tmp_path / path))
