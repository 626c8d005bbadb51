"""Cross-validation in a report: every image once, intervals that know what folds share."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from lqjax.advising.drawing import draw
from lqjax.advising.mixture import read_mixture
from lqjax.metrics.accuracy import predictions
from lqjax.reporting.comparison import compare_models
from lqjax.reporting.fold_correction import sharing_in_words, sharing_of_folds
from lqjax.reporting.method import method
from lqjax.reporting.protocol import coverage
from lqjax.reporting.report import write_report
from lqjax.reporting.robustness_cells import Cells
from lqjax.reporting.study import read_study

pytestmark = pytest.mark.usefixtures("undrawn_figures")

FOLDS = 4


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    from tests.reporting.conftest import build

    return build(tmp_path_factory.mktemp("folds") / "run", n=90, folds=range(FOLDS), seeds=(0, 1))


def accuracies(workdir, model, condition):
    """Compute from the files the accuracy of each fold, the mean of its two seeds."""
    found = []
    for fold in range(FOLDS):
        runs = [workdir.run(model, seed, fold) for seed in (0, 1)]
        right = [predictions(r.logits(condition)) == r.examples()["labels"] for r in runs]
        found.append(np.mean(right))
    return np.array(found)


def interval(values):
    """Compute mean and ends by the formula of Nadeau and Bengio, with SciPy's quantiles."""
    error = np.sqrt(values.var(ddof=1) * (1 / FOLDS + 1 / (FOLDS - 1)))
    return (values.mean(), *stats.t.interval(0.95, FOLDS - 1, values.mean(), error))


def test_accuracies_and_gaps_are_those_of_the_folds(workdir):
    comparison = compare_models(read_study([workdir]))
    assert (comparison.leader, comparison.other) == ("resnet50", "alexnet")
    for cell in comparison.cells:
        by_model = {m: accuracies(workdir, m, cell.condition.name) for m in cell.accuracy}
        for model, values in by_model.items():
            assert cell.accuracy[model] == pytest.approx(interval(values))
            assert cell.deviation[model] == pytest.approx(values.std(ddof=1))
        assert cell.gap == pytest.approx(interval(by_model["resnet50"] - by_model["alexnet"]))
    gaps = np.mean(
        [
            accuracies(workdir, "resnet50", c.name) - accuracies(workdir, "alexnet", c.name)
            for c in comparison.shared
        ],
        axis=0,
    )
    assert comparison.mean_gap == pytest.approx(interval(gaps))


def with_record(study, **dataset):
    """Let the working directory say how many images were trained on."""
    ((title, known),) = study.environments.items()
    record = {**known, "dataset": {**known["dataset"], **dataset}}
    return replace(study, environments={title: record})


@pytest.mark.parametrize("train", [50, 243])
def test_the_correction_goes_by_the_images_that_were_trained_on(workdir, train):
    # 50: data.train_limit; 243: a tenth of the other three folds is held out for validation.
    study = with_record(read_study([workdir]), train=train)
    comparison = compare_models(study)
    names = comparison.leader, comparison.other
    mixture = read_mixture("clean=1", study.conditions)
    draws = draw(study, mixture, names)
    cells = Cells.of(study, comparison.shared)
    values = {m: accuracies(workdir, m, "clean") for m in names}
    gaps = values[names[0]] - values[names[1]]
    error = np.sqrt(gaps.var(ddof=1) * (1 / FOLDS + 90 / train))
    wanted = (gaps.mean(), *stats.t.interval(0.95, FOLDS - 1, gaps.mean(), error))
    clean = next(cell for cell in comparison.cells if not cell.condition.degraded)
    assert clean.gap == pytest.approx(wanted)
    assert draws.gap(*names) == pytest.approx(wanted)
    t = gaps.mean() / error
    assert comparison.tests.raw["clean"] == pytest.approx(2 * stats.t.sf(abs(t), FOLDS - 1))
    share = stats.t.cdf(t, FOLDS - 1)
    assert (draws.column(names[0]) > draws.column(names[1])).mean() == pytest.approx(
        share, abs=0.03
    )
    first, second = (study.models.index(m) for m in names)
    mean = cells.estimate(lambda found: (found[:, first] - found[:, second]).mean(-1))
    assert mean == pytest.approx(comparison.mean_gap)
    ratio = f"{90 / train:#.3g}"
    assert f"for each image trained on, {ratio}." in coverage(study, comparison)
    assert f"s² (1/{FOLDS} + {ratio})" in method(study, comparison)


def test_an_unknown_number_of_training_images_is_admitted(workdir):
    study = with_record(read_study([workdir]), train=None)
    comparison = compare_models(study)
    assert comparison == compare_models(with_record(study, train=90 * (FOLDS - 1)))
    text = coverage(study, comparison)
    assert "trained on, 0.333. How many images were trained on is not recorded in run" in text
    # One directory without a record does not narrow what another one has.
    two = replace(with_record(study, train=50), configs={**study.configs, "b": {}})
    assert sharing_of_folds(two) == 90 / 50 and "not recorded in b:" in sharing_in_words(two)
    assert sharing_of_folds(replace(study, environments={}, configs={})) == 1 / (FOLDS - 1)
    other = replace(with_record(study, train=300), sources={"theirs": "theirs.csv"})
    assert sharing_of_folds(other) == 1 / (FOLDS - 1)
    assert "not recorded in theirs.csv" in sharing_in_words(other)


def test_the_report_says_what_was_done(workdir):
    written = write_report([workdir])
    assert written.verdict.startswith("In 4-fold cross-validation with 2 seeds, resnet50")
    text = (written.path.parent / "report.md").read_text()
    assert "360 test images" in text and "Nadeau and Bengio" in text
    assert "± is the standard deviation over 4 folds" in text
    assert "cover the choice of test images only" not in text


def test_a_model_that_lacks_a_fold_is_not_compared(make_workdir):
    workdir = make_workdir(n=60, folds=range(3))
    other = workdir.run("alexnet", 0, 2).root / "conditions"
    for path in other.iterdir():
        path.unlink()
    comparison = compare_models(read_study([workdir]))
    assert comparison.mean == {}
    assert all(cell.accuracy["alexnet"] is None for cell in comparison.cells)
    assert all(cell.accuracy["resnet50"] is not None for cell in comparison.cells)


def test_folds_that_test_an_image_twice_are_refused(make_workdir):
    workdir = make_workdir(n=30, folds=range(2))
    for model in ("alexnet", "resnet50"):
        first, second = (workdir.run(model, 0, fold) for fold in (0, 1))
        examples = first.examples()
        second.write_examples(examples["ids"], examples["labels"], tuple(examples["classes"]))
    with pytest.raises(ValueError, match="an image is tested in two folds"):
        read_study([workdir])
