"""All metrics of a report, by scikit-learn and plain NumPy from the stored scores."""

import csv
import dataclasses

import numpy as np
import pytest
from scipy import special
from sklearn import metrics as sklearn

from lqjax.reporting.all_metrics import measure_metrics
from lqjax.reporting.comparison import compare_models
from lqjax.reporting.metric_kinds import CLASS_METRICS, METRICS
from lqjax.reporting.metric_section import metric_blocks
from lqjax.reporting.metric_tables import DIGEST, digest_table
from lqjax.reporting.report import write_report
from lqjax.reporting.study import read_study
from tests.reporting.conftest import grid_conditions

pytestmark = pytest.mark.usefixtures("undrawn_figures")

CLASSES, N, SEEDS = 7, 80, (0, 1, 2)
CONDITIONS = grid_conditions()[:3]
NAMES = [name for name, *_ in CONDITIONS]
DEGRADED = NAMES[1:]


@pytest.fixture
def workdir(make_workdir):
    return make_workdir(n=N, classes=CLASSES, conditions=CONDITIONS, seeds=SEEDS, gallery=False)


def metrics_of(workdir):
    study = read_study([workdir])
    return measure_metrics(study, compare_models(study))


def calibration_gap(bins, confidences, correct):
    """Average |accuracy - confidence| over bins, each with its share of the answers."""
    found = [(bins == b, abs((correct - confidences)[bins == b].sum())) for b in set(bins)]
    return sum(gap for _, gap in found) / len(bins)


def expected(logits, labels):
    """Return every metric of one set of scores."""
    likely = special.softmax(logits.astype(np.float64), axis=1)
    given, known = likely.argmax(1), np.arange(likely.shape[1])
    matrix = sklearn.confusion_matrix(labels, given, labels=known)
    others = matrix.sum() - matrix.sum(1)
    specificity = (others - (matrix.sum(0) - np.diag(matrix))) / others
    confidences, correct = likely.max(1), given == labels
    ranks = np.argsort(np.argsort(confidences))
    ends = np.ceil(np.arange(1, 16) * len(labels) / 15)
    one_hot = np.eye(len(known))[labels]
    found = {
        "accuracy": sklearn.accuracy_score(labels, given),
        "top5": sklearn.top_k_accuracy_score(labels, likely, k=5, labels=known),
        "balanced_accuracy": sklearn.balanced_accuracy_score(labels, given),
        "mcc": sklearn.matthews_corrcoef(labels, given),
        "kappa": sklearn.cohen_kappa_score(labels, given),
        "specificity": specificity.mean(),
        "auc": sklearn.roc_auc_score(labels, likely, multi_class="ovr"),
        "average_precision": sklearn.average_precision_score(one_hot, likely),
        "loss": sklearn.log_loss(labels, likely, labels=known),
        "brier": ((likely - one_hot) ** 2).sum(1).mean(),
        "ece": calibration_gap(np.ceil(15 * confidences), confidences, correct),
        "adaptive_ece": calibration_gap(np.searchsorted(ends, ranks + 1), confidences, correct),
    }
    for kind, ending in (("macro", ""), ("weighted", "_weighted")):
        scores = sklearn.precision_recall_fscore_support(
            labels, given, average=kind, zero_division=0
        )
        found |= dict(zip((f"{m}{ending}" for m in ("precision", "recall", "f1")), scores))  # noqa: B905
    return found


def expected_of(workdir, model, conditions, runs):
    """Return the mean over conditions of each metric of each run: (runs, metrics)."""
    found = []
    for seed, fold in runs:
        run = workdir.run(model, seed, fold)
        labels = run.examples()["labels"]
        by_condition = [expected(run.logits(c), labels) for c in conditions]
        found.append([np.mean([e[m.name] for e in by_condition]) for m in METRICS])
    return np.array(found)


def stated(found):
    values = [found[metric.name] for metric in METRICS]
    return [v.value for v in values], [v.deviation for v in values]


def test_every_metric_is_that_of_scikit_learn_with_its_spread_over_seeds(workdir):
    runs = [(seed, 0) for seed in SEEDS]
    for model in metrics_of(workdir).models:
        scopes = [(model.conditions[c], [c]) for c in NAMES] + [(model.degraded, DEGRADED)]
        for found, conditions in scopes:
            wanted = expected_of(workdir, model.model, conditions, runs)
            means, deviations = stated(found)
            np.testing.assert_allclose(means, wanted.mean(0), atol=1e-6)
            np.testing.assert_allclose(deviations, wanted.std(0, ddof=1), atol=1e-6)


def test_with_folds_means_and_spread_are_over_folds(make_workdir):
    workdir = make_workdir(
        n=70, classes=CLASSES, conditions=CONDITIONS, seeds=(0, 1), folds=(0, 1, 2), gallery=False
    )
    for model in metrics_of(workdir).models:
        runs = [(seed, fold) for fold in range(3) for seed in (0, 1)]
        wanted = expected_of(workdir, model.model, ["clean"], runs).reshape(3, 2, -1).mean(1)
        means, deviations = stated(model.conditions["clean"])
        np.testing.assert_allclose(means, wanted.mean(0), atol=1e-6)
        np.testing.assert_allclose(deviations, wanted.std(0, ddof=1), atol=1e-6)


def test_what_rows_of_earlier_versions_lack_is_computed_from_the_scores(workdir):
    wanted = metrics_of(workdir)
    run = workdir.run("alexnet", 0)
    for row in run.rows():
        late = ("balanced_accuracy", "mcc", "kappa", "average_precision", "brier", "ece")
        old = dataclasses.replace(row, **dict.fromkeys(late))
        run.write_condition(old, run.logits(row.condition))
    found = metrics_of(workdir)
    for before, after in zip(wanted.models, found.models, strict=True):
        for name in NAMES:
            assert stated(after.conditions[name])[0] == pytest.approx(
                stated(before.conditions[name])[0]
            )


def test_every_class_has_its_precision_recall_f1_and_specificity(workdir):
    metrics = metrics_of(workdir)
    for model in metrics.models:
        for found, conditions in (
            (model.classes["clean"], ["clean"]),
            (model.classes_degraded, DEGRADED),
        ):
            by_run = []
            for seed in SEEDS:
                run = workdir.run(model.model, seed)
                labels = np.tile(run.examples()["labels"], len(conditions))
                given = np.concatenate([run.logits(c).argmax(1) for c in conditions])
                scores = sklearn.precision_recall_fscore_support(
                    labels, given, labels=range(CLASSES)
                )[:3]
                specificity = [
                    sklearn.recall_score(labels != k, given != k) for k in range(CLASSES)
                ]
                by_run.append([*scores, specificity])
            for place, metric in enumerate(CLASS_METRICS):
                values = np.array(by_run)[:, place]
                np.testing.assert_allclose(found.values[metric.name], values.mean(0))
                np.testing.assert_allclose(
                    found.deviations[metric.name], values.std(0, ddof=1), atol=1e-12
                )
            labels = workdir.run(model.model, 0).examples()["labels"]
            np.testing.assert_array_equal(found.images, np.bincount(labels))


def test_tables_and_files_hold_what_was_computed(workdir):
    write_report([workdir])
    with (workdir.report / "metrics.csv").open() as file:
        rows = {(r["model"], r["condition"], r["metric"]): r for r in csv.DictReader(file)}
    metrics = metrics_of(workdir)
    assert len(rows) == 2 * (len(NAMES) + 1) * len(METRICS)
    text = (workdir.report / "report.md").read_text()
    for model in metrics.models:
        for name, condition in zip(NAMES, metrics.conditions, strict=True):
            found = model.conditions[name]
            for metric in METRICS:
                row = rows[model.model, name, metric.name]
                assert float(row["value"]) == found[metric.name].value
                assert float(row["deviation"]) == found[metric.name].deviation
                assert (row["runs"], row["reason"]) == ("3", "")
            mcc, kappa = (found[m] for m in ("mcc", "kappa"))
            share = found["balanced_accuracy"]
            cells = [f"{100 * share.value:.1f} ± {100 * share.deviation:.1f}"]
            cells += [f"{v.value:.3f} ± {v.deviation:.3f}" for v in (mcc, kappa)]
            line = next(
                line for line in text.partition("### All metrics")[2].splitlines()
                if line.startswith(f"| {condition.full} | {model.model} |") and cells[1] in line
            )  # fmt: skip
            assert line.endswith(f"| {' | '.join(cells)} |")
    assert "scikit-learn with zero\\_division=0" in text
    with (workdir.report / "class_metrics.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 2 * (len(NAMES) + 1) * CLASSES
    first = lines[0]
    kept = metrics.models[0].classes["clean"]
    assert float(first["f1"]) == kept.values["f1"][0]
    assert float(first["specificity_deviation"]) == kept.deviations["specificity"][0]


def test_of_answers_without_scores_the_rest_is_stated_and_the_reason(make_workdir):
    workdir = make_workdir(n=N, classes=CLASSES, conditions=CONDITIONS, gallery=False)
    run = workdir.run("alexnet", 0)
    for row in run.rows():
        bare = dataclasses.replace(
            row, loss=None, top5=None, auc=None, average_precision=None, brier=None, ece=None
        )
        given = run.logits(row.condition).argmax(1)
        run.write_predicted(bare, given)
    write_report([workdir])
    with (workdir.report / "metrics.csv").open() as file:
        rows = {(r["model"], r["condition"], r["metric"]): r for r in csv.DictReader(file)}
    lacking = {m for (model, _, m), r in rows.items() if model == "alexnet" and not r["value"]}
    assert lacking == {
        "top5", "auc", "average_precision", "loss", "brier", "ece", "adaptive_ece"
    }  # fmt: skip
    assert rows["alexnet", "clean", "auc"]["reason"] == "only the predicted classes are known"
    assert rows["resnet50", "clean", "auc"]["reason"] == ""


def test_of_many_classes_the_table_lists_the_worst(make_workdir):
    workdir = make_workdir(
        models=(("alexnet", 0.7),), n=300, classes=60, conditions=CONDITIONS[:1], gallery=False
    )
    study = read_study([workdir])
    metrics = measure_metrics(study, compare_models(study))
    fold = next(b for b in metric_blocks(study, metrics) if getattr(b, "title", "") == (
        "All metrics: class by class"))  # fmt: skip
    table = fold.blocks[1]
    run = workdir.run("alexnet", 0)
    given, labels = run.logits("clean").argmax(1), run.examples()["labels"]
    scores = sklearn.f1_score(labels, given, average=None, labels=range(60), zero_division=0)
    listed = [int(row.cells[0]) for row in table.rows]
    assert len(listed) == 40 and max(scores[listed]) <= min(np.delete(scores, listed))
    assert "the 40 classes of the lowest F1" in table.caption


def test_the_short_table_has_clean_images_and_the_mean_of_the_degraded(workdir):
    metrics = metrics_of(workdir)
    table = digest_table(metrics, "")
    scopes = [["clean"], ["clean"], DEGRADED, DEGRADED]
    assert len(table.rows) == len(scopes)
    titles = [m.title for m in METRICS if m.name in DIGEST]
    assert list(table.header[2:]) == titles and len(titles) == len(DIGEST)
    for row, conditions in zip(table.rows, scopes, strict=True):
        runs = []
        for seed in SEEDS:
            run = workdir.run(row.cells[1], seed, 0)
            labels = run.examples()["labels"]
            runs.append([expected(run.logits(c), labels)["balanced_accuracy"] for c in conditions])
        means = 100 * np.mean(runs, axis=1)
        assert row.cells[2] == f"{means.mean():.1f} ± {means.std(ddof=1):.1f}"
