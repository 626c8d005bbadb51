"""The sentence that says who won, by how much, and whether it could be chance."""

import json

import numpy as np
import pytest
from scipy import stats

from lqjax.reporting.comparison import compare_models
from lqjax.reporting.protocol import coverage
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
    assert verdict.sentence.startswith("Over 3 training runs of each, resnet50 classified ")
    mean = np.mean([run.rows["clean"].accuracy for run in study.networks["alexnet"]])
    assert f"{100 * mean:.1f} [" in table.splitlines()[2]


@pytest.mark.parametrize(
    "seeds, begins",
    [
        ((0,), "two trained networks (one run each)"),
        ((0, 1), "four trained networks (two runs of each)"),
    ],
)
def test_fewer_than_three_seeds_speak_of_these_networks_only(make_workdir, seeds, begins):
    verdict, _, study = answer(make_workdir(seeds=seeds, conditions=CONDITIONS))
    assert verdict.sentence.startswith(f"For these {begins}, resnet50 ")
    comparison = compare_models(study)
    assert comparison.retrained is None
    assert "not what another training run would give" in coverage(study, comparison)


def test_three_seeds_of_one_model_are_too_few_while_the_other_has_one(make_workdir):
    first = make_workdir("a", models=(("alexnet", 0.6),), seeds=(0, 1, 2), conditions=CONDITIONS)
    second = make_workdir("b", models=(("resnet50", 0.95),), conditions=CONDITIONS)
    verdict, _, _ = answer(first, second)
    assert verdict.sentence.startswith(
        "For these four trained networks (3 runs of alexnet and 1 run of resnet50), resnet50 "
    )


def gaps_by_seed(study, condition):
    """Return leader minus other of each pair of runs, straight from their answers."""
    by_seed = [
        {run.seed: np.mean(run.predicted[condition] == study.labels) for run in runs}
        for runs in (study.networks["resnet50"], study.networks["alexnet"])
    ]
    return np.array([by_seed[0][seed] - by_seed[1][seed] for seed in by_seed[0]])


def test_three_seeds_say_what_training_again_gives(make_workdir):
    verdict, _, study = answer(make_workdir(seeds=(0, 1, 2), conditions=CONDITIONS))
    gaps = gaps_by_seed(study, "jpeg(quality=10)")
    ends = stats.t.interval(0.95, 2, gaps.mean(), stats.sem(gaps))
    retrained = compare_models(study).retrained
    assert retrained == pytest.approx((gaps.mean(), *ends))
    assert verdict.winner == "resnet50"
    assert f"over training runs the gap is {100 * gaps.mean():.1f} points" in verdict.sentence
    assert "covers training again" in coverage(study, compare_models(study))


def test_nobody_wins_where_training_again_may_turn_it(make_workdir):
    study = read_study([make_workdir(seeds=(0, 1, 2), n=2000, conditions=CONDITIONS[1:])])
    wrong = (study.labels + 1) % 10
    for seed, count in enumerate((100, 400, 1600)):
        for model, right in (("resnet50", count), ("alexnet", 100)):
            answers = np.where(np.arange(2000) < right, study.labels, wrong)
            study.networks[model][seed].predicted["jpeg(quality=10)"] = answers
    comparison = compare_models(study)
    assert comparison.mean_gap.low > 0 > comparison.retrained.low
    verdict = judge(study, comparison)
    assert not verdict.winner and "is ahead" not in verdict.headline
    assert "but training again may turn this" in verdict.sentence


def test_an_unknown_history_is_no_verdict_on_training(make_workdir):
    verdict, _, _ = answer(make_workdir(extras=False, gallery=False, conditions=CONDITIONS))
    assert verdict.sentence.startswith("For these two trained networks (one run each), ")


def test_another_seed_elsewhere_is_another_run_only_under_the_same_settings(make_workdir):
    one = {"models": (("alexnet", 0.8),), "conditions": CONDITIONS, "gallery": False}
    first = make_workdir("first", **one)
    second = make_workdir("second", seeds=(1,), **one)
    assert answer(first, second)[0].sentence.startswith("For 2 runs of one network")
    config = json.loads((second.root / "config.json").read_text())
    config["optimizer"]["learning_rate"] = 0.1  # alexnet has one of its own
    (second.root / "config.json").write_text(json.dumps(config))
    assert answer(first, second)[0].sentence.startswith("For 2 runs of one network")
    config["overrides"]["alexnet"]["optimizer.learning_rate"] = 0.1
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


def clean_alone(study, comparison):
    """Return what the sentence says of clean images."""
    return judge(study, comparison).sentence.rpartition("; on clean images ")[2]


def test_clean_images_say_why_nothing_is_shown_by_mcnemar(make_workdir):
    study = read_study([make_workdir(n=1000, gallery=False, conditions=CONDITIONS)])
    only = {"resnet50": np.arange(1000) < 20, "alexnet": np.arange(1000) >= 991}  # 20 against 9
    for model, alone in only.items():
        right = alone | ((np.arange(1000) >= 20) & (np.arange(1000) < 991))
        answers = np.where(right, study.labels, (study.labels + 1) % 10)
        study.networks[model][0].predicted["clean"] = answers
    comparison = compare_models(study)
    p_value = stats.chi2.sf((20 - 9 - 1) ** 2 / 29, 1)
    assert p_value > 0.05 and comparison.clean.gap.low > 0
    assert clean_alone(study, comparison).startswith("no difference is shown (1.1 points [")
    assert clean_alone(study, comparison).endswith(f"; p = {p_value:.3f} by McNemar's test).")


def test_clean_images_say_why_nothing_is_shown_over_training_runs(make_workdir):
    study = read_study([make_workdir(seeds=(0, 1, 2), n=1000, conditions=CONDITIONS)])
    for model, counts in (("resnet50", (900, 700, 980)), ("alexnet", (600, 690, 620))):
        for run, count in zip(study.networks[model], counts, strict=True):
            right = np.arange(1000) < count
            run.predicted["clean"] = np.where(right, study.labels, (study.labels + 1) % 10)
    comparison = compare_models(study)
    low, high = stats.ttest_1samp([0.3, 0.01, 0.36], 0).confidence_interval(0.95)
    assert comparison.clean.gap.low > 0 > low
    said = f"; over training runs [{100 * low:.1f}, {100 * high:.1f}])."
    assert clean_alone(study, comparison).endswith(said)
