"""Prepared TFDS data sets, written in the test by TFDS's own builder; no TensorFlow."""

import io
import json
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
from lqjax.data import tfds_records, tfrecord
from lqjax.data.kept_labels import kept_labels
from lqjax.data.source import SOURCES
from tests.data.damage_tfds import with_picture
from tests.data.making import load, noise, save
from tests.data.tfrecords import framed

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


def as_tfrecords(version, shards=1):
    """Turn a prepared data set into TFRecord files, framed here by hand."""
    info = version / "dataset_info.json"
    record = json.loads(info.read_text())
    for split in record["splits"]:
        path = next(version.glob(f"*-{split['name']}.array_record*"))
        records = array_record.ArrayRecordDataSource([str(path)])
        records = [records[row] for row in range(len(records))]
        path.unlink()
        parts = np.array_split(np.arange(len(records)), shards)
        split["shardLengths"] = [str(len(part)) for part in parts]
        for number, part in enumerate(parts):
            name = f"lqjax_tiny-{split['name']}.tfrecord-{number:05}-of-{shards:05}"
            (version / name).write_bytes(framed([records[row] for row in part]))
    info.write_text(json.dumps({**record, "fileFormat": "tfrecord"}))


def test_tfrecord_is_read_without_tensorflow(tmp_path, capfd):
    before = "tensorflow" in sys.modules
    version = prepare(tmp_path)
    expected = load("tfds", f"lqjax_tiny@{tmp_path}")
    as_tfrecords(version, shards=3)
    capfd.readouterr()
    data = load("tfds", f"lqjax_tiny@{tmp_path}")
    for part in ("train", "validation", "test"):
        mine, other = getattr(data, part), getattr(expected, part)
        np.testing.assert_array_equal(mine.images, other.images)
        np.testing.assert_array_equal(mine.labels, other.labels)
        np.testing.assert_array_equal(mine.ids, other.ids)
    assert data.notes == expected.notes
    assert ("tensorflow" in sys.modules) == before
    assert capfd.readouterr().err == ""


def photographs(folder):
    """Prepare records of large JPEG files, each turned in another way, and beside them "files"."""
    version = prepare(folder, splits={"train": 10, "test": 8})
    as_tfrecords(version)
    for part, count in (("train", 10), ("test", 8)):
        records = []
        for row in range(count):
            ramp = np.add.outer(np.arange(300), np.arange(410)) // 4 + 5 * row
            picture = Image.fromarray(np.stack([ramp, ramp[::-1], ramp], -1).astype(np.uint8))
            exif = Image.Exif()
            exif[0x0112] = row % 8 + 1
            path = folder / "files" / part / ("cat", "dog")[row % 2] / f"{row}.jpg"
            data = save(path, picture, exif=exif, quality=70 + row).read_bytes()
            records.append(with_picture(data, row % 2))
        next(version.glob(f"*{part}.tfrecord*")).write_bytes(framed(records))


def test_pictures_follow_the_same_rules_as_those_of_files(tmp_path):
    photographs(tmp_path)
    data = load("tfds", f"lqjax_tiny@{tmp_path}")
    other = load("folder", tmp_path / "files")
    number = [int(name[-5]) for name in other.test.ids.tolist()]
    assert data.test.ids.tolist() == [f"test/{row}" for row in range(8)]
    np.testing.assert_array_equal(data.test.images[number], other.test.images)
    np.testing.assert_array_equal(data.test.labels[number], other.test.labels)
    assert len({image.tobytes() for image in data.test.images}) == 8


def test_metadata_without_a_format_mean_tfrecord(tmp_path):
    version = prepare(tmp_path)
    as_tfrecords(version)
    info = version / "dataset_info.json"
    record = json.loads(info.read_text())
    del record["fileFormat"]  # as early versions of TFDS wrote it
    info.write_text(json.dumps(record))
    check_pixels(load("tfds", f"lqjax_tiny@{tmp_path}"))


@pytest.mark.parametrize(
    ("position", "value", "message"),
    [
        (7, 1, "its record 0, at byte 0, is not whole"),
        (9, None, "record 0 of .* has a damaged length"),
        (60, None, "record 0 of .* does not have its checksum"),
        (-1, None, "record 19 of .* does not have its checksum"),
    ],
)
def test_a_damaged_tfrecord_is_named(tmp_path, position, value, message):
    version = prepare(tmp_path)
    as_tfrecords(version)
    path = next(version.glob("*train.tfrecord*"))
    whole = bytearray(path.read_bytes())
    whole[position] = whole[position] ^ 16 if value is None else value
    path.write_bytes(whole)
    with pytest.raises(ValueError, match=f"1.0.0.*cannot be read.*{message}") as error:
        load("tfds", f"lqjax_tiny@{tmp_path}")
    assert "\n" not in str(error.value)


def test_of_unverified_checksums_the_reader_is_told(tmp_path, monkeypatch):
    version = prepare(tmp_path)
    as_tfrecords(version)
    path = next(version.glob("*train.tfrecord*"))
    whole = bytearray(path.read_bytes())
    whole[-1] ^= 1
    path.write_bytes(whole)
    for module in (tfrecord, tfds_records):
        monkeypatch.setattr(module, "checksum", None)
    data = load("tfds", f"lqjax_tiny@{tmp_path}")
    assert any("not verified; for that: pip install google-crc32c" in n for n in data.notes)
    check_pixels(data)


def test_other_formats_end_with_the_command_that_converts(tmp_path):
    version = prepare(tmp_path)
    for path in version.glob("*array_record*"):
        path.rename(str(path).replace("array_record", "riegeli"))
    info = version / "dataset_info.json"
    info.write_text(info.read_text().replace("array_record", "riegeli"))
    command = f"tfds convert_format --dataset_version_dir={version} --out_file_format=array_record"
    with pytest.raises(ValueError) as error:
        load("tfds", f"lqjax_tiny@{tmp_path}")
    assert command in str(error.value)
    assert "riegeli" in str(error.value)
    assert "\n" not in str(error.value)


def test_another_split_can_be_tested(tmp_path):
    prepare(tmp_path, splits={"train": 20, "validation": 6, "test": 4})
    data = load("tfds", f"lqjax_tiny@{tmp_path}", test_split="validation")
    assert data.test.ids.tolist() == [f"validation/{row}" for row in range(6)]
    assert {str(i).partition("/")[0] for i in data.validation.ids} == {"train"}
    with pytest.raises(ValueError, match=r"data\.test_split=val: .* has test, validation"):
        load("tfds", f"lqjax_tiny@{tmp_path}", test_split="val")


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
