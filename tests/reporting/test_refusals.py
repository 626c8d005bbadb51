"""What a report refuses, in one line that says how to go on."""

import numpy as np
import pytest

from lqjax.reporting.report import write_report
from lqjax.workdir import Workdir

CLEAN = [("clean", "clean", "", "clean", 0.0, None)]


def refusal(workdirs):
    with pytest.raises(ValueError) as caught:
        write_report(workdirs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def pair(make_workdir, **second):
    common = {"conditions": CLEAN, "gallery": False, "extras": False}
    return [
        make_workdir("first", models=(("alexnet", 0.8),), **common),
        make_workdir("second", models=(("resnet50", 0.9),), **common, **second),
    ]


def test_image_sizes_that_differ(make_workdir):
    message = refusal(pair(make_workdir, size=128))
    assert "image sizes (64 px in first; 128 px in second)" in message


def test_image_sizes_that_differ_within_a_directory(make_workdir):
    workdir = make_workdir(models=(("alexnet", 0.8),), conditions=CLEAN, gallery=False)
    make_workdir(models=(("resnet50", 0.9),), conditions=CLEAN, gallery=False, size=128)
    assert "image sizes (64 px in alexnet; 128 px in resnet50)" in refusal([workdir])


def test_data_sets_that_differ(make_workdir):
    message = refusal(pair(make_workdir, dataset="pneumonia"))
    assert "data sets" in message and "pneumonia" in message


def test_test_images_that_differ(make_workdir):
    assert "different images" in refusal(pair(make_workdir, n=100))


def test_test_images_that_differ_in_their_ids_alone(make_workdir):
    workdirs = pair(make_workdir)
    run = workdirs[1].runs()[0]
    found = run.examples()
    run.write_examples(found["ids"][::-1], found["labels"], tuple(found["classes"]))
    assert "different images" in refusal(workdirs)


def test_no_working_directory():
    assert "at least one" in refusal([])


def test_nothing_evaluated(tmp_path):
    assert "--mode=evaluate" in refusal([Workdir.at(tmp_path)])


@pytest.mark.parametrize("beside", [False, True])
def test_a_folder_that_is_not_there(beside, make_workdir, tmp_path):
    there = [make_workdir(conditions=CLEAN, gallery=False)] if beside else []
    message = refusal([*there, Workdir.at(tmp_path / "nowhere")])
    assert message.startswith(f"there is no folder {tmp_path}/nowhere; ")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("predictions", [False, True])
def test_a_file_in_place_of_a_folder(predictions, tmp_path):
    (tmp_path / "file").write_text("")
    given = [tmp_path / "mine.csv"] if predictions else []
    with pytest.raises(ValueError, match="file is a file; give the folder"):
        write_report([Workdir.at(tmp_path / "file")], given)


def test_scores_that_are_missing(make_workdir):
    workdir = make_workdir(conditions=CLEAN, gallery=False)
    next((workdir.runs()[0].root / "conditions").glob("*.npz")).unlink()
    assert "(the scores of clean) is missing; --mode=evaluate" in refusal([workdir])


def test_scores_of_another_length(make_workdir):
    workdir = make_workdir(conditions=CLEAN, gallery=False)
    run = workdir.runs()[0]
    run.write_condition(run.row("clean"), np.zeros((7, 10)))
    assert "logits of shape (7, 10), expected (360, 10)" in refusal([workdir])


def test_examples_that_are_missing(make_workdir):
    workdir = make_workdir(conditions=CLEAN, gallery=False)
    (workdir.runs()[0].root / "examples.npz").unlink()
    assert "examples.npz is missing" in refusal([workdir])


def test_a_config_that_is_no_json(make_workdir):
    workdir = make_workdir(conditions=CLEAN, gallery=False)
    (workdir.root / "config.json").write_text("{")
    assert "is not JSON" in refusal([workdir])
