"""Where a difference is shown: tests by SciPy, Holm's correction by hand, and the words for it."""

import numpy as np
import pytest
from scipy import stats

from lqjax.metrics.accuracy import predictions
from lqjax.reporting.comparison import compare_models
from lqjax.reporting.report import write_report
from lqjax.reporting.significance import (
    AND_RUNS,
    CORRECTED_T,
    GROUPED_FLIPS,
    MCNEMAR,
    SIGN_FLIPS,
)
from lqjax.reporting.study import read_study
from lqjax.reporting.verdict import judge

pytestmark = pytest.mark.usefixtures("undrawn_figures")


def right(workdir, model, condition, seed=0, fold=0):
    run = workdir.run(model, seed, fold)
    return predictions(run.logits(condition)) == run.examples()["labels"]


def mcnemar_of_scipy(first, second):
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    count = only_first + only_second
    if count < 25:
        return stats.binomtest(only_first, count, 0.5).pvalue if count else 1.0
    statistic = max(abs(only_first - only_second) - 1, 0) ** 2 / count
    return stats.chi2.sf(statistic, 1)


def holm_by_hand(p_values):
    """The smallest times their number, the next times one less; never falling, never above 1."""
    adjusted, highest = {}, 0.0
    for rank, (name, value) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        highest = max(highest, min(1.0, value * (len(p_values) - rank)))
        adjusted[name] = highest
    return adjusted


def test_single_runs_are_compared_by_mcnemar_and_corrected_over_the_degraded(make_workdir):
    workdir = make_workdir(models=(("alexnet", 0.86), ("resnet50", 0.93)), n=300)
    comparison = compare_models(read_study([workdir]))
    tests, names = comparison.tests, (comparison.leader, comparison.other)
    assert tests.test == MCNEMAR and tests.count == 12
    raw = {
        cell.condition.name: mcnemar_of_scipy(
            *(right(workdir, model, cell.condition.name) for model in names)
        )
        for cell in comparison.cells
    }
    expected = {"clean": raw.pop("clean"), **holm_by_hand(raw)}
    assert tests.p_values == pytest.approx(expected)
    low = [cell for cell in comparison.cells if expected[cell.condition.name] <= 0.05]
    assert 0 < len(low) < len(comparison.cells)  # the data has both kinds
    ahead = [c for c in low if c.condition.degraded and c.gap.value > 0]
    assert (tests.ahead, tests.undecided) == (len(ahead), 12 - tests.ahead - tests.behind)
    assert all(comparison.shown(cell.condition) == (cell in low) for cell in comparison.cells)


def test_the_verdict_counts_conditions_and_the_table_has_p(make_workdir):
    workdir = make_workdir(models=(("alexnet", 0.86), ("resnet50", 0.93)), n=300)
    study = read_study([workdir])
    comparison = compare_models(study)
    tests = comparison.tests
    sentence = judge(study, comparison).sentence
    assert (
        f"; after Holm's correction at 0.05 resnet50 is better in {tests.ahead} of 12" in sentence
    )
    assert f"no difference is shown in {tests.undecided}" in sentence
    text = (write_report([workdir]).path.parent / "report.md").read_text()
    assert "p, after Holm's correction for 12 degraded conditions, is that of McNemar's" in text
    starred = sum(line.startswith("|") and "] \\* |" in line for line in text.splitlines())
    shown = sum(comparison.shown(cell.condition) for cell in comparison.cells)
    assert starred == 2 * shown  # in the main table and beside the tests


def test_several_seeds_turn_the_signs_of_images(make_workdir):
    workdir = make_workdir(n=60, seeds=(0, 1, 2))
    comparison = compare_models(read_study([workdir]))
    assert comparison.tests.test == SIGN_FLIPS + AND_RUNS
    name, names = "clean", (comparison.leader, comparison.other)
    means = [np.mean([right(workdir, m, name, seed) for seed in range(3)], axis=0) for m in names]
    found = stats.permutation_test(
        means, lambda a, b, axis: np.mean(a - b, axis=axis), permutation_type="samples",
        n_resamples=20_000, vectorized=True, rng=np.random.default_rng(0),
    )  # fmt: skip
    runs = [[right(workdir, m, name, seed).mean() for seed in range(3)] for m in names]
    wanted = max(found.pvalue, stats.ttest_rel(*runs).pvalue)
    assert comparison.tests.p_values[name] == pytest.approx(wanted, abs=0.02)


def test_patients_are_turned_as_a_whole(make_workdir):
    workdir = make_workdir(n=60)
    for model in ("alexnet", "resnet50"):
        run = workdir.run(model, 0)
        examples = run.examples()
        patients = np.array([f"p{i // 3}" for i in range(60)])
        run.write_examples(
            examples["ids"], examples["labels"], tuple(examples["classes"]), patients
        )
    assert compare_models(read_study([workdir])).tests.test == GROUPED_FLIPS


def test_folds_are_compared_by_the_corrected_t(make_workdir):
    workdir = make_workdir(n=50, folds=range(4))
    comparison = compare_models(read_study([workdir]))
    assert comparison.tests.test == CORRECTED_T
    gaps = np.array(
        [
            right(workdir, comparison.leader, "clean", fold=fold).mean()
            - right(workdir, comparison.other, "clean", fold=fold).mean()
            for fold in range(4)
        ]
    )
    statistic = gaps.mean() / np.sqrt(gaps.var(ddof=1) * (1 / 4 + 1 / 3))
    assert comparison.tests.p_values["clean"] == pytest.approx(2 * stats.t.sf(abs(statistic), 3))
