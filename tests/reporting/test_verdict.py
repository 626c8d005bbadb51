"""The sentence that says who won, by how much, and whether it could be chance."""

import json

import numpy as np

from lqjax.reporting.comparison import compare_models
from lqjax.reporting.study import read_study
from lqjax.reporting.terminal import terminal_table
from lqjax.reporting.verdict import judge

CONDITIONS = [
    ("clean", "clean", "", "clean", 0.0, None),
    ("jpeg(quality=10)", "jpeg", "", "JPEG, quality 10", 0.3, 20.0),
]


def answer(*workdirs):
    study = read_study(workdirs)
    comparison = compare_models(study)
    return judge(study, comparison), terminal_table(study, comparison), study


def test_three_models_compare_the_best_with_the_runner_up(make_workdir):
    models = (("alexnet", 0.6), ("resnet18", 0.75), ("resnet50", 0.95))
    verdict, table, _ = answer(make_workdir(models=models, conditions=CONDITIONS))
    assert verdict.winner == "resnet50"
    assert verdict.sentence.startswith(
        "For these three trained networks (one run each), resnet50 classified "
    )
    assert "than resnet18, the runner-up (1 condition, 360 images)" in verdict.sentence
    assert table.splitlines()[0].split()[2:5] == ["alexnet", "resnet18", "resnet50"]


def test_an_untrained_model_comes_first_and_nobody_wins(make_workdir):
    models = (("alexnet", 0.05), ("resnet50", 0.95))
    verdict, _, _ = answer(make_workdir(models=models, conditions=CONDITIONS))
    assert verdict.sentence.startswith("Not trained: clean images do not show alexnet (")
    assert "no winner is named" in verdict.sentence
    assert not verdict.winner


def test_equal_models_show_no_difference(make_workdir):
    models = (("a_model", 0.8), ("b_model", 0.8))
    verdict, _, _ = answer(make_workdir(models=models, conditions=CONDITIONS))
    assert "no difference is shown on the degraded images" in verdict.sentence
    assert verdict.headline == "No difference is shown"
    assert not verdict.winner


def test_the_other_model_may_lead_on_clean_images(make_workdir):
    study = read_study([make_workdir(n=2000, gallery=False, conditions=CONDITIONS)])
    right, half = study.labels, np.where(np.arange(2000) % 2, study.labels, 9 - study.labels)
    for model, clean, degraded in (("alexnet", right, half), ("resnet50", half, right)):
        predicted = study.networks[model][0].predicted
        predicted["clean"], predicted["jpeg(quality=10)"] = clean, degraded
    verdict = judge(study, compare_models(study))
    assert verdict.winner == "resnet50"
    assert verdict.sentence.endswith(
        "; on clean images alexnet is ahead (50.0 points [47.8, 52.2])."
    )


def test_several_runs_are_counted_and_averaged(make_workdir):
    verdict, table, study = answer(make_workdir(seeds=(0, 1, 2), conditions=CONDITIONS))
    assert verdict.sentence.startswith(
        "For these trained networks (3 runs of alexnet and 3 runs of resnet50), resnet50 "
    )
    mean = np.mean([run.rows["clean"].accuracy for run in study.networks["alexnet"]])
    assert f"{100 * mean:.1f} [" in table.splitlines()[2]


def test_an_unknown_history_is_no_verdict_on_training(make_workdir):
    verdict, _, _ = answer(make_workdir(extras=False, gallery=False, conditions=CONDITIONS))
    assert verdict.sentence.startswith("For these two trained networks (one run each), ")


def test_another_seed_elsewhere_is_another_run_only_under_the_same_settings(make_workdir):
    one = {"models": (("alexnet", 0.8),), "conditions": CONDITIONS, "gallery": False}
    first = make_workdir("first", **one)
    second = make_workdir("second", seeds=(1,), **one)
    assert answer(first, second)[0].sentence.startswith("For 2 runs of one network")
    config = json.loads((second.root / "config.json").read_text())
    config["optimizer"]["learning_rate"] = 0.1
    (second.root / "config.json").write_text(json.dumps(config))
    assert "alexnet (second)" in answer(first, second)[0].sentence


def test_a_condition_that_only_one_model_finished_has_no_gap(make_workdir):
    workdir = make_workdir(gallery=False)
    for path in (workdir.root / "runs/resnet50/seed0-fold0/conditions").iterdir():
        if "jpeg_high" in path.name:
            path.unlink()
    verdict, table, _ = answer(workdir)
    line = next(line for line in table.splitlines() if line.startswith("JPEG, high"))
    assert line.split()[-2:] == ["-", "-"]
    assert "mean over 11 conditions" in verdict.sentence
