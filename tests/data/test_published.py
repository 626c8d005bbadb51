"""Published corrupted sets, in the layouts of TFDS's builders, paired with the test images."""

import dataclasses
import shutil
from collections import Counter

import numpy as np
import pytest

from lqjax.config import DataConfig
from lqjax.data.loading import load_dataset
from lqjax.data.pictures import to_pixels
from lqjax.data.published import PublishedReader
from lqjax.data.published_records import COMPARED
from lqjax.data.source import SOURCES
from lqjax.data.tfds_records import open_records
from lqjax.imaging.conditions import expand
from lqjax.typing import Split
from tests.data import corrupted_sets as sets
from tests.data.making import save


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("tfds")
    sets.cifar10(made)
    for config in ("fog_3", "frost_1"):
        sets.cifar10_corrupted(made, config)
    return made


def settings(folder, **changes):
    given = {"source": "tfds", "path": f"cifar10@{folder}", "image_size": 32, "workers": 2}
    return DataConfig(**{**given, **changes})


def pictures(text):
    (condition,) = expand([text], published=True)
    return condition.published


def read(data_settings, text, folder="", **options):
    test = load_dataset(data_settings).test
    reader = PublishedReader(data_settings, str(folder))
    reader.check([pictures(text)], test)
    return test, reader.read(pictures(text), test, **options)


def check_pairs(test, found, severity):
    """Every picture is the corrupted version of the very image in its row."""
    assert len(test) == len(found)
    np.testing.assert_array_equal(found.ids, test.ids)
    np.testing.assert_array_equal(found.labels, test.labels)
    np.testing.assert_array_equal(found.images, sets.corrupted(np.asarray(test.images), severity))


def test_pictures_are_those_of_the_test_images(folder):
    check_pairs(*read(settings(folder), "cifar10_corrupted/fog@3"), 3)
    check_pairs(*read(settings(folder), "cifar10_corrupted/frost@1", folder), 1)


def test_limits_and_caches_keep_the_pairs(folder, tmp_path):
    limited = settings(folder, test_limit=20, cache_dir=str(tmp_path))
    for _ in range(2):
        check_pairs(*read(limited, "cifar10_corrupted/fog@3"), 3)
        check_pairs(*read(limited, "cifar10_corrupted/frost@1"), 1)
    kept = {path.name for path in tmp_path.iterdir()}
    few = load_dataset(limited).test.take(np.array([3]))
    wanted = pictures("cifar10_corrupted/frost@1")
    check_pairs(few, PublishedReader(limited).read(wanted, few, keep=False), 1)
    assert kept == {path.name for path in tmp_path.iterdir()}


def test_pictures_that_were_prepared_again_are_decoded_again(tmp_path):
    sets.cifar10(tmp_path / "tfds")
    cached = settings(tmp_path / "tfds", cache_dir=str(tmp_path / "cache"))
    made = sets.cifar10_corrupted(tmp_path / "tfds", "fog_3")
    check_pairs(*read(cached, "cifar10_corrupted/fog@3"), 3)
    shutil.rmtree(made.data_dir)
    sets.cifar10_corrupted(tmp_path / "tfds", "fog_3", severity=4)
    check_pairs(*read(cached, "cifar10_corrupted/fog@3"), 4)


def test_a_part_of_the_images_may_be_read_with_repetitions(folder):
    test = load_dataset(settings(folder)).test
    few = test.take(np.array([7, 2, 2]))
    found = PublishedReader(settings(folder)).read(pictures("cifar10_corrupted/fog@3"), few)
    check_pairs(few, found, 3)


def test_pictures_are_resized_and_turned_grey_as_the_test_images(folder):
    test, found = read(settings(folder, image_size=28, channels=1), "cifar10_corrupted/fog@3")
    assert found.images.shape == test.images.shape == (40, 28, 28, 1)
    assert np.abs(found.images.astype(int) - test.images - 30).max() <= 1


def as_npz(path):
    arrays = {}
    for split, count in sets.COUNTS.items():
        arrays[f"{split}_images"] = np.stack([sets.picture(split, i) for i in range(count)])
        arrays[f"{split}_labels"] = np.array([sets.label(i) for i in range(count)])
    np.savez(path, **arrays)
    return path


def test_test_images_of_an_npz_go_by_their_number(folder, tmp_path):
    given = settings(folder, source="npz", path=str(as_npz(tmp_path / "a.npz")), test_limit=20)
    check_pairs(*read(given, "cifar10_corrupted/fog@3", folder), 3)


def as_folder(root, name):
    for split, count in sets.COUNTS.items():
        for number in range(count):
            place = root / split / sets.NAMES[sets.label(number)] / name(number)
            save(place, sets.picture(split, number))
    return root


def test_files_go_by_the_number_in_their_names(folder, tmp_path):
    root = as_folder(tmp_path / "a", lambda number: f"{number:05}_x.png")
    given = settings(folder, source="folder", path=str(root))
    check_pairs(*read(given, "cifar10_corrupted/fog@3", folder), 3)


def per_class(number):
    return f"{[i for i in range(60) if sets.label(i) == sets.label(number)].index(number):03}.png"


def two_numbers(number):
    return f"{number}-2.png"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (per_class, "several test images are called alike"),
        (two_numbers, "does not say which picture of cifar10 it is"),
        (lambda number: f"{number + 1}.png", "it has no picture of 40"),
        (lambda number: f"{(number + 1) % 60}.png", "it has no picture of 40|another label"),
    ],
)
def test_files_that_cannot_be_paired_are_refused(folder, tmp_path, name, message):
    root = as_folder(tmp_path / "a", name)
    given = settings(folder, source="folder", path=str(root))
    with pytest.raises(ValueError, match=message) as error:
        read(given, "cifar10_corrupted/fog@3", folder)
    assert "cifar10_corrupted" in str(error.value) and "\n" not in str(error.value)


def test_one_wrong_label_is_found(tmp_path):
    sets.cifar10(tmp_path)
    sets.cifar10_corrupted(
        tmp_path, "fog_3", labels=lambda i: (sets.label(i) + (i == 17)) % sets.CLASSES
    )
    message = r"fog@3: 1 of 40 pictures have another label .*first test/\d+: 0 in place of 9"
    with pytest.raises(ValueError, match=message) as error:
        read(settings(tmp_path), "cifar10_corrupted/fog@3")
    assert "\n" not in str(error.value)


def test_what_is_not_prepared_is_named_with_the_command(folder):
    test = load_dataset(settings(folder)).test
    wanted = [c.published for c in expand(["cifar10_corrupted/fog@*"], published=True)]
    with pytest.raises(ValueError) as error:
        PublishedReader(settings(folder)).check(wanted, test)
    text = str(error.value)
    assert "cifar10_corrupted/fog@1: TFDS data set 'cifar10_corrupted/fog_1' is not in" in text
    assert "tfds build cifar10_corrupted/fog_1 --file_format=array_record" in text
    assert "missing too: cifar10_corrupted/fog@2, cifar10_corrupted/fog@4" in text
    assert "fog@3" not in text and "\n" not in text


@pytest.mark.parametrize(
    ("changes", "text", "message"),
    [
        ({"folds": 2}, "cifar10_corrupted/fog@3", "the split train; test on test .* without folds"),
        ({"source": "digits", "path": ""}, "cifar10_corrupted/fog@3", "cannot be paired with"),
        ({}, "mnist_corrupted/fog", "mnist_corrupted cannot be paired .* data.path names cifar10"),
    ],
)
def test_other_test_images_are_refused(folder, changes, text, message):
    sets.mnist_corrupted(folder, "fog")
    with pytest.raises(ValueError, match=message) as error:
        read(settings(folder, **changes), text, folder)
    assert "\n" not in str(error.value)


def test_a_set_with_fewer_pictures_is_refused(tmp_path):
    sets.cifar10(tmp_path)
    sets.cifar10_corrupted(tmp_path, "fog_3", count=30)
    with pytest.raises(ValueError, match=r"has 30 pictures, and none of test/3[0-9]"):
        read(settings(tmp_path), "cifar10_corrupted/fog@3")


def test_mnist_has_no_severities(folder, tmp_path):
    sets.mnist_corrupted(tmp_path, "zigzag")
    arrays = {}
    for split, count in sets.COUNTS.items():
        pixels = [sets.picture(split, i, 1)[:28, :28] for i in range(count)]
        arrays[f"{split}_images"] = np.stack(pixels)
        arrays[f"{split}_labels"] = np.array([sets.label(i) for i in range(count)])
    np.savez(tmp_path / "a.npz", **arrays)
    given = settings(folder, source="npz", path=str(tmp_path / "a.npz"), image_size=28)
    check_pairs(*read(given, "mnist_corrupted/zigzag", tmp_path), 3)


def imagenet_files(root):
    for split, count in sets.COUNTS.items():
        for number in range(count):
            save(
                root / split / sets.NAMES[sets.label(number)] / sets.imagenet_name(number),
                sets.picture(split, number),
                format="PNG",
            )
    return str(root)


def test_imagenet_goes_by_file_names(folder, tmp_path):
    sets.imagenet2012_corrupted(tmp_path, "glass_blur_2")
    given = settings(folder, source="folder", path=imagenet_files(tmp_path / "images"))
    test, found = read(given, "imagenet2012_corrupted/glass_blur@2", tmp_path)
    check_resemblance(test, found)


@pytest.fixture
def reads(monkeypatch):
    """Count the records that are read of each corruption."""
    counts = Counter()

    class Counted:
        def __init__(self, records, name):
            self.records, self.name = records, name

        def __len__(self):
            return len(self.records)

        def __getitem__(self, row):
            counts[self.name] += 1
            return self.records[row]

    def opened(builder, *given):
        found = open_records(builder, *given)
        name = builder.builder_config.name
        return {
            part: dataclasses.replace(one, undecoded=Counted(one.undecoded, name))
            for part, one in found.items()
        }

    monkeypatch.setattr("lqjax.data.published.open_records", opened)
    return counts


GLASS = "imagenet2012_corrupted/glass_blur@2"
FOG = "imagenet2012_corrupted/fog@1"
COUNT = sets.COUNTS["test"]


@pytest.mark.parametrize("cached", [False, True], ids=["in memory", "with a cache"])
def test_file_names_are_read_once_for_all_corruptions(tmp_path, reads, cached):
    for config in ("glass_blur_2", "fog_1"):
        sets.imagenet2012_corrupted(tmp_path, config)
    path, cache = imagenet_files(tmp_path / "images"), str(tmp_path / "cache") if cached else ""
    given = settings(tmp_path, source="folder", path=path)
    test = load_dataset(given).test
    given = dataclasses.replace(given, cache_dir=cache)
    reader = PublishedReader(given, str(tmp_path))

    def taken(act):
        reads.clear()
        act()
        return reads["glass_blur_2"], reads["fog_1"]

    both = [pictures(GLASS), pictures(FOG)]
    assert taken(lambda: reader.check(both, test)) == (COUNT, COMPARED)
    assert taken(lambda: reader.check(both, test)) == (0, 0)  # of another network, or a gallery
    first = taken(lambda: [reader.read(one, test) for one in both])
    assert first == (2 * COUNT, 2 * COUNT)  # the labels, and the pictures
    decoded = 0 if cached else COUNT
    assert taken(lambda: [reader.read(one, test) for one in both]) == (decoded, decoded)
    few = test.take(np.array([7, 2]))
    assert taken(lambda: [reader.read(one, few, keep=False) for one in both]) == (2, 2)
    reader = PublishedReader(given, str(tmp_path))  # another start
    again = (0, COMPARED) if cached else (COUNT, COMPARED)
    assert taken(lambda: reader.check(both, test)) == again


def test_a_corruption_whose_records_lie_in_another_order_goes_by_its_own_names(tmp_path, reads):
    sets.imagenet2012_corrupted(tmp_path, "glass_blur_2")
    sets.imagenet2012_corrupted(tmp_path, "fog_1", key=lambda number: f"{number}.JPEG")
    given = settings(tmp_path, source="folder", path=imagenet_files(tmp_path / "images"))
    test = load_dataset(given).test
    reader = PublishedReader(given, str(tmp_path))
    reader.check([pictures(GLASS), pictures(FOG)], test)
    assert reads == {"glass_blur_2": COUNT, "fog_1": COMPARED + COUNT}
    for text in (GLASS, FOG):
        check_resemblance(test, reader.read(pictures(text), test))


def test_two_records_in_each_other_s_place_are_refused(tmp_path):
    """Few enough are compared beforehand to miss them, and their labels are alike."""
    one, other = 4, 24
    assert sets.label(one) == sets.label(other)
    swapped = {one: other, other: one}
    sets.imagenet2012_corrupted(tmp_path, "glass_blur_2")
    sets.imagenet2012_corrupted(
        tmp_path, "fog_1", key=lambda number: sets.imagenet_name(swapped.get(number, number))
    )
    given = settings(tmp_path, source="folder", path=imagenet_files(tmp_path / "images"))
    test = load_dataset(given).test
    reader = PublishedReader(given, str(tmp_path))
    reader.check([pictures(GLASS), pictures(FOG)], test)
    name = sets.imagenet_name(one)
    with pytest.raises(ValueError, match=f"it is of .*{name}|in other corruptions .* {name}") as e:
        reader.read(pictures(FOG), test)
    assert "\n" not in str(e.value)


def check_resemblance(test, found):
    """Of all test images each picture is most like the one that it stands for."""
    first, second = (split.images.reshape(len(test), -1) for split in (test, found))
    likeness = np.corrcoef(first, second)[: len(test), len(test) :]
    np.testing.assert_array_equal(likeness.argmax(axis=0), np.arange(len(test)))


def test_imagenet_of_tfds_is_tested_on_its_validation_images(tmp_path):
    sets.imagenet2012(tmp_path)
    sets.imagenet2012_corrupted(tmp_path, "glass_blur_2")
    given = settings(tmp_path, path=f"imagenet2012@{tmp_path}", test_split="validation")
    listing = SOURCES["tfds"](given).splits["test"]
    images = np.stack([to_pixels(listing.read(row), 32, 3) for row in range(len(listing))])
    test = Split(images, listing.labels.astype(np.int32), listing.ids)
    wanted = pictures("imagenet2012_corrupted/glass_blur@2")
    found = PublishedReader(given).read(wanted, test)
    np.testing.assert_array_equal(found.ids, test.ids)
    check_resemblance(test, found)
    train = dataclasses.replace(test, ids=np.array([f"train/{i}" for i in range(len(test))]))
    with pytest.raises(ValueError, match=r"of the split train; .*: data.test_split=validation"):
        PublishedReader(given).read(wanted, train)
