"""Cross-validation in a report: every image once, intervals that know what folds share."""

import numpy as np
import pytest
from scipy import stats

from lqjax.metrics.accuracy import predictions
from lqjax.reporting.comparison import compare_models
from lqjax.reporting.report import write_report
from lqjax.reporting.study import read_study

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
