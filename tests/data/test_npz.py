"""MedMNIST-style files: what is read, and every way they can be wrong."""

import numpy as np
import pytest

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
        ({"train_labels": np.array([{}] * 30)}, "cannot be read as .npz .*allow_pickle"),
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
