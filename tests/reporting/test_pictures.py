"""Which test images a report shows, and which it does not."""

import json

import numpy as np

from lqjax.reporting.report import write_report
from lqjax.reporting.study import read_study
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


def test_mistakes_are_shown_and_told(make_workdir):
    workdir = make_workdir(conditions=CONDITIONS)
    write_report([workdir])
    text = (workdir.report / "report.md").read_text()
    assert "resnet50 took 0 for 1" in text
    assert "| test/7 |" in text and "62.5" in text


def test_a_gallery_has_the_damage_below_each_picture(make_workdir):
    workdir = make_workdir(conditions=CONDITIONS)
    study = read_study([workdir])
    assert study.gallery.psnr.shape == study.gallery.images.shape[:2]
    write_report([workdir])
    assert "PSNR and SSIM against the clean image" in (workdir.report / "report.md").read_text()


def test_data_that_may_not_be_shown_is_not(make_workdir):
    workdir = make_workdir(conditions=CONDITIONS)
    config = json.loads((workdir.root / "config.json").read_text())
    config["evaluation"]["show_images"] = False
    (workdir.root / "config.json").write_text(json.dumps(config))
    study = read_study([workdir])
    assert study.gallery is None and study.mistakes == ()
    write_report([workdir])
    names = {path.name for path in (workdir.report / "figures").iterdir()}
    assert not {"gallery.png", "mistakes.png"} & names
