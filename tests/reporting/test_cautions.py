"""What a report says about how its runs were put together, and what counts as one model."""

import json
import shutil

import numpy as np
import pytest

from lqjax.cli import main
from lqjax.reporting.cautions import cautions
from lqjax.reporting.opening import opened_study
from lqjax.workdir import Workdir
from tests.blank_figures import blank_figures
from tests.reporting.test_predictions import TWO, lines_of, write_table


def two(make_workdir, first, second, models=(("alexnet",), ("resnet50",)), seeds=((0,), (0,))):
    """Make two working directories whose settings differ."""
    made = []
    settings = zip(("a", "b"), (first, second), models, seeds, strict=True)
    for name, changes, trained, drawn in settings:
        strengths = [(model, 0.8 + 0.1 * (name == "b")) for model in trained]
        workdir = make_workdir(name, models=strengths, conditions=TWO, n=60, seeds=drawn)
        path = workdir.root / "config.json"
        config = json.loads(path.read_text())
        config["overrides"] = {}
        for place, value in changes.items():
            group, _, field = place.partition(".")
            config[group] = value if not field else {**config[group], field: value}
        path.write_text(json.dumps(config))
        made.append(workdir)
    return made


def said(workdirs, predictions=()):
    with opened_study(workdirs, predictions) as study:
        return cautions(study)


@blank_figures()
def test_other_noise_is_said_on_page_and_screen(make_workdir, capsys):
    seeds = [{"evaluation.degradation_seed": seed} for seed in (0, 7)]
    workdirs = two(make_workdir, *seeds)
    words = "evaluation.degradation_seed differs (0 in a; 7 in b)"
    assert main(["--mode=report", f"--workdir={workdirs[0].root},{workdirs[1].root}"]) == 0
    assert words in capsys.readouterr().out
    page = (workdirs[0].report / "report.md").read_text()
    assert words in page.replace("\\", "")


def test_the_same_noise_needs_no_word(make_workdir):
    assert said(two(make_workdir, {}, {})) == ()


def test_a_condition_that_predictions_alone_have_is_named(make_workdir, tmp_path):
    workdir = make_workdir("a", models=(("alexnet", 0.8),), conditions=TWO, n=60)
    lines = [{**line, "prediction": line["label"]} for line, _ in lines_of(workdir.runs()[0])]
    path = write_table(tmp_path / "mine.csv", lines)
    assert said([workdir], [path]) == ()
    lines += [
        {**line, "condition": "low_quality/jpeg@3"}
        for line in lines
        if line["condition"] == "clean"
    ]
    (caution,) = said([workdir], [write_table(path, lines)])
    assert caution.startswith("Only mine (mine.csv) was tested under 'low_quality/jpeg@3'")
    assert "nearest to the first: 'low_quality/jpeg@low'" in caution


def names(workdirs):
    with opened_study(workdirs) as study:
        return set(study.models)


def rate(value, **overrides):
    return {"optimizer.learning_rate": value, "overrides": overrides}


def test_one_rate_is_one_recipe_whatever_the_base_rate(make_workdir):
    same = {"models": (("resnet50@0.1",), ("resnet50@0.1",)), "seeds": ((0,), (1,))}
    assert names(two(make_workdir, rate(0.5), rate(0.02), **same)) == {"resnet50@0.1"}


def test_a_rate_by_override_is_the_rate(make_workdir):
    same = {"models": (("resnet50",), ("resnet50",)), "seeds": ((0,), (1,))}
    own = rate(0.5, resnet50={"optimizer.learning_rate": 0.02})
    assert names(two(make_workdir, own, rate(0.02), **same)) == {"resnet50"}


def test_another_rate_is_another_recipe(make_workdir):
    same = {"models": (("resnet50",), ("resnet50",)), "seeds": ((0,), (1,))}
    apart = {"resnet50 (a)", "resnet50 (b)"}
    assert names(two(make_workdir, rate(0.5), rate(0.02), **same)) == apart


def test_another_setting_is_another_recipe_whatever_the_rate(make_workdir):
    same = {"models": (("resnet50@0.1",), ("resnet50@0.1",)), "seeds": ((0,), (1,))}
    other = {**rate(0.5), "training": {"epochs": 9}}
    assert len(names(two(make_workdir, rate(0.5), other, **same))) == 2


def test_a_copy_beside_the_original_is_told(make_workdir, tmp_path):
    first, second = two(make_workdir, {}, {}, models=(("alexnet",), ("alexnet",)))
    assert said([first, second]) == ()  # 80 and 90 %
    copy = tmp_path / "copy"
    shutil.copytree(first.root, copy)
    (caution,) = said([first, Workdir.at(copy)])
    assert caution.startswith("All answers of alexnet (a) and alexnet (copy) are equal, ")


@pytest.mark.parametrize("by_fold", [True, False])
def test_groups_that_straddle_folds_are_named(make_workdir, by_fold):
    fixed = {"conditions": TWO, "gallery": False}
    workdir = make_workdir("a", models=(("alexnet", 0.8),), n=60, folds=range(3), **fixed)
    for run in workdir.runs():
        examples = run.examples()
        groups = np.array([f"g{i // 20 + 3 * run.fold * by_fold}" for i in range(60)])
        run.write_examples(examples["ids"], examples["labels"], tuple(examples["classes"]), groups)
    found = said([workdir])
    if by_fold:
        assert found == ()
    else:
        assert len(found) == 1
        words = "Group g0 is tested in folds 0, 1 and 2, and 2 more groups in several: "
        assert found[0].startswith(words)
