"""The front door: names, fractions, limits, and what a source may hand over."""

import numpy as np
import pytest

from lqjax.data.pictures import from_array
from lqjax.data.source import SOURCES, Catalogue, Listing
from tests.data.making import class_folders, load, noise


def test_the_registry_finds_the_sources():
    assert SOURCES.names() == ("digits", "folder", "npz", "table", "tfds")
    with pytest.raises(ValueError, match="unknown data source 'foldr'; allowed: folder"):
        load("foldr")


def test_a_name_given_replaces_the_one_found(tmp_path):
    class_folders(tmp_path)
    assert load("folder", tmp_path, name="mine").name == "mine"


@pytest.mark.parametrize("part", ["test", "validation"])
def test_a_split_of_nothing_is_refused(tmp_path, part):
    class_folders(tmp_path)
    with pytest.raises(ValueError, match=rf"data\.{part}_fraction=0, .* above 0"):
        load("folder", tmp_path, **{f"{part}_fraction": 0.0})


@pytest.mark.parametrize("count", [1, 2])
def test_a_class_too_small_to_split_is_named(tmp_path, count):
    class_folders(tmp_path)
    class_folders(tmp_path, count, ("rare",))
    with pytest.raises(ValueError, match=r"class 'rare' .* has 1 image"):
        load("folder", tmp_path)


@pytest.fixture
def source():
    """Register a source for one test; its catalogue can be changed before loading."""
    images, labels = noise(0, 40, 28, 28), np.arange(40) % 2
    made = {"labels": labels, "ids": np.array([f"x/{i}" for i in range(40)])}

    def listed(settings):
        names = [f"x.bin[{i}]" for i in range(40)]
        listing = Listing(made["ids"], made["labels"], names, lambda row: from_array(images[row]))
        return Catalogue("made", {"train": listing}, ("a", "b"), 1)

    SOURCES.names()
    SOURCES.add("made", listed)
    yield made
    del SOURCES._entries["made"]


def test_a_new_source_needs_only_to_be_registered(source):
    data = load("made")
    assert [len(s) for s in (data.train, data.validation, data.test)] == [29, 3, 8]


@pytest.mark.parametrize("label", [-1, 2])
def test_a_label_out_of_range_is_named(source, label):
    source["labels"] = np.where(np.arange(40) == 5, label, source["labels"])
    with pytest.raises(ValueError, match=rf"x\.bin\[5\]: label {label} is out of range.* 0 to 1"):
        load("made")


def test_ids_that_are_not_unique_are_refused(source):
    source["ids"][3] = source["ids"][9]
    with pytest.raises(ValueError, match="example id 'x/9' twice"):
        load("made")


def test_images_that_do_not_fit_in_memory_are_refused(source):
    with pytest.raises(ValueError, match=r"GB of memory.* lower data.image_size"):
        load("made", image_size=10_000_000)
