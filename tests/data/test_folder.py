"""Folders of images: layouts, what is ignored, and every way they can be wrong."""

import os
import re
import shutil
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lqjax.data.loading import describe
from tests.data.making import class_folders, load, noise, save


def test_split_folders_are_kept_as_they_are(tmp_path):
    for part, count in (("train", 6), ("valid", 2), ("Test", 3)):
        class_folders(tmp_path / part, count)
    data = load("folder", tmp_path, duplicates="ignore")  # the pictures are the same in all three
    assert [len(s) for s in (data.train, data.validation, data.test)] == [12, 4, 6]
    assert data.class_names == ("cat", "dog")
    assert data.test.ids[0] == "Test/cat/000.png"
    assert data.name == tmp_path.name
    assert data.notes == ()
    assert data.train.images.shape == (12, 28, 28, 1)
    assert (data.train.images.dtype, data.train.labels.dtype) == (np.uint8, np.int32)
    np.testing.assert_array_equal(data.train.images[8, ..., 0], noise(102, 30, 28)[1:29])


def test_one_folder_is_split_by_seed_without_overlap(tmp_path):
    class_folders(tmp_path, 20)
    data = load("folder", tmp_path)
    ids = [set(s.ids) for s in (data.train, data.validation, data.test)]
    assert [len(i) for i in ids] == [29, 3, 8]
    assert len(set.union(*ids)) == 40
    assert np.bincount(data.test.labels).tolist() == [4, 4]
    assert "held out 8 of 40" in describe(data)
    again = load("folder", tmp_path)
    np.testing.assert_array_equal(again.train.images, data.train.images)
    other = load("folder", tmp_path, split_seed=1)
    assert set(other.test.ids) != ids[2]


def test_an_added_file_moves_no_id_and_hardly_the_split(tmp_path):
    class_folders(tmp_path, 50)
    before = load("folder", tmp_path)
    save(tmp_path / "cat" / "000a.png", noise(7, 28, 28))
    after = load("folder", tmp_path)
    for part in ("train", "validation", "test"):
        old, new = (set(getattr(data, part).ids) for data in (before, after))
        assert len(old - new) <= 1, part
    rows = {name: row for row, name in enumerate(after.train.ids)}
    shared = [name for name in before.train.ids if name in rows]
    np.testing.assert_array_equal(
        before.train.images[np.isin(before.train.ids, shared)],
        after.train.images[[rows[name] for name in shared]],
    )


def test_the_workers_do_not_change_the_order(tmp_path):
    class_folders(tmp_path, 150)
    one, four = (load("folder", tmp_path, workers=workers) for workers in (1, 4))
    np.testing.assert_array_equal(one.train.images, four.train.images)
    assert one.train.ids.tolist() == sorted(one.train.ids)


def test_hidden_and_foreign_files_are_ignored_and_counted(tmp_path):
    class_folders(tmp_path)
    for name in (
        ".DS_Store",
        "._000.png",
        "Thumbs.db",
        "desktop.ini",
        "notes.txt",
        "a.json",
        "b.TXT",
    ):
        (tmp_path / "cat" / name).write_bytes(b"x")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "README.md").write_text("x")
    data = load("folder", tmp_path)
    assert data.num_classes == 2
    assert data.notes[0] == "ignored 3 files not named as images (2 .txt, 1 .json)"


def test_folders_below_a_class_belong_to_it_and_any_alphabet_is_fine(tmp_path):
    class_folders(tmp_path, 10, ("größe", "猫"))
    save(tmp_path / "猫" / "患者 1" / "é.PNG", noise(3, 28, 28))
    data = load("folder", tmp_path)
    ids = np.concatenate([data.train.ids, data.validation.ids, data.test.ids])
    assert "猫/患者 1/é.PNG" in ids
    assert data.class_names == ("größe", "猫")


def test_colour_anywhere_makes_three_channels(tmp_path):
    class_folders(tmp_path, 80)
    assert load("folder", tmp_path).channels == 1
    save(tmp_path / "dog" / "999.png", noise(0, 28, 28, 3))
    assert load("folder", tmp_path).channels == 3
    assert load("folder", tmp_path, channels=1).channels == 1


def test_different_sizes_and_kinds_come_out_alike(tmp_path):
    class_folders(tmp_path)
    save(tmp_path / "cat" / "big.jpg", noise(0, 300, 200, 3))
    save(tmp_path / "dog" / "small.bmp", noise(0, 9, 14))
    data = load("folder", tmp_path, image_size=40)
    assert data.train.images.shape[1:] == data.test.images.shape[1:] == (40, 40, 3)


def test_limits_decode_only_what_is_kept(tmp_path):
    class_folders(tmp_path, 40)
    data = load("folder", tmp_path, train_limit=10, test_limit=4)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [10, 4, 4]
    assert np.bincount(data.train.labels).tolist() == [5, 5]
    for path in tmp_path.rglob("*.png"):
        if path.relative_to(tmp_path).as_posix() not in data.train.ids:
            path.write_bytes(b"broken")
    with pytest.raises(ValueError, match="not a usable image"):
        load("folder", tmp_path, train_limit=10, test_limit=4)


BROKEN = {
    "cat/empty.png": b"",
    "cat/text.jpg": b"not an image at all",
    "dog/truncated.jpg": None,
    "dog/script.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
}


def with_broken(root):
    class_folders(root)
    for name, content in BROKEN.items():
        if content is None:
            whole = save(root / name, noise(0, 60, 60, 3))
            content = whole.read_bytes()[:-700]
        (root / name).write_bytes(content)
    return root


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_image_is_named_with_the_fix(tmp_path, name):
    with_broken(tmp_path)
    for other in BROKEN:
        if other != name:
            (tmp_path / other).unlink()
    with pytest.raises(
        ValueError, match=f"{name}: not a usable image .*on_bad_image=skip"
    ) as error:
        load("folder", tmp_path)
    assert "\n" not in str(error.value)


def test_broken_images_can_be_skipped_and_are_listed(tmp_path):
    with_broken(tmp_path)
    data = load("folder", tmp_path, on_bad_image="skip")
    assert sorted(name for name, _ in data.skipped) == [
        str(tmp_path / name) for name in sorted(BROKEN)
    ]
    assert all(reason for _, reason in data.skipped)
    for split in (data.train, data.validation, data.test):
        for name, label, image in zip(split.ids, split.labels, split.images, strict=True):
            seed = 100 * label + int(name[4:7])
            np.testing.assert_array_equal(image[..., 0], noise(seed, 30, 28)[1:29])
    assert len(data.train) + len(data.validation) + len(data.test) == 20
    assert "skipped 4 unusable images" in describe(data)


def test_a_bomb_is_refused_under_any_warning_filter(tmp_path, monkeypatch):
    class_folders(tmp_path)
    save(tmp_path / "cat" / "bomb.png", noise(0, 200, 200))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 150 * 150)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=r"bomb\.png: not a usable image"):
            load("folder", tmp_path)


def test_a_class_whose_images_are_all_bad_is_named(tmp_path):
    class_folders(tmp_path)
    for path in (tmp_path / "dog").iterdir():
        path.write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"class 'dog' .* has no usable image in the train split"):
        load("folder", tmp_path, on_bad_image="skip")


@pytest.mark.parametrize(
    ("broken", "layout", "said"),
    [
        ("test/dog", {}, r"class 'dog' of .* has no usable image in the test split; add images"),
        ("val/cat", {}, r"class 'cat' of .* has no usable image in the validation split"),
        ("train/dog", {"folds": 2}, r"class 'dog' of .* has no usable image in the .* split"),
    ],
)
def test_a_class_that_loses_all_images_of_one_split_is_named(tmp_path, broken, layout, said):
    parts = ("train",) if layout else ("train", "val", "test")
    for part in parts:
        class_folders(tmp_path / part, 10)
    kept = 1 if layout else 0  # one of ten is in one fold alone
    for path in sorted((tmp_path / broken).iterdir())[kept:]:
        path.write_bytes(b"broken")
    with pytest.raises(ValueError, match=said) as error:
        load("folder", tmp_path, on_bad_image="skip", **layout)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("part", ["", "train", "test"])
def test_a_class_whose_names_cannot_be_written_is_not_lost_silently(tmp_path, part):
    for folder in (part, "train") if part else (part,):
        class_folders(tmp_path / folder, 10, ("bird", "cat", "dog"))
    for path in (tmp_path / part / "bird").iterdir():
        path.rename(path.with_name(path.name.replace(".", "\a.")))
    with pytest.raises(ValueError, match=r"bird: no image in this class folder has a name that"):
        load("folder", tmp_path, on_bad_image="skip")


def test_a_split_whose_images_are_all_bad_is_not_held_out_silently(tmp_path):
    class_folders(tmp_path / "train", 10)
    class_folders(tmp_path / "test", 2)
    for path in (tmp_path / "test").rglob("*.png"):
        path.write_bytes(b"broken")
    with pytest.raises(ValueError, match="all other test images are unusable"):
        load("folder", tmp_path, on_bad_image="skip")


def remove_class(root):
    shutil.rmtree(root / "test" / "dog")


def empty_class(root):
    remove_class(root)
    (root / "test" / "dog").mkdir()


def foreign_class(root):
    empty_class(root)
    (root / "test" / "dog" / "1.dcm").write_bytes(b"x")


def extra_class(root):
    class_folders(root / "test", 2, ("bird",))


def no_train(root):
    shutil.rmtree(root / "train")


def flat_test(root):
    shutil.rmtree(root / "test")
    save(root / "test" / "1.png", noise(0, 28, 28))


def two_validations(root):
    class_folders(root / "val", 2)
    class_folders(root / "valid", 2)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (remove_class, "test/dog: no such class folder, but .*train/dog is there"),
        (empty_class, "test/dog: no images in this class folder; add images"),
        (foreign_class, r"test/dog: no images in this class folder, only 1 \.dcm"),
        (extra_class, "train/bird: no such class folder, but .*test/bird is there"),
        (no_train, "has test but no folder train"),
        (flat_test, "test: has no class folders; sort the images"),
        (two_validations, "both val and valid are there"),
    ],
)
def test_wrong_layouts_are_named_with_the_fix(tmp_path, damage, message):
    class_folders(tmp_path / "train", 6)
    class_folders(tmp_path / "test", 3)
    damage(tmp_path)
    with pytest.raises(ValueError, match=message) as error:
        load("folder", tmp_path)
    assert "\n" not in str(error.value)


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(ValueError, match="nowhere: no such folder"):
        load("folder", tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"data\.path is empty"):
        load("folder")
    with pytest.raises(ValueError, match="has no class folders"):
        load("folder", tmp_path)
    class_folders(tmp_path, 5, ("only",))
    with pytest.raises(ValueError, match="at least 2 are needed"):
        load("folder", tmp_path)


def test_a_class_called_train_is_a_class(tmp_path):
    class_folders(tmp_path, 10, ("bus", "train"))
    assert load("folder", tmp_path).class_names == ("bus", "train")


def test_a_mistyped_split_folder_is_mentioned(tmp_path):
    class_folders(tmp_path / "train", 10)
    class_folders(tmp_path / "tset", 3)
    assert "ignored the folders beside the splits: tset" in load("folder", tmp_path).notes


@pytest.mark.parametrize(("name", "shown"), [(b"caf\xe9.png", "udce9"), (b"a\nb.png", r"\\n")])
def test_names_that_cannot_be_written_are_refused_or_skipped(tmp_path, name, shown):
    class_folders(tmp_path)
    path = save(tmp_path / "cat" / "new.png", noise(0, 28, 28))
    path.rename(tmp_path / "cat" / os.fsdecode(name))
    with pytest.raises(ValueError, match=rf"{shown}.*; rename it.*on_bad_image=skip") as error:
        load("folder", tmp_path)
    assert str(error.value).isprintable()
    data = load("folder", tmp_path, on_bad_image="skip")
    assert len(data.train) + len(data.validation) + len(data.test) == 20
    assert re.search(shown, data.skipped[0][0])
    assert describe(data).encode()


def test_a_class_folder_that_cannot_be_written_is_refused(tmp_path):
    class_folders(tmp_path)
    (tmp_path / "dog").rename(tmp_path / os.fsdecode(b"d\xf6g"))
    with pytest.raises(ValueError, match="its name is not UTF-8"):
        load("folder", tmp_path, on_bad_image="skip")


def test_pipes_are_not_opened(tmp_path):
    class_folders(tmp_path)
    os.mkfifo(tmp_path / "cat" / "pipe.png")
    (tmp_path / "cat" / "link.png").symlink_to("pipe.png")
    assert load("folder", tmp_path).notes[0] == (
        "ignored 2 files not named as images (2 .png that are no regular files)"
    )


def test_folders_may_be_deep(tmp_path):
    class_folders(tmp_path)
    start = Path.cwd()
    os.chdir(tmp_path / "cat")
    try:
        for _ in range(1500):
            Path("d").mkdir()
            os.chdir("d")
    finally:
        os.chdir(start)
    data = load("folder", tmp_path)
    assert len(data.train) + len(data.validation) + len(data.test) == 20
    subprocess.run(["rm", "-rf", tmp_path / "cat"], check=True)


def test_several_pages_are_refused_by_name(tmp_path):
    class_folders(tmp_path)
    pages = [Image.fromarray(noise(i, 28, 28)) for i in range(3)]
    save(tmp_path / "dog" / "stack.tif", pages[0], save_all=True, append_images=pages[1:])
    with pytest.raises(ValueError, match=r"stack\.tif: not a usable image \(it has several pages"):
        load("folder", tmp_path)
