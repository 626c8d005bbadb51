"""Which test images a report shows, and which it does not."""

import dataclasses
import json

import numpy as np
import pytest

from lqjax.reporting.mistakes_figure import COLUMNS, by_condition, mistakes_figure, words
from lqjax.reporting.mistakes_words import about_mistakes
from lqjax.reporting.report import write_report
from lqjax.reporting.study import read_study
from lqjax.reporting.style import figure_style
from tests.reporting.conftest import grid_conditions

CONDITIONS = grid_conditions()[:3]


def test_mistakes_are_read_as_they_were_written(make_workdir):
    workdir = make_workdir(conditions=CONDITIONS)
    found = read_study([workdir]).mistakes
    assert len(found) == 15
    assert found[3].model == "alexnet" and found[3].other == "resnet50"
    assert found[7].example == "test/7" and found[7].label == CONDITIONS[1][3]
    assert found[7].image.shape == (64, 64, 1)
    assert (found[9].true, found[9].given, found[9].other_given) == ("9", "0", "9")
    np.testing.assert_allclose(found[9].confidence, 0.84)


@pytest.mark.slow
def test_mistakes_are_shown_and_told(make_workdir):
    workdir = make_workdir(conditions=CONDITIONS)
    write_report([workdir])
    text = (workdir.report / "report.md").read_text()
    assert "resnet50 took 0 for 1" in text
    assert "| test/7 |" in text and "62.5" in text


@pytest.mark.slow
def test_a_gallery_has_the_damage_below_each_picture(make_workdir):
    workdir = make_workdir(conditions=CONDITIONS)
    study = read_study([workdir])
    assert study.gallery.psnr.shape == study.gallery.images.shape[:2]
    write_report([workdir])
    assert "PSNR and SSIM against the clean image" in (workdir.report / "report.md").read_text()


def forbid_images(workdir):
    config = json.loads((workdir.root / "config.json").read_text())
    config["evaluation"]["show_images"] = False
    (workdir.root / "config.json").write_text(json.dumps(config))


def figure_files(workdir):
    return {path.name for path in (workdir.report / "figures").iterdir()}


PICTURES = {f"{name}.{ending}" for name in ("gallery", "mistakes") for ending in ("png", "svg")}


@pytest.mark.slow
def test_data_that_may_not_be_shown_is_not(make_workdir):
    workdir = make_workdir(conditions=CONDITIONS, n=40)
    write_report([workdir])
    assert figure_files(workdir) >= PICTURES  # of the time when they might be
    others = figure_files(workdir) - PICTURES
    (workdir.report / "figures" / "mine.png").write_text("")
    forbid_images(workdir)
    study = read_study([workdir])
    assert study.gallery is None and study.mistakes == ()
    write_report([workdir])
    assert figure_files(workdir) == others | {"mine.png"}
    check_no_image(workdir, "evaluation.show_images is off in run.")


def check_no_image(workdir, reason):
    text = (workdir.report / "report.md").read_text().replace("\\", "")
    assert f"No test image is shown: {reason}" in text
    assert "gallery" not in text and "confident mistakes" not in text
    page = (workdir.report / "report.html").read_text()
    assert f"No test image is shown: {reason}" in page
    assert "test images under" not in page and "Test images that were misjudged" not in page


@pytest.mark.slow
@pytest.mark.parametrize("forbidding", [0, 1])
def test_one_directory_forbids_the_images_of_all(forbidding, make_workdir):
    both = [make_workdir(name, n=40, conditions=CONDITIONS) for name in "ab"]
    config = json.loads((both[1].root / "config.json").read_text())
    config["training"] = {"epochs": 99}  # so that the models are two of each
    (both[1].root / "config.json").write_text(json.dumps(config))
    study = read_study(both)
    assert study.gallery is not None and study.mistakes and not study.withheld_by
    forbid_images(both[forbidding])
    write_report(both)
    assert not figure_files(both[0]) & PICTURES
    check_no_image(
        both[0],
        f"evaluation.show_images is off in {'ab'[forbidding]}, and the others are of the same",
    )


@pytest.mark.slow
def test_mistakes_of_a_merged_report_are_those_of_every_directory(make_workdir):
    first = make_workdir("a", n=40, conditions=CONDITIONS)
    second = make_workdir("b", n=40, conditions=CONDITIONS)
    config = json.loads((second.root / "config.json").read_text())
    config["training"] = {"epochs": 99}  # so that the models are two of each
    (second.root / "config.json").write_text(json.dumps(config))
    study = read_study([first, second])
    assert set(study.models) == {f"{m} ({w})" for m in ("alexnet", "resnet50") for w in "ab"}
    assert len(study.mistakes) == 30
    for found, source in ((study.mistakes[:15], "a"), (study.mistakes[15:], "b")):
        assert {mistake.source for mistake in found} == {source}
        names = {f"{model} ({source})" for model in ("alexnet", "resnet50")}
        assert {m.model for m in found} == {m.other for m in found} == names
    write_report([first, second])
    text = (first.report / "report.md").read_text()
    for source in "ab":
        assert f"From {source} (seed 0): the surest mistakes of resnet50 ({source})" in text
        assert f"| {source}: clean |" in text
    assert "best model" not in text.partition("## Most confident mistakes")[2]


def test_mistakes_say_of_which_seed_they_are(make_workdir):
    workdir = make_workdir(conditions=CONDITIONS, seeds=(5, 3))
    config = json.loads((workdir.root / "config.json").read_text())
    config["run"]["seeds"] = [5, 3]
    (workdir.root / "config.json").write_text(json.dumps(config))
    found = read_study([workdir]).mistakes
    assert {(mistake.seed, mistake.fold, mistake.source) for mistake in found} == {(5, 0, "")}
    text = about_mistakes(found, folds=False)
    assert text.startswith("From seed 5: the surest mistakes of resnet50, then those that alexnet")


def test_what_is_written_below_pictures_does_not_run_into_the_next(make_workdir):
    names = [f"a class of a long name {i}" for i in range(3)]
    workdir = make_workdir("a", n=30, names=names, conditions=CONDITIONS)
    found = [
        dataclasses.replace(m, model="resnet50_of_a_long_name (a)", other="alexnet_one_tower (a)",
                            source="a", confidence=1.0, other_confidence=0.9999)
        for m in read_study([workdir]).mistakes
    ]  # fmt: skip
    with figure_style():
        figure = mistakes_figure(found)
        figure.draw_without_rendering()
        column = figure.bbox.width / COLUMNS
        for text in figure.texts:
            if text.get_text() not in by_condition(found):
                assert text.get_window_extent().width < column, text.get_text()
    assert "(a)" not in " ".join(words(found[0]))
    assert by_condition(found).keys() == {f"a: {c[3]}" for c in CONDITIONS}
