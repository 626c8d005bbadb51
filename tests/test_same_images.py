"""Other images than before are refused and change nothing; the same images elsewhere are not."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

import lqjax
from lqjax.same_images import fingerprint
from lqjax.typing import Dataset, Split
from tests.data.making import class_folders, noise, save
from tests.training.test_taking_up import CLASSES, SETTINGS, assert_refused

pytestmark = pytest.mark.usefixtures("quick_compilation", "undrawn_figures")

COUNT = 40
"""Images of each class: 120 in all, 24 for testing, 10 for validation, 86 for training."""


class StoppedError(Exception):
    pass


@pytest.fixture
def made(tmp_path, small_networks):
    """Give what trains or compares in the workdir, and the folder of its pictures."""
    pictures = class_folders(tmp_path / "pictures", COUNT, CLASSES)

    def settings(**changed):
        small = {"names": ("small",), "devices": 1, "log_every": 1}
        return {**SETTINGS, **small, "epochs": 2, "path": str(pictures), **changed}

    def train(**changed):
        return lqjax.train(workdir=tmp_path / "run", **settings(**changed))

    def compare(**changed):
        return lqjax.compare(workdir=tmp_path / "run", **settings(**changed))

    return SimpleNamespace(
        train=train,
        compare=compare,
        settings=settings,
        pictures=pictures,
        workdir=tmp_path / "run",
    )


def stopping_at(step):
    def write(at, values):
        if at == step:
            raise StoppedError

    return write


def stopped(made, step=15):
    """Stop in the second epoch, behind the checkpoint of the first: each has 10 steps."""
    with pytest.raises(StoppedError):
        made.train(writers=[stopping_at(step)])
    return made


def forget(workdir):
    """Make it a working directory of an earlier version."""
    (workdir / "images.json").unlink()


@pytest.mark.parametrize("residency", ["device", "host"])
def test_added_images_are_refused_for_training(made, residency):
    with pytest.raises(StoppedError):
        made.train(writers=[stopping_at(15)], residency=residency)
    class_folders(made.pictures, COUNT + 20, CLASSES)
    message = (
        r"images are not those that \S+ was made with: 86 -> 130 for training,"
        r" 10 -> 14 for validation, 24 -> 36 for testing; name another workdir"
    )
    assert_refused(made.workdir, message, lambda: made.train(residency=residency))


def test_removed_images_are_refused_also_where_an_earlier_version_kept_nothing(made):
    stopped(made)
    forget(made.workdir)
    for file in list(made.pictures.rglob("03*.png")):
        file.unlink()
    assert_refused(made.workdir, r"not those .*: 86 -> \d\d for training", made.train)
    (made.workdir / "environment.json").unlink()
    message = r"epochs of 10 steps, and with the images that are there now it would be \d"
    assert_refused(made.workdir, message, made.train)


@pytest.mark.slow
def test_a_finished_workdir_is_not_tested_on_other_images(made):
    noisy = ("clean", "gaussian_noise(sigma=0.1)")
    rows = made.compare().rows
    class_folders(made.pictures, COUNT + 20, CLASSES)
    again = [
        lambda: made.compare(conditions=noisy),
        lambda: lqjax.evaluate(workdir=made.workdir, conditions=noisy),
    ]
    for run in again:
        assert_refused(made.workdir, "24 -> 36 for testing", run)
    forget(made.workdir)
    (made.workdir / "environment.json").unlink()
    for run in again:
        assert_refused(made.workdir, r"made with: 24 -> 36 for testing", run)
    shutil.rmtree(made.pictures)
    class_folders(made.pictures, COUNT, CLASSES)
    assert made.compare(conditions=noisy).rows[0] == rows[0]
    assert (made.workdir / "images.json").exists(), "from now on it knows its images"


def test_other_pictures_under_the_same_names_are_refused(made):
    stopped(made)
    for file in made.pictures.rglob("*.png"):
        save(file, np.full((30, 28), 250, np.uint8))
    message = r"other pictures under 64 of 64 names for training, .* under 10 of 10 .*validation"
    assert_refused(made.workdir, message, made.train)


def test_renamed_images_are_refused(made):
    stopped(made)
    file = made.pictures / "ant" / "000.png"
    file.rename(file.with_stem("0000"))
    assert_refused(made.workdir, r"other names or another order of the \d+ for", made.train)


@pytest.mark.slow
def test_a_data_set_that_was_moved_is_taken_for_the_same(made, tmp_path):
    stopped(made)
    moved = tmp_path / "elsewhere"
    shutil.copytree(made.pictures, moved / "pictures")
    shutil.rmtree(made.pictures)
    for file in moved.rglob("*.png"):
        file.touch()
    history = made.train(path=str(moved / "pictures")).models[0].history
    assert [(epoch.epoch, epoch.step) for epoch in history] == [(1, 10), (2, 20)]
    (moved / "pictures").rename(moved / "films")
    message = "called 'films' here and 'pictures' in .*: set data.name=pictures to go on"
    assert_refused(made.workdir, message, lambda: made.train(path=str(moved / "films")))
    found = made.train(path=str(moved / "films"), data_name="pictures").models[0]
    assert found.history == history
    kept = json.loads((made.workdir / "config.json").read_text())["data"]
    assert kept["path"] == str(moved / "films")


def test_a_table_whose_pictures_were_moved_is_taken_for_the_same(made, tmp_path):
    index = tmp_path / "index.csv"
    files = sorted(made.pictures.rglob("*.png"))
    lines = [f"{file.relative_to(made.pictures)},{file.parent.name}" for file in files]
    index.write_text("\n".join(["path,label", *lines]) + "\n")
    table = {"source": "table", "path": str(index), "data_root": str(made.pictures), "epochs": 1}
    history = made.train(**table).models[0].history
    made.pictures.rename(tmp_path / "films")
    (tmp_path / "links").mkdir()
    for name in CLASSES:
        (tmp_path / "links" / name).symlink_to(tmp_path / "films" / name)
    for changed in (
        {"data_root": str(tmp_path / "films")},
        {"data_root": str(tmp_path / "links"), "allow_outside": True},
    ):
        assert made.train(**{**table, **changed}).models[0].history == history
    # As before, what decides on the images and their use is not free.
    table["data_root"] = str(tmp_path / "films")
    assert_refused(made.workdir, "split_seed", lambda: made.train(**table, split_seed=3))
    save(tmp_path / "films" / CLASSES[0] / "000.png", np.full((30, 28), 250, np.uint8))
    assert_refused(made.workdir, "files have changed|other pictures", lambda: made.train(**table))


@pytest.mark.slow
def test_before_there_are_results_the_images_may_change(made):
    stopped(made, step=1)
    class_folders(made.pictures, COUNT + 20, CLASSES)
    assert [epoch.step for epoch in made.train(epochs=1).models[0].history] == [16]
    assert made.train(epochs=1).models[0].history[0].step == 16


def test_a_damaged_record_is_refused_in_one_line(made):
    stopped(made)
    for text in ("", "[]", "{", '{"folds": []}', '{"folds": [{"name": "a"}]}'):
        (made.workdir / "images.json").write_text(text)
        assert_refused(made.workdir, r"images.json is damaged \(.*\); delete it, or", made.train)


def a_data_set(images):
    labels = np.arange(len(images), dtype=np.int32) % 2
    parts = [
        Split(images, labels, np.array([f"{part}/{i}" for i in range(len(images))]))
        for part in ("train", "validation", "test")
    ]
    return Dataset("noise", *parts, ("cat", "dog"))


def test_of_a_large_split_only_a_few_images_are_read():
    asked = []

    class Stored:
        shape = (100_000, 4, 4, 1)

        def __len__(self):
            return self.shape[0]

        def __getitem__(self, row):
            asked.append(int(row))
            return np.full(self.shape[1:], row % 200, np.uint8)

    found = fingerprint(a_data_set(Stored()))["test"]
    assert len(asked) == 3 * 64 and {0, 99_999} <= set(asked)
    assert found["levels"] == [row % 200 for row in asked[-64:]]
    assert found["images"] == 100_000


def test_the_levels_are_means_of_whole_images():
    images = noise(3, 5, 6, 6, 3)
    found = fingerprint(a_data_set(images))["train"]["levels"]
    np.testing.assert_allclose(found, images.astype(np.float64).mean((1, 2, 3)), atol=0.005)
