"""What a verdict must not claim: of other conditions, few groups, few runs, or one run twice."""

import csv
import dataclasses

import numpy as np
import pytest
from scipy import stats

from lqjax.reporting.comparison import compare_models
from lqjax.reporting.content import compose
from lqjax.reporting.learning_rates import best_rates
from lqjax.reporting.report import write_report
from lqjax.reporting.robustness_reference import own_reference
from lqjax.reporting.study import read_study
from lqjax.reporting.verdict import judge
from tests.reporting.conftest import LEVELLED, build, grid_conditions, set_in_config

pytestmark = pytest.mark.usefixtures("undrawn_figures")

PAIR = grid_conditions()[:2]
LEVELLED_BOTH = {"alexnet": LEVELLED, "resnet50": LEVELLED}


def in_groups(study, groups):
    return dataclasses.replace(study, tested=dataclasses.replace(study.tested, groups=groups))


def answering(study, right):
    """Let each run answer as `right(model, seed, condition)` says: a bool per image."""
    for model, runs in study.networks.items():
        for run in runs:
            for condition in run.rows:
                good = right(model, run.seed, condition)
                answers = np.where(good, study.labels, (study.labels + 1) % 10)
                run.predicted[condition] = answers.astype(np.int32)
    return study


def study_of(path, **choices):
    given = {"gallery": False, "conditions": PAIR, "histories": LEVELLED_BOTH, **choices}
    return read_study([build(path, **given)])


def test_who_was_tested_on_harder_images_is_not_behind_for_that(tmp_path):
    first = build(tmp_path / "a", models=(("alexnet", 0.97),), gallery=False, conditions=PAIR)
    second = build(
        tmp_path / "b", models=(("resnet50", 0.9),), gallery=False, conditions=PAIR[:1],
        histories=LEVELLED_BOTH,
    )  # fmt: skip
    study = read_study([first, second])
    few, many = np.arange(360) % 10 < 8, np.arange(360) % 10 < 9
    none = np.zeros(360, bool)
    answering(study, lambda model, _, c: few if model == "resnet50" else many & (c == "clean"))
    assert study.correct("alexnet", study.conditions[1]).mean() == none.mean()
    comparison = compare_models(study)
    assert (comparison.leader, comparison.other) == ("alexnet", "resnet50")
    assert comparison.cells[0].gap.value == pytest.approx(0.1)
    verdict = judge(study, comparison)
    assert verdict.headline == "alexnet is ahead by 10.0 points"
    assert "10.0 points" in verdict.sentence and "of the clean images" in verdict.sentence


def test_a_directory_counts_once(tmp_path):
    workdir = build(tmp_path / "run", gallery=False, conditions=PAIR)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "run")
    for again in (workdir, type(workdir).at(f"{tmp_path}/run/"), type(workdir).at(link)):
        with pytest.raises(ValueError, match="is given twice; name each working directory once"):
            read_study([workdir, again])


@pytest.mark.parametrize(("count", "winner"), [(3, ""), (40, "resnet50")])
def test_few_groups_do_not_name_a_winner(count, winner, tmp_path):
    # In every group the first is better, by one, two or four in ten.
    groups = np.array([f"p{i % count}" for i in range(360)])
    study = in_groups(study_of(tmp_path / "run"), groups)
    place = np.arange(360) // count % 10
    shares = {"resnet50": np.array([9, 9, 8]), "alexnet": np.array([8, 7, 4])}
    of_group = np.arange(360) % count % 3
    answering(study, lambda model, *_: place < shares[model][of_group])
    comparison = compare_models(study)
    assert comparison.mean_gap.excludes_zero()
    # Of 2^n arrangements of the signs of n groups two are as large: all as they are, all turned.
    expected = 2 / 2**count if count < 10 else pytest.approx(0, abs=1e-3)
    assert comparison.by_group == expected
    verdict = judge(study, comparison)
    assert verdict.winner == winner
    if not winner:
        assert "3 groups of images do not exclude chance (p = 0.250" in verdict.sentence
        assert verdict.headline == "No difference is shown over groups of images"
        tiles = compose_tiles(study, comparison, verdict)
        assert tiles["Could it be chance?"].value == "Not decided"


def compose_tiles(study, comparison, verdict):
    from lqjax.reporting.findings import find

    page = compose(study, comparison, verdict, find(study, comparison), {})
    return {tile.term: tile for tile in page.tiles.tiles}


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_two_groups_do_not_make_a_network_untrained(seeds, tmp_path):
    groups = np.array([f"p{i % 2}" for i in range(360)])
    study = in_groups(study_of(tmp_path / "run", seeds=seeds), groups)
    share = {"alexnet": 5, "resnet50": 10}
    answering(study, lambda model, *_: np.arange(360) // 2 % 10 < share[model])
    assert study.correct("resnet50", study.conditions[0]).all()
    verdict = judge(study, compare_models(study))
    assert "Not trained" not in verdict.sentence and not verdict.winner
    assert verdict.headline == "No difference is shown"
    # Always the same answer, or nearly so, is not trained, whatever the groups.
    one = study.labels == 0
    answering(study, lambda model, *_: one if model == "alexnet" else np.ones(360, bool))
    verdict = judge(study, compare_models(study))
    assert verdict.sentence.startswith("Not trained: clean images do not show alexnet (10.0 %) to")


def test_images_of_one_patient_name_no_winner(tmp_path):
    study = in_groups(study_of(tmp_path / "run"), np.full(360, "patient1"))
    verdict = judge(study, compare_models(study))
    assert verdict.winner == "" and verdict.headline == "One group: no winner is named"
    assert "all 360 test images belong to patient1" in verdict.sentence


def test_conditions_are_starred_only_if_training_again_would_show_it_too(tmp_path):
    # One of three training runs of resnet50 fails: the images are sure, the runs are not.
    study = study_of(tmp_path / "run", seeds=(0, 1, 2))
    shares = {"alexnet": (5, 5, 5), "resnet50": (9, 9, 4)}
    place = np.arange(360) % 10
    answering(study, lambda model, seed, _: place < shares[model][seed])
    comparison = compare_models(study)
    wanted = stats.ttest_rel((0.9, 0.9, 0.4), (0.5, 0.5, 0.5)).pvalue
    found = comparison.tests.p_values
    assert found["clean"] == pytest.approx(wanted)
    assert list(found.values())[1] == pytest.approx(wanted)  # Holm over one condition
    assert not any(comparison.shown(cell.condition) for cell in comparison.cells)
    assert "on clean images no difference is shown" in judge(study, comparison).sentence


def test_no_share_is_below_zero_or_above_one(tmp_path):
    study = study_of(tmp_path / "run", n=40, folds=(0, 1))
    numbers = {0: 40, 1: 28}

    def right(model, fold):
        return np.arange(40) < (numbers[fold] if model == "resnet50" else 20)

    for model, runs in study.networks.items():
        for run in runs:
            labels = study.labels[study.tested.rows[run.fold]]
            answers = np.where(right(model, run.fold), labels, (labels + 1) % 10)
            run.predicted.update(dict.fromkeys(run.rows, answers.astype(np.int32)))
    comparison = compare_models(study)
    for cell in comparison.cells:
        assert all(0 <= found.low <= found.high <= 1 for found in cell.accuracy.values())
        assert -1 <= cell.gap.low <= cell.gap.high <= 1
    assert comparison.mean["resnet50"].high == 1
    assert not judge(study, comparison).headline.startswith("Not trained")


def test_of_several_rates_the_best_by_validation_stands_for_a_network(tmp_path):
    rising = {"small@0.001": LEVELLED, "small@0.1": (0.1, 0.1, 0.1, 0.1), "alexnet": LEVELLED}
    models = (("small@0.001", 0.8), ("small@0.1", 0.9), ("alexnet", 0.7))
    study = study_of(tmp_path / "run", models=models, histories=rising)
    comparison = compare_models(study)
    # On the test images 0.1 is better; the validation, 7 % there, is what may choose.
    assert comparison.mean["small@0.1"].value > comparison.mean["small@0.001"].value
    assert (comparison.leader, comparison.other) == ("small@0.001", "alexnet")
    text = best_rates(study)
    assert text.startswith("Best by validation accuracy: small with learning rate 0.001 (95.8 %).")
    assert own_reference(("alexnet@0.1", "resnet18")) == "alexnet@0.1"


@pytest.mark.slow
def test_the_main_table_is_a_file_as_well(tmp_path):
    workdir = build(tmp_path / "run", gallery=False, seeds=(0, 1))
    write_report([workdir])
    comparison = compare_models(read_study([workdir]))
    with (workdir.report / "comparison.csv").open() as file:
        rows = list(csv.DictReader(file))
    gaps = {row["condition"]: row for row in rows if row["measure"] == "gap"}
    assert list(gaps) == [cell.condition.name for cell in comparison.cells] + [
        "mean of the degraded"
    ]
    for cell in comparison.cells:
        row = gaps[cell.condition.name]
        assert (row["model"], row["other"]) == (comparison.leader, comparison.other)
        found = tuple(float(row[name]) for name in ("value", "low", "high"))
        assert found == pytest.approx(tuple(cell.gap))
        assert float(row["p"]) == pytest.approx(comparison.tests.p_values[cell.condition.name])
        (mine,) = [
            r for r in rows
            if (r["condition"], r["measure"], r["model"])
            == (cell.condition.name, "accuracy", "alexnet")
        ]  # fmt: skip
        assert float(mine["deviation"]) == pytest.approx(cell.deviation["alexnet"])
    assert float(gaps["mean of the degraded"]["value"]) == pytest.approx(comparison.mean_gap.value)


@pytest.mark.parametrize("planned", [4, 5])
def test_an_unfinished_cross_validation_names_no_winner(planned, tmp_path):
    workdir = build(tmp_path / "run", n=90, folds=range(4), gallery=False, conditions=PAIR)
    set_in_config(workdir, "data", folds=planned)
    study = read_study([workdir])
    verdict = judge(study, compare_models(study))
    if planned == 4:
        assert "Unfinished" not in verdict.sentence
    else:
        assert verdict.winner == ""
        assert verdict.headline == "Unfinished: no winner is named"
        assert verdict.sentence.startswith(
            "Unfinished: 4 of 5 folds have been tested, so no winner"
        )
