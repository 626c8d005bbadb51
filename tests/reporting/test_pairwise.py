"""Every pair of networks: tests and sizes by SciPy, corrections by hand, and the words for them."""

import csv
import itertools

import numpy as np
import pytest
from scipy import special, stats

from lqjax.metrics.accuracy import predictions
from lqjax.metrics.permutation import MOST_ENUMERATED, sign_flip_test
from lqjax.reporting import pairwise_section, sign_flips
from lqjax.reporting.comparison import compare_models
from lqjax.reporting.findings import find, write_findings
from lqjax.reporting.loss_tests import loss_tests
from lqjax.reporting.outcomes_in_words import correction, outcome, outcome_of_first
from lqjax.reporting.pairwise import compare_pairs
from lqjax.reporting.pairwise_tables import answers_table, pairs_table
from lqjax.reporting.significance import Significance
from lqjax.reporting.study import read_study
from lqjax.reporting.tables import study_table
from lqjax.reporting.verdict import judge
from lqjax.rows import from_json, to_json
from tests.reporting.conftest import LEVELLED, build, grid_conditions

pytestmark = pytest.mark.usefixtures("undrawn_figures")

THREE = (("alexnet", 0.75), ("resnet18", 0.85), ("resnet50", 0.93))
FEW = grid_conditions()[:3]


def right(workdir, model, condition, seed=0, fold=0):
    run = workdir.run(model, seed, fold)
    return predictions(run.logits(condition)) == run.examples()["labels"]


def losses(workdir, model, condition, seed=0):
    run = workdir.run(model, seed, 0)
    logs = special.log_softmax(run.logits(condition).astype(np.float64), axis=1)
    return -logs[np.arange(len(logs)), run.examples()["labels"]]


def mcnemar_of_scipy(only_first, only_second):
    count = only_first + only_second
    if count < 25:
        return stats.binomtest(only_first, count, 0.5).pvalue if count else 1.0
    return stats.chi2.sf(max(abs(only_first - only_second) - 1, 0) ** 2 / count, 1)


def holm_by_definition(values):
    """Return of each test the largest (m - rank) p over the tests up to it, at most 1."""
    ordered = sorted(values)
    scaled = [(len(values) - rank) * value for rank, value in enumerate(ordered)]
    return [min(1.0, max(scaled[: ordered.index(value) + 1])) for value in values]


def lines_of(workdir, folder):
    study = read_study([workdir])
    folder.mkdir()
    write_findings(find(study, compare_models(study)), folder)
    with (folder / "tests.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """A comparison of three networks and its lines of tests.csv."""
    folder = tmp_path_factory.mktemp("three")
    histories = {model: LEVELLED for model, _ in THREE}
    workdir = build(folder / "run", models=THREE, n=240, gallery=False, histories=histories)
    return workdir, lines_of(workdir, folder / "out")


def numbers(lines, name):
    return np.array([float(line[name]) for line in lines])


def test_every_pair_is_tested_in_every_condition_the_better_first(three):
    _, lines = three
    pairs = dict.fromkeys((line["model"], line["other"]) for line in lines)
    assert list(pairs) == [
        ("resnet50", "resnet18"), ("resnet50", "alexnet"), ("resnet18", "alexnet"),
    ]  # fmt: skip
    assert len(lines) == 3 * 13


def test_corrections_are_over_the_conditions_of_all_pairs(three):
    workdir, lines = three
    for line in lines:
        both = [right(workdir, line[name], line["condition"]) for name in ("model", "other")]
        alone = int((both[0] & ~both[1]).sum()), int((both[1] & ~both[0]).sum())
        assert (int(line["only_model"]), int(line["only_other"])) == alone
        assert float(line["gap"]) == pytest.approx(both[0].mean() - both[1].mean())
        assert float(line["p"]) == pytest.approx(mcnemar_of_scipy(*alone))
        assert line["mcnemar"] == ("exact" if sum(alone) < 25 else "chi-square")
    clean = [line for line in lines if line["condition"] == "clean"]
    degraded = [line for line in lines if line["condition"] != "clean"]
    for family, size in ((clean, 3), (degraded, 36)):
        raw = numbers(family, "p")
        assert {int(line["tests"]) for line in family} == {size}
        np.testing.assert_allclose(numbers(family, "p_holm"), holm_by_definition(raw.tolist()))
        np.testing.assert_allclose(numbers(family, "p_bh"), stats.false_discovery_control(raw))
    forms = {line["mcnemar"] for line in lines}
    assert forms == {"exact", "chi-square"}  # the data has both
    assert 0 < sum(numbers(degraded, "p_holm") <= 0.05) < 36


def test_sizes_are_those_of_their_formulas(three):
    workdir, lines = three
    for line in lines:
        first, second = (right(workdir, line[n], line["condition"]) for n in ("model", "other"))
        h = 2 * np.arcsin(np.sqrt(first.mean())) - 2 * np.arcsin(np.sqrt(second.mean()))
        assert float(line["cohens_h"]) == pytest.approx(h)
        b, c = int((first & ~second).sum()), int((second & ~first).sum())
        share = stats.binomtest(b, b + c).proportion_ci(method="wilson")
        with np.errstate(divide="ignore"):
            wanted = [np.float64(p) / np.float64(1 - p) for p in (b / (b + c), *share)]
        got = [float(line[name] or "inf") for name in ("odds_ratio", "odds_low", "odds_high")]
        assert got == pytest.approx(wanted)


def test_losses_are_tested_by_turning_signs(three):
    workdir, lines = three
    for line in lines[::4]:
        both = [losses(workdir, line[name], line["condition"]) for name in ("model", "other")]
        differences = both[0] - both[1]
        assert float(line["loss_gap"]) == pytest.approx(differences.mean())
        effect = differences.mean() / differences.std(ddof=1)
        assert float(line["cohens_d_loss"]) == pytest.approx(effect)
        wanted = stats.permutation_test(
            (differences,), lambda d, axis: d.mean(axis), permutation_type="samples",
            vectorized=True, n_resamples=9_999, batch=1_000, rng=np.random.default_rng(3),
        ).pvalue  # fmt: skip
        error = np.sqrt(2 * wanted * (1 - wanted) / 9_999)
        assert abs(float(line["p_loss"]) - wanted) < 5 * error + 2e-4
        # With few images that differ, all signs are gone through, whatever the other columns need.
        drawn = ("9999", "0") if np.count_nonzero(differences) > MOST_ENUMERATED else ("", "")
        assert (line["permutations"], line["seed"]) == drawn
    degraded = [line for line in lines if line["condition"] != "clean"]
    raw = numbers(degraded, "p_loss")
    assert raw.min() >= 1e-4
    np.testing.assert_allclose(numbers(degraded, "p_loss_holm"), holm_by_definition(raw.tolist()))
    np.testing.assert_allclose(numbers(degraded, "p_loss_bh"), stats.false_discovery_control(raw))


def loss_p_values(study):
    pairs = dict.fromkeys(compare_models(study).pairs, study.conditions)
    return {cell: found.p_value for cell, found in loss_tests(study, pairs).items()}


def test_how_many_losses_are_held_together_does_not_matter(three, monkeypatch):
    study = read_study([three[0]])
    together, columns = loss_p_values(study), []

    def counting(differences, groups):
        columns.append(differences.shape[1])
        return sign_flip_test(differences, groups)

    monkeypatch.setattr(sign_flips, "VALUES_AT_ONCE", 240 * 7)
    monkeypatch.setattr(sign_flips, "sign_flip_test", counting)
    assert loss_p_values(study) == together
    assert columns == [7, 7, 7, 7, 7, 4]


def test_few_images_have_all_signs_gone_through(make_workdir, tmp_path):
    workdir = make_workdir(n=10, conditions=FEW, gallery=False, classes=5)
    for line in lines_of(workdir, tmp_path / "out"):
        both = [losses(workdir, line[name], line["condition"]) for name in ("model", "other")]
        differences = both[0] - both[1]
        turned = [np.dot(s, differences) for s in itertools.product((1, -1), repeat=10)]
        wanted = np.mean(np.abs(turned) >= abs(differences.sum()) - 1e-9)
        assert float(line["p_loss"]) == pytest.approx(wanted)
        assert line["permutations"] == ""


def test_patients_turn_as_a_whole_and_mcnemar_does_not_stand(make_workdir, tmp_path):
    workdir = make_workdir(n=60, conditions=FEW, gallery=False)
    groups = np.array([f"p{i % 6}" for i in range(60)])
    for model in ("alexnet", "resnet50"):
        run = workdir.run(model, 0)
        known = run.examples()
        run.write_examples(known["ids"], known["labels"], tuple(known["classes"]), groups)
    for line in lines_of(workdir, tmp_path / "out"):
        both = [losses(workdir, line[name], line["condition"]) for name in ("model", "other")]
        sums = [(both[0] - both[1])[groups == f"p{k}"].sum() for k in range(6)]
        turned = [np.dot(s, sums) for s in itertools.product((1, -1), repeat=6)]
        wanted = np.mean(np.abs(turned) >= abs(np.sum(sums)) - 1e-9)
        assert float(line["p_loss"]) == pytest.approx(wanted)
        assert line["p_mcnemar"] == line["odds_low"] == "" != line["only_model"]


def test_runs_of_three_seeds_stand_beside_the_images(make_workdir, tmp_path):
    workdir = make_workdir(n=60, seeds=(0, 1, 2), conditions=FEW, gallery=False)
    for line in lines_of(workdir, tmp_path / "out"):
        names = line["model"], line["other"]
        runs = [
            [right(workdir, m, line["condition"], s).mean() for s in range(3)] for m in names
        ]  # fmt: skip
        wanted = stats.ttest_rel(*runs)
        assert float(line["p_runs"]) == pytest.approx(wanted.pvalue)
        assert (float(line["t"]), line["runs"]) == (pytest.approx(wanted.statistic), "3")
        ends = np.clip(wanted.confidence_interval(0.95), -1, 1)
        assert [float(line[end]) for end in ("runs_low", "runs_high")] == pytest.approx(ends)
        assert float(line["p"]) == max(float(line["p_images"]), float(line["p_runs"]))
        means = [
            np.mean([losses(workdir, m, line["condition"], s) for s in range(3)]) for m in names
        ]
        assert float(line["loss_gap"]) == pytest.approx(means[0] - means[1])
        assert line["mcnemar"] == line["only_model"] == line["odds_ratio"] == ""


def test_the_table_shows_the_interval_over_runs_beside_that_over_images(make_workdir):
    workdir = make_workdir(n=60, seeds=(0, 1, 2), conditions=FEW, gallery=False)
    (pair,) = compare_pairs(study := read_study([workdir]), compare_models(study))
    table = answers_table(pair)
    assert table.header[1:3] == ("gap, points", "gap over runs")
    for cell, row in zip(pair.cells, table.rows, strict=True):
        runs = [
            [right(workdir, m, cell.condition.name, s).mean() for s in range(3)]
            for m in (pair.first, pair.second)
        ]
        ends = np.clip(stats.ttest_rel(*runs).confidence_interval(0.95), -1, 1)
        shown = [float(end) for end in row.cells[2].strip("[]").split(", ")]
        assert shown == pytest.approx(100 * ends, abs=0.051)
    assert "that over runs (t-test over 3 training runs) covers training again" in table.caption
    assert "gap over runs" in section_of(workdir)


ABOUT_THESE = "about these trained networks and other test images only"


def test_pairs_of_which_one_was_trained_once_are_marked(tmp_path):
    several = build(tmp_path / "a", n=60, seeds=(0, 1, 2), conditions=FEW, gallery=False)
    once = build(
        tmp_path / "b", models=(("resnet18", 0.8),), n=60, conditions=FEW, gallery=False
    )  # fmt: skip
    pairs = compare_pairs(study := read_study([several, once]), compare_models(study))
    table = pairs_table(pairs)
    marked = {row.cells[0].removesuffix(" †") for row in table.rows if " †" in row.cells[0]}
    assert marked == {f"{p.first} − {p.second}" for p in pairs if "resnet18" in (p.first, p.second)}
    assert len(marked) == 2 and len(table.rows) == 3
    assert f" †: what is said of such a pair is {ABOUT_THESE}" in table.caption
    for pair in pairs:
        alone = "resnet18" in (pair.first, pair.second)
        assert (ABOUT_THESE in answers_table(pair).caption) == alone


def test_networks_trained_once_are_all_these_trained_ones(three, make_workdir):
    study = read_study([three[0]])
    table = pairs_table(compare_pairs(study, compare_models(study)))
    assert f" All of it is {ABOUT_THESE}" in table.caption
    assert not any("†" in row.cells[0] for row in table.rows)
    two = section_of(make_workdir(n=60, conditions=FEW, gallery=False))
    assert "For these trained networks, resnet50 against alexnet, after Holm" in two
    folds = section_of(make_workdir("folds", n=50, folds=range(3), conditions=FEW, gallery=False))
    assert "these trained networks" not in folds


def test_folds_have_the_corrected_t_and_no_mcnemar(make_workdir, tmp_path):
    workdir = make_workdir(n=50, folds=range(4), conditions=FEW, gallery=False)
    for line in lines_of(workdir, tmp_path / "out"):
        answers = [
            [right(workdir, line[name], line["condition"], fold=fold) for fold in range(4)]
            for name in ("model", "other")
        ]
        gaps = np.mean(answers[0], axis=1) - np.mean(answers[1], axis=1)
        statistic = gaps.mean() / np.sqrt(gaps.var(ddof=1) * (1 / 4 + 1 / 3))
        assert (float(line["t"]), line["runs"]) == (pytest.approx(statistic), "4")
        assert float(line["p"]) == pytest.approx(2 * stats.t.sf(abs(statistic), 3))
        assert line["p_images"] == line["p_mcnemar"] == ""
        first, second = (np.concatenate(found) for found in answers)
        assert int(line["only_model"]) == (first & ~second).sum()


def test_without_scores_there_is_no_test_of_losses(make_workdir, tmp_path):
    workdir = make_workdir(n=40, conditions=FEW, gallery=False)
    run = workdir.run("alexnet", 0)
    for row in run.rows():
        answers = predictions(run.logits(row.condition))
        bare = from_json(type(row), to_json(row).replace(f'"loss": {row.loss}', '"loss": null'))
        run.write_predicted(bare, answers)
    assert all(line["p_loss"] == "" for line in lines_of(workdir, tmp_path / "out"))
    text = section_of(workdir)
    assert "odds ratio" in text and "loss" not in text


def said(part):
    """Write down all texts and tables of blocks, however deep."""
    if isinstance(part, str):
        return part
    if isinstance(part, tuple | list):
        return " ".join(map(said, part))
    return " ".join(said(value) for value in vars(part).values() if not isinstance(value, int))


def section_of(workdir):
    study = read_study([workdir])
    pairs = compare_pairs(study, compare_models(study))
    return said(list(pairwise_section.pairwise_section(study, pairs)))


def test_each_pair_is_said_in_words_that_its_lines_bear_out(three):
    workdir, lines = three
    text = section_of(workdir)
    for (first, second), group in itertools.groupby(lines, lambda r: (r["model"], r["other"])):
        found = [r for r in group if r["condition"] != "clean" and float(r["p_holm"]) <= 0.05]
        ahead = sum(float(r["gap"]) > 0 for r in found)
        row = text.split(f"{first} − {second} ")[1]
        wanted = {0: "no difference shown in any of the 12 conditions", 12: "better in all 12"}
        assert row.startswith(wanted.get(ahead, f"better in {ahead} of 12 conditions"))
        if 0 < ahead < 12:
            assert f"; no difference shown in {12 - ahead} " in row.split("[")[0]
    assert "the 36 tests of all 3 pairs of networks" in text
    assert "9,999 times (seed 0); p = (b + 1) / 10,000" in text


def test_the_verdict_of_three_networks_goes_by_the_same_numbers(three):
    workdir, lines = three
    study = read_study([workdir])
    comparison = compare_models(study)
    leading = [r for r in lines if (r["model"], r["other"]) == ("resnet50", "resnet18")]
    found = {r["condition"]: float(r["p_holm"]) for r in leading}
    assert comparison.tests.p_values == pytest.approx(found)
    assert "Holm's correction over all 36 tests at 0.05 " in judge(study, comparison).sentence
    assert compare_pairs(study, comparison)[0].mean_gap == comparison.mean_gap
    table = study_table(study, comparison)
    assert "p, of resnet50 against resnet18, is that of McNemar's test" in table.caption
    assert "Tests between models" in table.caption


def test_of_several_rates_only_the_best_by_validation_is_tested(make_workdir):
    models = (("small@0.001", 0.8), ("small@0.1", 0.9), ("alexnet", 0.7))
    histories = {"small@0.001": LEVELLED, "small@0.1": (0.1,) * 4, "alexnet": LEVELLED}
    workdir = make_workdir(models=models, conditions=FEW, gallery=False, histories=histories)
    pairs = compare_pairs(study := read_study([workdir]), compare_models(study))
    assert [(pair.first, pair.second) for pair in pairs] == [("small@0.001", "alexnet")]
    assert "Not among them: small@0.1; of a network with several" in section_of(workdir)


def test_too_few_permutations_for_so_many_tests_are_admitted(three, monkeypatch):
    assert "cannot show a difference" not in section_of(three[0])
    monkeypatch.setattr(pairwise_section, "PERMUTATIONS", 99)
    assert "over 36 of them none can be below 0.36" in section_of(three[0])


def counted(ahead, behind, undecided, family=0):
    return Significance(
        "a test", {}, ahead, behind, undecided, family or ahead + behind + undecided
    )


@pytest.mark.parametrize(
    ("counts", "sentence", "short"),
    [
        (
            (9, 0, 4),
            "a is better in 9 of 13 conditions, no difference is shown in 4",
            "better in 9 of 13 conditions; no difference shown in 4",
        ),
        (
            (7, 2, 3),
            "a is better in 7 of 12 conditions, b in 2, no difference is shown in 3",
            "better in 7 of 12 conditions, worse in 2; no difference shown in 3",
        ),
        (
            (0, 0, 12),
            "none of the 12 conditions by itself shows a difference",
            "no difference shown in any of the 12 conditions",
        ),
        (
            (0, 2, 10),
            "b is better in 2 of 12 conditions, no difference is shown in 10",
            "worse in 2 of 12 conditions; no difference shown in 10",
        ),
        ((12, 0, 0), "a is better in all 12 conditions", "better in all 12 conditions"),
        ((1, 0, 0), "a is better in the one degraded condition", None),
        ((0, 0, 1), "the one degraded condition shows no difference", None),
    ],
)
def test_counts_are_words_that_people_would_say(counts, sentence, short):
    tests = counted(*counts)
    assert outcome("a", "b", tests) == sentence
    assert short is None or outcome_of_first(tests) == short


def test_the_correction_says_over_what_else_it_is():
    assert correction(counted(1, 0, 11)) == "Holm's correction at 0.05"
    assert correction(counted(1, 0, 11, 36)) == "Holm's correction over all 36 tests at 0.05"
