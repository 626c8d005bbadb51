"""A run that was cut off is said to be one, and what is missing is named."""

import json

import pytest

from lqjax.imaging.conditions import expand
from lqjax.imaging.suites import SUITES
from lqjax.reporting.cautions import cautions
from lqjax.reporting.comparison import compare_models
from lqjax.reporting.opening import opened_study
from lqjax.reporting.planned_conditions import planned_conditions
from lqjax.reporting.verdict import judge
from lqjax.rows import Divergence
from lqjax.workdir import Workdir
from tests.reporting.conftest import LEVELLED, grid_conditions, set_in_config
from tests.reporting.test_predictions import lines_of, write_table

GRID = grid_conditions()
FIXED = {"n": 120, "gallery": False, "histories": {"alexnet": LEVELLED, "resnet50": LEVELLED}}
FAR_APART = (("alexnet", 0.6), ("resnet50", 0.97))


def answer(*workdirs, predictions=()):
    with opened_study(workdirs, predictions) as study:
        return judge(study, compare_models(study)), cautions(study)


def made(make_workdir, name="run", **choices):
    return make_workdir(name, **{"models": FAR_APART, "conditions": GRID[:3], **FIXED, **choices})


def test_what_is_whole_is_not_unfinished(make_workdir):
    verdict, said = answer(made(make_workdir, conditions=None))
    assert said == () and verdict.winner == "resnet50"


def test_conditions_that_are_missing_are_counted_and_named(make_workdir):
    workdir = made(make_workdir)
    set_in_config(workdir, "evaluation", conditions=["clean", "low_quality/*"])
    verdict, (caution,) = answer(workdir)
    assert verdict.winner == "" and verdict.headline == "Unfinished: no winner is named"
    assert verdict.sentence.startswith("Unfinished: 3 of 13 conditions have been tested, so no")
    assert caution.startswith(
        "Unfinished: 3 of 13 conditions have been tested (missing conditions:"
        " low_quality/gaussian_noise@high, "
    )
    assert caution.endswith(
        f"and 4 more). The same command goes on (--workdir={workdir.root})."
    )  # ten are missing, six named


def test_a_condition_of_one_run_is_missing_too(make_workdir):
    workdir = made(make_workdir, seeds=(0, 1, 2))
    for path in (workdir.root / "runs/alexnet/seed2-fold0/conditions").iterdir():
        if "medium" in path.name:
            path.unlink()
    verdict, (caution,) = answer(workdir)
    assert verdict.winner == "" and "Unfinished: 2 of 3 conditions" in verdict.sentence
    assert "(missing conditions: low_quality/gaussian_noise@medium)" in caution


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)])
def test_missing_seeds_are_said_and_do_not_stop_the_verdict(make_workdir, seeds):
    workdir = made(make_workdir, seeds=seeds)
    set_in_config(workdir, "run", seeds=[0, 1, 2, 3, 4])
    verdict, (caution,) = answer(workdir)
    assert verdict.winner == "resnet50"
    assert caution.startswith(f"Unfinished: {len(seeds)} of 5 seeds have been tested (missing")


def test_a_model_that_is_missing_stops_the_verdict(make_workdir):
    workdir = made(make_workdir)
    set_in_config(workdir, "model", names=["alexnet", "resnet50", "resnet18"])
    verdict, (caution,) = answer(workdir)
    assert verdict.winner == ""
    assert "Unfinished: 2 of 3 models have been tested (missing models: resnet18)" in caution


def test_folds_of_one_model_are_missing_too(make_workdir):
    workdir = made(make_workdir, folds=range(4))
    set_in_config(workdir, "data", folds=4)
    assert answer(workdir)[1] == ()
    gone = workdir.root / "runs/alexnet/seed0-fold3"
    gone.rename(workdir.root / "lost")
    verdict, (caution,) = answer(workdir)
    assert verdict.winner == ""
    assert caution.startswith("Unfinished: 3 of 4 folds have been tested (missing folds: 3)")


def test_earlier_seeds_beside_those_of_the_settings_are_no_gap(make_workdir):
    workdir = made(make_workdir, seeds=(0, 1, 2))
    set_in_config(workdir, "run", seeds=[2])
    assert answer(workdir)[1] == ()


def test_what_another_directory_has_is_there(make_workdir):
    first = made(make_workdir, "a", models=FAR_APART[:1], seeds=(0, 1))
    second = made(make_workdir, "b", models=FAR_APART[1:], seeds=(0, 1))
    for workdir in (first, second):
        set_in_config(workdir, "model", names=["alexnet", "resnet50"])
        set_in_config(workdir, "run", seeds=[0, 1])
    assert answer(first, second)[1] == ()
    assert "1 of 2 models" in answer(first)[1][0]


def test_what_diverged_misses_nothing(make_workdir):
    models = (("alexnet@0.1", 0.6), ("alexnet@0.01", 0.7), ("resnet50@0.1", 0.97))
    workdir = made(make_workdir, models=models)
    set_in_config(workdir, "model", names=["alexnet", "resnet50"])
    set_in_config(workdir, "run", learning_rates=[0.1, 0.01])
    assert "3 of 4 models have been tested (missing models: resnet50@0.01)" in answer(workdir)[1][0]
    workdir.run("resnet50@0.01", 0).write_divergence(
        Divergence("resnet50@0.01", 0, 0, 7, 0.01, 9.0)
    )
    said = answer(workdir)[1]
    assert len(said) == 1 and said[0].startswith("Diverged")


def test_predictions_of_other_code_have_no_plan(make_workdir, tmp_path):
    workdir = made(make_workdir, models=FAR_APART[:1])
    lines = [{**line, "prediction": line["label"]} for line, _ in lines_of(workdir.runs()[0])]
    few = [line for line in lines if line["condition"] == "clean"]
    said = answer(workdir, predictions=[write_table(tmp_path / "mine.csv", few)])[1]
    assert not any("Unfinished" in one for one in said)


@pytest.mark.parametrize(
    "pattern", ["clean", "low_quality/*", "imagenet_c/fog", "cifar10_c/*@3", "*/jpeg@high"]
)
def test_tables_tell_what_the_grammar_tells(pattern, tmp_path):
    try:
        expected = tuple(condition.name for condition in expand([pattern]))
    except ValueError:
        expected = ()
    assert planned_conditions(Workdir.at(tmp_path), [pattern]) == expected
    assert pattern.startswith("*") or expected


def test_every_suite_is_told_whole(tmp_path):
    for suite in SUITES.names():
        expected = tuple(condition.name for condition in expand([f"{suite}/*"]))
        assert planned_conditions(Workdir.at(tmp_path), [f"{suite}/*"]) == expected


def test_what_is_kept_tells_the_rest(tmp_path):
    workdir, asked = Workdir.at(tmp_path), ("jpeg( quality = 40 )", "clean")
    assert planned_conditions(workdir, asked) == ("clean",)
    names = [condition.name for condition in expand(asked)]
    workdir.write_planned(asked, names)
    assert planned_conditions(workdir, list(asked)) == ("jpeg(quality=40)", "clean")
    assert planned_conditions(workdir, ["clean"]) == ("clean",)
    for damaged in ("[]", "{", json.dumps({"asked": list(asked)})):
        (tmp_path / "conditions.json").write_text(damaged)
        assert planned_conditions(workdir, asked) == ("clean",)
