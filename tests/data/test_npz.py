"""MedMNIST-style files: what is read, and every way they can be wrong."""

import gc
import struct
import weakref
import zipfile

import numpy as np
import pytest
from PIL import Image

from lqjax.config import DataConfig
from lqjax.data import npz
from lqjax.data.source import SOURCES
from tests.data.making import load, noise


def arrays(colour=False, **changes):
    made = {}
    for seed, (prefix, count) in enumerate((("train", 30), ("val", 6), ("test", 9))):
        shape = (count, 28, 28, 3) if colour else (count, 28, 28)
        made[f"{prefix}_images"] = noise(seed, *shape)
        made[f"{prefix}_labels"] = (np.arange(count) % 3)[:, None].astype(np.uint8)
    made.update(changes)
    return {key: value for key, value in made.items() if value is not None}


def write(folder, **kwargs):
    path = folder / "tiny.npz"
    np.savez_compressed(path, **arrays(**kwargs))
    return path


@pytest.mark.parametrize("colour", [False, True])
def test_pixels_labels_and_ids_are_those_of_the_file(tmp_path, colour):
    made = arrays(colour)
    data = load("npz", write(tmp_path, colour=colour))
    for split, prefix in ((data.train, "train"), (data.validation, "val"), (data.test, "test")):
        images = made[f"{prefix}_images"]
        np.testing.assert_array_equal(split.images, images if colour else images[..., None])
        np.testing.assert_array_equal(split.labels, made[f"{prefix}_labels"][:, 0])
        assert split.ids[2] == f"{prefix}/2"
    assert (data.name, data.class_names) == ("tiny", ("0", "1", "2"))
    assert data.channels == (3 if colour else 1)
    assert data.train.labels.dtype == np.int32


def test_large_images_arrive_as_they_are_and_smaller(tmp_path):
    """MedMNIST has the same pictures of up to 224 px: two a split here, in colour."""
    made = {}
    for seed, prefix in enumerate(("train", "val", "test")):
        made[f"{prefix}_images"] = noise(seed, 2, 224, 224, 3)
        made[f"{prefix}_labels"] = np.asarray([[0], [1]], np.uint8)
    path = tmp_path / "large.npz"
    np.savez_compressed(path, **made)
    data = load("npz", path, image_size=224)
    small = load("npz", path, image_size=56)
    for part, prefix in (("train", "train"), ("validation", "val"), ("test", "test")):
        images = made[f"{prefix}_images"]
        np.testing.assert_array_equal(getattr(data, part).images, images)
        assert getattr(data, part).ids.tolist() == [f"{prefix}/0", f"{prefix}/1"]
        expected = [
            np.asarray(Image.fromarray(i).resize((56, 56), Image.Resampling.BICUBIC))
            for i in images
        ]
        np.testing.assert_array_equal(getattr(small, part).images, expected)


def test_channels_are_converted_when_asked(tmp_path):
    path = write(tmp_path)
    assert load("npz", path, channels=3).train.images.shape == (30, 28, 28, 3)
    assert load("npz", write(tmp_path, colour=True), channels=1).channels == 1
    with pytest.raises(ValueError, match=r"data\.channels=2"):
        load("npz", path, channels=2)


def test_missing_splits_are_held_out_of_train_and_keep_their_ids(tmp_path):
    missing = dict.fromkeys(("val_images", "val_labels", "test_images", "test_labels"))
    data = load("npz", write(tmp_path, **missing))
    assert [len(s) for s in (data.train, data.validation, data.test)] == [21, 3, 6]
    assert all(name.startswith("train/") for name in data.test.ids)
    row = int(data.test.ids[0].split("/")[1])
    np.testing.assert_array_equal(data.test.images[0, ..., 0], arrays()["train_images"][row])


@pytest.mark.parametrize("names", [["a", "b", "c"], np.array([b"a", b"b", b"c"])])
def test_class_names_may_travel_in_the_file(tmp_path, names):
    assert load("npz", write(tmp_path, class_names=names)).class_names == ("a", "b", "c")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_images": None}, "has no array train_images"),
        ({"train_labels": None}, "has no array train_labels"),
        ({"val_labels": None}, "has no array val_labels"),
        ({"train_images": np.zeros((30, 28, 28), np.float32)}, "is float32 of shape"),
        ({"train_images": noise(0, 30, 28, 28, 28)}, r"expected uint8, \(N, H, W\)"),
        ({"train_images": noise(0, 30, 28, 28, 2)}, r"expected uint8, \(N, H, W\)"),
        ({"train_images": noise(0, 30, 0, 28)}, r"expected uint8, \(N, H, W\)"),
        ({"train_labels": np.zeros((30, 14), np.uint8)}, "has 14 columns"),
        ({"train_labels": np.zeros(30)}, "is float64 of shape"),
        ({"train_labels": np.zeros(29, int)}, "has 30 images but train_labels has 29 labels"),
        ({"train_labels": np.arange(30) % 3 - 1}, "label -1 is out of range"),
        ({"class_names": ["a", "b"]}, "label 2 is out of range; labels must be 0 to 1"),
        ({"class_names": np.zeros(3)}, "class_names must be"),
        ({"test_labels": np.full(9, 3)}, "no training image has the label 3"),
        ({"train_labels": np.zeros(30, int)}, "no training image has the label 1, 2"),
        ({"train_labels": np.array([{}] * 30)}, "cannot be read as .npz .*Python objects"),
        (
            {"val_images": noise(0, 0, 28, 28), "val_labels": np.zeros(0, int)},
            "val_images is empty",
        ),
    ],
)
def test_wrong_arrays_are_named_with_the_fix(tmp_path, changes, message):
    path = write(tmp_path, **changes)
    with pytest.raises(ValueError, match=message) as error:
        load("npz", path)
    assert "tiny" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["missing", "empty", "text", "cut", "npy", "flipped"])
def test_damaged_files_are_named(tmp_path, kind):
    path = write(tmp_path)
    whole = path.read_bytes()
    if kind == "missing":
        path.unlink()
    elif kind == "npy":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    elif kind == "flipped":
        half = len(whole) // 2
        path.write_bytes(
            whole[:half] + bytes(b ^ 255 for b in whole[half : half + 9]) + whole[half + 9 :]
        )
    else:
        path.write_bytes({"empty": b"", "text": b"x" * 99, "cut": whole[:-400]}[kind])
    with pytest.raises(ValueError, match=r"tiny\.npz: (cannot be read|no such file)") as error:
        load("npz", path)
    assert "\n" not in str(error.value)


def test_small_images_are_enlarged_and_all_splits_have_one_size(tmp_path):
    data = load("npz", write(tmp_path, test_images=noise(5, 9, 40, 50)), image_size=64)
    for split in (data.train, data.validation, data.test):
        assert split.images.shape[1:] == (64, 64, 1)


def member(values, shape=None, kind=None, fortran=False):
    """Write an array as NumPy's format 1.0 has it; shape and type may lie."""
    header = {
        "descr": kind or values.dtype.str,
        "fortran_order": fortran,
        "shape": values.shape if shape is None else shape,
    }
    text = repr(header).encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    order = "F" if fortran else "C"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + values.tobytes(order)


def archive_of(folder, **members):
    """Write a file of which some members are given as bytes."""
    made = {key: member(value) for key, value in arrays().items()}
    with zipfile.ZipFile(folder / "tiny.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for key, content in {**made, **members}.items():
            archive.writestr(f"{key}.npy", content)
    return folder / "tiny.npz"


def test_fortran_order_and_big_endian_labels_are_read(tmp_path):
    images, labels = arrays()["train_images"], arrays()["train_labels"]
    path = archive_of(
        tmp_path,
        train_images=member(images, fortran=True),
        train_labels=member(labels.astype(">i8")),
        val_labels=member(arrays()["val_labels"].astype(">u2"), fortran=True),
    )
    data = load("npz", path)
    np.testing.assert_array_equal(data.train.images[..., 0], images)
    np.testing.assert_array_equal(data.train.labels, labels[:, 0])
    np.testing.assert_array_equal(data.validation.labels, arrays()["val_labels"][:, 0])
    listing = SOURCES["npz"](DataConfig(source="npz", path=str(path))).splits["train"]
    assert listing.content(3) == images[3].tobytes()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"train_images": member(noise(0, 3, 28, 28), (30, 28, 28))},
            r"train_images\.npy has 2,352 bytes where its header says 23,520",
        ),
        (
            {"train_images": member(noise(0, 3, 28, 28), (10**9, 224, 224, 3))},
            r"has 2,352 bytes where its header says 150,528,000,000,000",
        ),
        ({"train_images": member(noise(0, 9, 28, 28), (3, 28, 28))}, "has 7,056 bytes where"),
        ({"train_images": member(noise(0, 30, 28, 28), (-30, 28, -28))}, "cannot be read"),
        ({"train_labels": member(np.zeros(30, "u8"), kind="|O")}, "holds Python objects"),
        ({"train_labels": b"\x93NUMPY\x03\x00" + bytes(99)}, r"header of version \(3, 0\)"),
        ({"train_labels": b"\x93NUMPY\x01\x00\xff\xff{'descr': __import__('os')}"}, "cannot be"),
        ({"train_labels": b"nothing"}, "cannot be read as .npz"),
        ({"train_labels": member(np.zeros((30, 0), "u1"))}, "train_labels has 0 columns"),
        (
            {"train_labels": member(np.arange(30) * 10**15)},
            "no training image has the label 1, 2, 3, 4, 5;",
        ),
        ({"class_names": member(np.array([b"a", b"b", b"\xff"]))}, "class_names is not UTF-8"),
        ({"class_names": member(np.array(["a", "b", "a"]))}, "class_names has a name twice"),
    ],
)
def test_members_that_lie_are_refused(tmp_path, members, message):
    with pytest.raises(ValueError, match=message) as error:
        load("npz", archive_of(tmp_path, **members))
    assert str(error.value).startswith(str(tmp_path / "tiny.npz"))
    assert "\n" not in str(error.value)


def test_what_unpacks_to_more_than_the_memory_is_not_unpacked(tmp_path, monkeypatch):
    path = write(tmp_path)
    used = sum(member(value).__len__() for value in arrays().values())
    sysconf = {"SC_PHYS_PAGES": used - 1000, "SC_PAGE_SIZE": 1}
    monkeypatch.setattr(npz.os, "sysconf", sysconf.get)
    with pytest.raises(ValueError, match="its arrays need 0 GB, the machine has 0 GB of memory"):
        load("npz", path)
    sysconf["SC_PHYS_PAGES"] += 2000
    load("npz", path)


def test_the_arrays_of_the_file_are_let_go(tmp_path, monkeypatch):
    """Of a file of gigabytes only the images at the size asked for stay."""
    read, arrays_read = npz._read_array, []

    def watched(*values):
        made = read(*values)
        arrays_read.append(weakref.ref(made))
        return made

    monkeypatch.setattr(npz, "_read_array", watched)
    data = load("npz", write(tmp_path))
    gc.collect()
    assert len(arrays_read) == 6
    assert [reference() for reference in arrays_read] == [None] * 6
    assert len(data.train) == 30
