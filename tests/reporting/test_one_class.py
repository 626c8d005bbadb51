"""Test sets that do not tell classes apart: of one class, without some class, of two images."""

import csv
import re

import numpy as np
import pytest

from lqjax.reporting.report import write_report
from tests.reporting.conftest import grid_conditions

CONDITIONS = grid_conditions()[:3]
OF_CLASSES = ("mcc", "kappa", "specificity", "auc", "average_precision")
ONE, THREE = (0,), (0, 1, 2)
SETS = {
    "one of two": (np.ones(40), 2, ONE),
    "one of two, three runs": (np.ones(40), 2, THREE),
    "one of six": (np.full(40, 3), 6, ONE),
    "the first of two": (np.zeros(40), 2, ONE),
    "two images of one class": (np.zeros(2), 2, ONE),
}
OTHERS = {
    "a class missing": (np.arange(40) % 2, 3, ONE),
    "two images": (np.arange(2), 2, ONE),
    "two images, three runs": (np.arange(2), 2, THREE),
}
FILES = ("metrics.csv", "class_metrics.csv", "robustness.csv", "calibration.csv", "comparison.csv")
FILES_OF_PAIRS = ("tests.csv",)


def reported(make_workdir, labels, classes, **choices):
    workdir = make_workdir(
        labels=labels, names=[f"kind {i}" for i in range(classes)], conditions=CONDITIONS,
        gallery=False, **choices,
    )  # fmt: skip
    for run in workdir.runs():
        rng = np.random.default_rng(0)
        kept = (np.arange(30) % classes).astype(np.int32)
        run.write_validation(np.arange(30).astype(str), kept, rng.normal(size=(30, classes)))
    result = write_report([workdir])
    return workdir, result, (workdir.report / "report.md").read_text()


def rows_of(workdir, name):
    with (workdir.report / name).open() as file:
        return list(csv.DictReader(file))


def no_stray_numbers(workdir, text, files=FILES + FILES_OF_PAIRS):
    """Nothing that is not a number is written as if it were one."""
    assert not re.search(r"\b(nan|inf)\b", text, re.IGNORECASE)
    for name in files:
        cells = re.split(r"[,\n]", (workdir.report / name).read_text())
        assert not {"nan", "inf", "-inf"} & set(cells), name


@pytest.mark.slow
@pytest.mark.parametrize("kind", SETS)
def test_what_one_class_does_not_define_is_not_defined_and_said_why(kind, make_workdir):
    labels, classes, seeds = SETS[kind]
    workdir, result, text = reported(make_workdir, labels, classes, seeds=seeds)
    name = f"kind {int(labels[0])}"
    no_stray_numbers(workdir, text)
    assert text.startswith("# One class: no winner is named")
    assert f"only images of {name}" in result.verdict and "Not trained" not in result.verdict
    rows = {(r["model"], r["metric"]): r for r in rows_of(workdir, "metrics.csv")
            if r["condition"] == "clean"}  # fmt: skip
    for model in ("alexnet", "resnet50"):
        for metric in OF_CLASSES:
            row = rows[model, metric]
            assert row["value"] == row["deviation"] == ""
            assert row["reason"] == f"all test images are of one class ({name})"
        right = [
            (workdir.run(model, seed).logits("clean").argmax(1) == labels).mean() for seed in seeds
        ]
        for metric in ("accuracy", "balanced_accuracy", "recall_weighted"):
            assert float(rows[model, metric]["value"]) == pytest.approx(np.mean(right))
    assert f"Not defined: all test images are of one class ({name})" in text
    assert "| not defined | not defined |" in text
    assert "| robustness corrected for chance, % | not defined | not defined |" in text
    assert "Not defined: all test images are of one class, and guessing that class" in text
    found = {(r["model"], r["measure"]): r for r in rows_of(workdir, "robustness.csv")}
    for model in ("alexnet", "resnet50"):
        row = found[model, "chance_corrected"]
        assert row["value"] == "" and row["reason"].startswith("all test images are of one class")
        balanced, plain = (found[model, m] for m in ("balanced_clean_error", "clean"))
        assert float(balanced["value"]) == pytest.approx(1 - float(plain["value"]))
    assert {r["model"] for r in rows_of(workdir, "calibration.csv")} == {"alexnet", "resnet50"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", OTHERS)
def test_a_missing_class_and_two_images_leave_metrics_defined(kind, make_workdir):
    labels, classes, seeds = OTHERS[kind]
    workdir, _, text = reported(make_workdir, labels, classes, seeds=seeds)
    no_stray_numbers(workdir, text)
    assert "One class" not in text
    rows = rows_of(workdir, "metrics.csv")
    assert {r["metric"] for r in rows if not r["value"]} == {"top5"}
    assert "| robustness corrected for chance, % | not defined" not in text
    by_class = rows_of(workdir, "class_metrics.csv")
    empty = [r for r in by_class if r["images"] == "0"]
    assert {r["class_name"] for r in empty} == ({"kind 2"} if classes == 3 else set())
    assert all(r["recall"] == "" for r in empty)
    assert ("1 class has no test images" in text) == (classes == 3)


@pytest.mark.slow
def test_a_fold_of_one_class_is_named_as_the_reason(make_workdir):
    workdir, _, text = reported(make_workdir, np.ones(30), 2, folds=(0, 1))
    no_stray_numbers(workdir, text)
    reasons = {r["reason"] for r in rows_of(workdir, "metrics.csv") if r["metric"] == "auc"}
    assert reasons == {"all test images of 2 folds are of one class"}


@pytest.mark.slow
def test_shares_stay_shares_where_every_answer_is_right(make_workdir):
    models = (("alexnet", 2.0), ("resnet50", 2.0))
    workdir, _, _ = reported(make_workdir, np.arange(2), 2, models=models)
    for row in rows_of(workdir, "robustness.csv"):
        if row["measure"] in ("area", "accuracy") and row["low"]:
            assert 0 <= float(row["low"]) <= float(row["high"]) <= 1


def test_one_image_of_one_network_is_reported(make_workdir):
    workdir, _, text = reported(make_workdir, np.zeros(1), 2, models=(("alexnet", 0.8),))
    no_stray_numbers(workdir, text, FILES)
