"""Prepared TFDS data sets, written in the test by TFDS's own builder; no TensorFlow."""

import io
import os
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import array_record.python.array_record_data_source as array_record
import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from lqjax.config import DataConfig
from lqjax.data.kept_labels import kept_labels
from lqjax.data.source import SOURCES
from tests.data.making import load, noise

COUNTS = {"train": 20, "test": 6}


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    file.seek(0)
    return file


def pixels_of(split, row):
    return noise(1000 * len(split) + row, 30, 28, 3)


def prepare(folder, *, file_format="array_record", splits=COUNTS, label=None, channels=3):
    """Write a tiny data set; encoded pictures need no TensorFlow."""
    folder.mkdir(exist_ok=True)
    label = label or tfds.features.ClassLabel(names=["cat", "dog"])

    class LqjaxTiny(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version("1.0.0")
        pkg_dir_path = folder

        def _info(self):
            shape = (30, 28, channels)
            features = {"image": tfds.features.Image(shape=shape), "label": label}
            return tfds.core.DatasetInfo(
                builder=self,
                features=tfds.features.FeaturesDict(features),
                supervised_keys=("image", "label"),
                homepage="https://example.org",
            )

        def _split_generators(self, manager):
            return {name: self._generate_examples(name, n) for name, n in splits.items()}

        def _generate_examples(self, name, count):
            for row in range(count):
                values = pixels_of(name, row)
                values = values[..., 0] if channels == 1 else values
                yield f"{row:03}", {"image": png(values), "label": row % 2}

    LqjaxTiny(data_dir=str(folder), file_format=file_format).download_and_prepare()
    return folder / "lqjax_tiny" / "1.0.0"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    prepare(folder)
    return folder


def check_pixels(data):
    """Match by content: TFDS shuffles what it writes."""
    for split, name, count in ((data.test, "test", COUNTS["test"]),):
        known = {pixels_of(name, row)[1:29].tobytes(): row % 2 for row in range(count)}
        assert {
            image.tobytes(): label for image, label in zip(split.images, split.labels, strict=True)
        } == known


def test_array_record_is_read_without_tensorflow(prepared, capfd):
    before = "tensorflow" in sys.modules
    data = load("tfds", f"lqjax_tiny@{prepared}")
    assert [len(s) for s in (data.train, data.validation, data.test)] == [18, 2, 6]
    assert data.test.ids.tolist() == [f"test/{row}" for row in range(6)]
    assert data.class_names == ("cat", "dog")
    assert data.name == "lqjax_tiny"
    assert "https://example.org" in data.credit
    check_pixels(data)
    assert ("tensorflow" in sys.modules) == before
    assert capfd.readouterr().err == ""


def test_parquet_is_read_without_tensorflow(tmp_path):
    prepare(tmp_path, file_format="parquet")
    check_pixels(load("tfds", f"lqjax_tiny@{tmp_path}"))


def test_validation_is_found_under_its_other_name_and_grey_stays_grey(tmp_path):
    prepare(tmp_path, splits={"train": 10, "val": 4, "test": 4}, channels=1)
    data = load("tfds", f"lqjax_tiny@{tmp_path}")
    assert data.validation.ids[0] == "val/0"
    assert data.channels == 1


def test_tfrecord_ends_with_the_command_that_converts(tmp_path):
    version = prepare(tmp_path)
    for path in version.glob("*array_record*"):
        path.rename(str(path).replace("array_record", "tfrecord"))
    info = version / "dataset_info.json"
    info.write_text(info.read_text().replace("array_record", "tfrecord"))
    command = f"tfds convert_format --dataset_version_dir={version} --out_file_format=array_record"
    with pytest.raises(ValueError) as error:
        load("tfds", f"lqjax_tiny@{tmp_path}")
    assert command in str(error.value)
    assert "tfrecord" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", r"data\.path is empty"),
        ("mnits@{folder}", "unknown TFDS data set 'mnits'; near names: .*mnist"),
        ("mnist@{folder}", "'mnist' is not in .*tfds build mnist --file_format=array_record"),
        ("mnist@{folder}/nowhere", "nowhere: no such folder; prepare"),
        ("lqjax_tiny:9.9.9@{folder}", "unknown .* near names: lqjax_tiny, "),
        ("mnist:9.9.9@{folder}", "cannot be opened .*9.9.9.*tfds build"),
        ("cifar10_corrupted/xx@{folder}", "cannot be opened .*BuilderConfig xx"),
    ],
)
def test_what_is_not_there_is_named_with_the_fix(prepared, path, message):
    with pytest.raises(ValueError, match=message) as error:
        load("tfds", path.format(folder=prepared))
    assert "\n" not in str(error.value)


def test_other_features_and_splits_are_refused(tmp_path):
    prepare(tmp_path / "a", label=tfds.features.Scalar(np.int64))
    with pytest.raises(ValueError, match="no feature 'label' of kind ClassLabel; it has image"):
        load("tfds", f"lqjax_tiny@{tmp_path / 'a'}")
    prepare(tmp_path / "b", splits={"test": 4})
    with pytest.raises(ValueError, match="has no split train, only test"):
        load("tfds", f"lqjax_tiny@{tmp_path / 'b'}")


@pytest.mark.parametrize("part", ["middle", "end", "all"])
def test_damaged_records_are_named(tmp_path, part):
    version = prepare(tmp_path)
    path = next(version.glob("*train*"))
    whole = bytearray(path.read_bytes())
    if part == "middle":
        whole[len(whole) // 2 : len(whole) // 2 + 500] = bytes(500)
    path.write_bytes({"middle": whole, "end": whole[:-1000], "all": b""}[part])
    with pytest.raises(ValueError, match=r"1.0.0.*cannot be read|not a usable image") as error:
        load("tfds", f"lqjax_tiny@{tmp_path}")
    assert "\n" not in str(error.value)


@pytest.fixture
def reads(monkeypatch):
    """Count the records that are read from array_record files."""
    source, count = array_record.ArrayRecordDataSource, [0]

    def counting(real, number):
        def read(self, keys):
            count[0] += number(keys)
            return real(self, keys)

        return read

    monkeypatch.setattr(source, "__getitem__", counting(source.__getitem__, lambda key: 1))
    monkeypatch.setattr(source, "__getitems__", counting(source.__getitems__, len))
    return count


def cached(folder):
    return load("tfds", f"lqjax_tiny@{folder / 'tfds'}", cache_dir=str(folder / "cache"))


def labels_file(folder, split="train"):
    (found,) = (folder / "cache").glob(f"lqjax_tiny-{split}-labels-*/labels.json")
    return found


def by_pixels(data):
    return {image.tobytes(): label for image, label in zip(data.images, data.labels, strict=True)}


def test_with_a_finished_cache_no_record_is_read_for_its_label(tmp_path, reads, capfd):
    prepare(tmp_path / "tfds")
    first, total = cached(tmp_path), sum(COUNTS.values())
    assert reads[0] >= 2 * total, "a label each, and a picture each"
    reads[0] = 0
    second = cached(tmp_path)
    assert reads[0] <= 1, "TFDS is asked for one picture, for the warning that goes with the first"
    for part in ("train", "validation", "test"):
        mine, other = getattr(second, part), getattr(first, part)
        np.testing.assert_array_equal(mine.labels, other.labels)
        np.testing.assert_array_equal(mine.ids, other.ids)
    check_pixels(second)
    assert "labels" not in capfd.readouterr().err


def cut(path):
    path.write_bytes(path.read_bytes()[:-4])


def swap(path):
    path.write_text(path.read_text().replace("0, 1", "1, 0", 1))


def empty(path):
    path.write_text("")


def remove(path):
    path.unlink()


@pytest.mark.parametrize("damage", [cut, swap, empty, remove])
def test_damaged_labels_are_read_again(tmp_path, reads, damage, capfd):
    prepare(tmp_path / "tfds")
    cached(tmp_path)
    path = labels_file(tmp_path)
    before = path.read_text()
    damage(path)
    assert not path.exists() or path.read_text() != before
    reads[0] = 0
    check_pixels(cached(tmp_path))
    assert COUNTS["train"] <= reads[0] <= COUNTS["train"] + 1, "of that split only, labels only"
    assert path.read_text() == before
    said = capfd.readouterr().err
    assert ("labels.json is damaged; reading the labels again" in said) == (damage is not remove)
    assert "decoding" not in said


def test_labels_of_data_that_was_prepared_again_are_read_again(tmp_path, reads):
    version = prepare(tmp_path / "tfds")
    cached(tmp_path)
    path = next(version.glob("*train*"))
    os.utime(path, ns=(0, 0))  # as another preparation would leave it
    reads[0] = 0
    cached(tmp_path)
    assert reads[0] >= 2 * sum(COUNTS.values())
    assert len(list((tmp_path / "cache").glob("lqjax_tiny-train-labels-*"))) == 2


def test_labels_that_cannot_be_kept_are_one_line(tmp_path):
    prepare(tmp_path / "tfds")
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(ValueError, match=r"data\.cache_dir=.* cannot be written") as error:
        cached(tmp_path)
    assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match=r"data\.cache_dir=gs://x is not possible"):
        load("tfds", f"lqjax_tiny@{tmp_path / 'tfds'}", cache_dir="gs://x")


def test_an_example_carries_a_digest_of_the_files_not_their_list(tmp_path):
    prepare(tmp_path / "tfds")
    listing = SOURCES["tfds"](DataConfig(source="tfds", path=f"lqjax_tiny@{tmp_path / 'tfds'}"))
    assert re.fullmatch("[0-9a-f]{16}", listing.splits["train"].version(0))


def test_of_several_at_once_one_reads_the_labels(tmp_path, capfd):
    settings, reads = DataConfig(source="tfds", cache_dir=str(tmp_path)), []

    def read():
        reads.append(1)
        time.sleep(0.2)
        return [3, 0, 2]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: kept_labels(settings, "a", "1", read), range(4)))
    assert found == [[3, 0, 2]] * 4
    assert len(reads) == 1
    assert "waiting for the process that reads" in capfd.readouterr().err
    assert kept_labels(settings, "a", "2", read) == [3, 0, 2]
    assert len(reads) == 2, "another version"
