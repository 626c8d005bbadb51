"""What a working directory keeps of its examples, and that a run is repeated from it."""

import csv
import json
import shutil
from pathlib import Path

import pytest

import lqjax
from lqjax.data import contents as contents_module
from tests.test_same_images import made  # noqa: F401 (a fixture)
from tests.training.test_taking_up import assert_refused

pytestmark = pytest.mark.usefixtures("quick_compilation", "undrawn_figures")


@pytest.fixture
def read(monkeypatch):
    """Count the files that are read to be digested."""
    seen, whole = [], contents_module._digest

    def counted(listing, row):
        seen.append(str(listing.ids[row]))
        return whole(listing, row)

    monkeypatch.setattr(contents_module, "_digest", counted)
    return seen


def lines(path):
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


def weights_of(trained):
    return [(epoch.train_loss, epoch.validation_loss) for epoch in trained.models[0].history]


def test_the_first_start_writes_it_and_a_restart_reads_no_file(made, read):  # noqa: F811
    made.train(epochs=1)
    manifest = lines(made.workdir / "manifest.csv")
    assert len(manifest) == 120 and sum(line["split"] == "train" for line in manifest) == 86
    assert lines(made.workdir / "duplicates.csv") == []
    assert len(read) == 120
    before = (made.workdir / "manifest.csv").stat().st_mtime_ns
    made.train(epochs=1)
    assert len(read) == 120, "nothing was written to since"
    assert (made.workdir / "manifest.csv").stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", ["manifest.csv", "manifest.json"])
def test_a_damaged_manifest_is_written_again(made, read, damage):  # noqa: F811
    made.train(epochs=1)
    whole = (made.workdir / "manifest.csv").read_bytes()
    (made.workdir / damage).write_bytes(b"{")
    made.train(epochs=1)
    assert len(read) == 240
    assert (made.workdir / "manifest.csv").read_bytes() == whole
    assert json.loads((made.workdir / "manifest.json").read_text())["versions"]


@pytest.mark.slow
def test_files_that_were_moved_are_read_once_more_and_then_known(made, read, tmp_path):  # noqa: F811
    made.train(epochs=1)
    moved = tmp_path / "moved" / "pictures"
    shutil.copytree(made.pictures, moved)
    for file in moved.rglob("*.png"):
        file.touch()
    for count in (240, 240):
        made.train(epochs=1, path=str(moved))
        assert len(read) == count


def test_a_file_with_other_bytes_is_refused_by_name(made):  # noqa: F811
    made.train(epochs=1)
    file = made.pictures / "ant" / "003.png"
    file.write_bytes(file.read_bytes() + b"\0")  # the picture stays as it is
    message = r"files have changed since \S+ was made: 'ant/003.png'; name another workdir"
    assert_refused(made.workdir, message, lambda: made.train(epochs=1))


@pytest.mark.slow
def test_a_run_repeats_from_its_manifest_to_the_last_digit(made, tmp_path):  # noqa: F811
    first = made.train(epochs=1)
    manifest = str(made.workdir / "manifest.csv")
    moved = tmp_path / "elsewhere"
    shutil.copytree(made.pictures, moved)
    settings = {**made.settings(epochs=1), "path": str(moved), "split_seed": 9}
    again = lqjax.train(workdir=tmp_path / "again", manifest=manifest, **settings)
    assert weights_of(again) == weights_of(first)
    assert (tmp_path / "again" / "manifest.csv").read_bytes() == Path(manifest).read_bytes()
    other = lqjax.train(workdir=tmp_path / "other", **settings)
    assert weights_of(other) != weights_of(first)


def test_duplicates_are_in_the_notes_of_the_report(made):  # noqa: F811
    shutil.copy(made.pictures / "ant" / "000.png", made.pictures / "bee" / "000.png")
    made.train(epochs=1)
    notes = json.loads((made.workdir / "environment.json").read_text())["dataset"]["notes"]
    assert any("with more than one label" in note for note in notes)
    found = lines(made.workdir / "duplicates.csv")
    assert {line["id"] for line in found} >= {"ant/000.png", "bee/000.png"}
