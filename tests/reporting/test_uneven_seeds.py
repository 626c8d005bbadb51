"""Networks that were not trained with the same seeds: what is paired, and that it is said."""

import numpy as np
import pytest
from scipy import stats

from lqjax.reporting.cautions import cautions
from lqjax.reporting.comparison import compare_models
from lqjax.reporting.method import method
from lqjax.reporting.report import write_report
from lqjax.reporting.significance import AND_RUNS, AND_UNPAIRED_RUNS, SIGN_FLIPS
from lqjax.reporting.study import read_study
from lqjax.reporting.verdict import judge
from tests.reporting.conftest import LEVELLED, grid_conditions

TWO = grid_conditions()[:2]
NOISE = TWO[1][0]
LEVELLED_BOTH = {"alexnet": LEVELLED, "resnet50": LEVELLED}


def workdirs_of(make_workdir, first, second, n=300):
    """Train alexnet with the one seeds and resnet50 with the other."""
    fixed = {"conditions": TWO, "n": n, "gallery": False, "histories": LEVELLED_BOTH}
    return [
        make_workdir("a", models=(("alexnet", 0.7),), seeds=first, **fixed),
        make_workdir("b", models=(("resnet50", 0.9),), seeds=second, **fixed),
    ]


def accuracies(study, model, seeds, condition=NOISE):
    runs = {run.seed: run for run in study.networks[model]}
    return [float(np.mean(runs[seed].predicted[condition] == study.labels)) for seed in seeds]


def spread_out(study, by_model):
    """Let each run be right on so many of the first images under noise: {model: counts by seed}."""
    for model, counts in by_model.items():
        for run, count in zip(study.networks[model], counts, strict=True):
            right = np.arange(study.n) < count
            run.predicted[NOISE] = np.where(right, study.labels, (study.labels + 1) % 10)


def test_shared_seeds_are_paired(make_workdir):
    study = read_study(workdirs_of(make_workdir, range(5), range(3)))
    spread_out(study, {"alexnet": (150, 160, 100, 90, 90), "resnet50": (200, 180, 210)})
    comparison = compare_models(study)
    pairs = [accuracies(study, model, range(3)) for model in ("resnet50", "alexnet")]
    expected = stats.ttest_rel(*pairs)
    assert comparison.tests.test == SIGN_FLIPS + AND_RUNS
    assert comparison.tests.runs[NOISE].p_value == pytest.approx(expected.pvalue)
    assert comparison.tests.raw[NOISE] == pytest.approx(expected.pvalue)
    ends = expected.confidence_interval(0.95)
    assert tuple(comparison.retrained)[1:] == pytest.approx((ends.low, ends.high))
    sentence = judge(study, comparison).sentence
    assert sentence.startswith("Over 3 training runs of resnet50 and 5 of alexnet, ")
    assert "runs of one seed paired: 3 pairs" in method(study, comparison)
    (caution,) = cautions(study)
    assert caution == (
        "Seeds differ: alexnet has 0 to 4 and resnet50 has 0 to 2. alexnet and resnet50: the test"
        " over training runs pairs those of the seeds 0 to 2, which both have; accuracies and gaps"
        " are means over all runs."
    )


@pytest.mark.parametrize("seeds", [((0, 1, 2), (3, 4, 5)), ((0, 1, 2, 3), (2, 3, 4))])
def test_too_few_shared_seeds_are_not_paired(make_workdir, seeds):
    study = read_study(workdirs_of(make_workdir, *seeds))
    spread_out(
        study, {"alexnet": (150, 160, 100, 90)[: len(seeds[0])], "resnet50": (200, 180, 210)}
    )
    comparison = compare_models(study)
    expected = stats.ttest_ind(
        accuracies(study, "resnet50", seeds[1]),
        accuracies(study, "alexnet", seeds[0]),
        equal_var=False,
    )
    assert comparison.tests.test == SIGN_FLIPS + AND_UNPAIRED_RUNS
    assert comparison.tests.runs[NOISE].p_value == pytest.approx(expected.pvalue)
    assert comparison.tests.raw[NOISE] == pytest.approx(expected.pvalue)
    ends = expected.confidence_interval(0.95)
    assert tuple(comparison.retrained)[1:] == pytest.approx((ends.low, ends.high))
    assert "Welch's t of the accuracies of 3 and" in method(study, comparison)
    (caution,) = cautions(study)
    assert "fewer than three seeds are shared" in caution and "is Welch's" in caution


@pytest.mark.parametrize("seeds", [(0, 1, 2), (3, 4, 5)])
def test_what_seeds_are_called_makes_no_result_stronger(make_workdir, seeds):
    """Runs that differ widely show nothing, whatever their numbers are."""
    study = read_study(workdirs_of(make_workdir, (0, 1, 2), seeds))
    spread_out(study, {"alexnet": (100, 160, 220), "resnet50": (230, 120, 240)})
    comparison = compare_models(study)
    assert comparison.tests.images[NOISE] < 0.05 < comparison.tests.p_values[NOISE]
    assert not judge(study, comparison).winner


def test_shared_runs_that_point_the_other_way_show_nothing(make_workdir):
    study = read_study(workdirs_of(make_workdir, range(3), range(5)))
    spread_out(study, {"alexnet": (200, 202, 204), "resnet50": (190, 193, 193, 290, 290)})
    comparison = compare_models(study)
    assert comparison.leader == "resnet50" and comparison.retrained.high < 0
    assert comparison.tests.raw[NOISE] == 1
    verdict = judge(study, comparison)
    assert not verdict.winner and "training again may turn this" in verdict.sentence


def test_five_runs_and_one_are_six_networks(make_workdir):
    study = read_study(workdirs_of(make_workdir, range(5), (0,)))
    comparison = compare_models(study)
    assert comparison.retrained is None
    assert judge(study, comparison).sentence.startswith(
        "For these six trained networks (5 runs of alexnet and 1 run of resnet50), "
    )
    (caution,) = cautions(study)
    assert "training again is not tested, which takes three runs of each" in caution


@pytest.mark.parametrize("seeds", [((0,), (1,)), ((0, 1, 2), (0, 1, 2))])
def test_nothing_is_said_where_nothing_differs(make_workdir, seeds):
    assert cautions(read_study(workdirs_of(make_workdir, *seeds))) == ()


@pytest.mark.slow
def test_the_page_names_the_test(make_workdir):
    places = workdirs_of(make_workdir, range(3), range(3, 6), n=60)
    page = (write_report(places).path.parent / "report.md").read_text()
    assert "and Welch's t-test over training runs, whichever is less sure" in page
    assert "that over runs (Welch's t-test of 3 and 3 training runs) covers training again" in page
    assert "Seeds differ: alexnet has 0 to 2 and resnet50 has 3 to 5." in page
