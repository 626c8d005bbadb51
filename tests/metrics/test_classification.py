"""Classification metrics against scikit-learn, on random and degenerate inputs."""

import dataclasses
import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sklearn

from lqjax.metrics.accuracy import correct_vector, predictions, top_k_correct
from lqjax.metrics.average_precision import average_precision
from lqjax.metrics.balanced_accuracy import balanced_accuracy
from lqjax.metrics.confusion import confusion_matrix
from lqjax.metrics.kappa import cohen_kappa
from lqjax.metrics.log_loss import log_loss, log_probabilities
from lqjax.metrics.matthews import matthews_correlation
from lqjax.metrics.precision_recall import macro_scores, weighted_scores
from lqjax.metrics.roc import roc_auc
from lqjax.metrics.summary import summarise, summarise_predictions
from lqjax.rows import Row, from_json, to_json
from tests.metrics.hard_cases import HARD, hard, hard_matrix, scores

CASES = [(7, 2, 0), (60, 3, 1), (200, 10, 2), (500, 100, 3), (3, 6, 4), (1, 4, 5)]


def test_every_metric_field_is_documented():
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    names = summarise(*hard("random"))
    assert [name for name in names if f"`{name}`" not in page] == []
    assert [name for name in names if not re.search(rf"\b{name}\b", Row.__doc__)] == []


def test_rows_of_before_these_metrics_are_read():
    texts = dict.fromkeys(("model", "dataset", "condition", "family", "level", "label"), "x")
    numbers = {"seed": 0, "fold": 0, "image_size": 8, "psnr": None}
    row = Row(**texts, **numbers, **summarise(*hard("random")))
    assert from_json(Row, to_json(row)) == row
    names = [f.name for f in dataclasses.fields(Row)]
    later = [name for name in names[names.index("ssim") + 1 :] if getattr(row, name) is not None]
    assert {"balanced_accuracy", "mcc", "kappa", "brier", "ece"} < set(later)
    values = {k: v for k, v in json.loads(to_json(row)).items() if k not in later}
    assert from_json(Row, json.dumps(values)) == dataclasses.replace(row, **dict.fromkeys(later))


@pytest.mark.parametrize("name", HARD)
def test_summary_is_made_of_the_single_metrics(name):
    logits, labels = hard(name)
    got, (_, _, _, matrix) = summarise(logits, labels), hard_matrix(name)
    macro, weighted = macro_scores(matrix), weighted_scores(matrix)
    assert got["specificity"] == macro.specificity
    assert (got["precision_weighted"], got["f1_weighted"]) == (weighted.precision, weighted.f1)
    assert got["recall_weighted"] == pytest.approx(got["accuracy"], abs=1e-12)
    assert got["balanced_accuracy"] == balanced_accuracy(matrix)
    assert (got["mcc"], got["kappa"]) == (matthews_correlation(matrix), cohen_kappa(matrix))
    assert got["auc"] == roc_auc(logits, labels)
    assert got["average_precision"] == average_precision(logits, labels)
    assert got["loss"] == log_loss(logits, labels)


@pytest.mark.parametrize("n, classes, seed", CASES)
def test_summary_equals_scikit_learn(n, classes, seed):
    logits, labels = scores(n, classes, seed)
    predicted = logits.argmax(1)
    got = summarise(logits, labels)
    assert got["n"] == n
    assert got["correct"] == sklearn.accuracy_score(labels, predicted, normalize=False)
    assert got["accuracy"] == pytest.approx(sklearn.accuracy_score(labels, predicted), abs=1e-12)
    expected = sklearn.precision_recall_fscore_support(
        labels, predicted, average="macro", zero_division=0
    )
    assert (got["precision"], got["recall"], got["f1"]) == pytest.approx(expected[:3], abs=1e-9)
    if n > 1:  # scikit-learn warns of a single label, and warnings are errors here
        probabilities = np.exp(log_probabilities(logits))
        expected_loss = sklearn.log_loss(labels, probabilities, labels=np.arange(classes))
        assert got["loss"] == pytest.approx(expected_loss, abs=1e-6)
    if classes > 5:
        expected_top = sklearn.top_k_accuracy_score(labels, logits, k=5, labels=np.arange(classes))
        assert got["top5"] == pytest.approx(expected_top, abs=1e-12)
    else:
        assert got["top5"] is None
    assert np.array_equal(
        confusion_matrix(labels, predicted, classes),
        sklearn.confusion_matrix(labels, predicted, labels=np.arange(classes)),
    )


def test_summary_fills_the_metric_fields_of_a_row_with_plain_numbers():
    logits, labels = scores(50, 10, 0)
    got = summarise(logits, labels)
    assert set(got) <= set(Row.__dataclass_fields__)
    assert all(type(value) in (int, float) for value in got.values())


def test_top_k_of_ties_ranks_the_lower_class_first():
    logits = np.zeros((6, 6))
    labels = np.arange(6)
    assert top_k_correct(logits, labels, 5).tolist() == [True] * 5 + [False]
    assert np.array_equal(top_k_correct(logits, labels, 1), correct_vector(logits, labels))


def test_top_k_refuses_zero():
    with pytest.raises(ValueError, match="k=0"):
        top_k_correct(np.zeros((1, 2)), np.array([0]), 0)


def test_log_loss_of_huge_scores_is_finite():
    logits = np.array([[1e30, -1e30], [700.0, 800.0]], np.float32)
    assert log_loss(logits, np.array([0, 0])) == pytest.approx(50.0)


def test_predictions_prefer_the_lowest_class_of_equal_scores():
    assert predictions(np.array([[1.0, 1.0, 0.0]])).tolist() == [0]


@pytest.mark.parametrize(
    "logits, labels, message",
    [
        (np.zeros((0, 3)), np.zeros(0, int), "no examples"),
        (np.zeros((2, 3)), np.zeros(3, int), "do not match"),
        (np.zeros((2, 3)), np.array([0, 3]), "allowed: 0 to 2"),
        (np.zeros((2, 3)), np.array([-1, 1]), "allowed: 0 to 2"),
        (np.array([[0.0, 1.0], [np.nan, 0.0]]), np.array([0, 1]), "example 1 are not finite"),
        (np.zeros((2, 3)), np.array([0.0, 1.0]), r"labels are float64; .* labels\.astype\(int\)"),
        (np.zeros((2, 2)), np.array([True, False]), "labels are bool; allowed: integers"),
        (np.zeros((2, 2)), np.array(["0", "1"]), "labels are <U1; allowed: integers from 0 to 1"),
    ],
)
def test_summary_refuses_what_has_no_metrics(logits, labels, message):
    with pytest.raises(ValueError, match=message):
        summarise(logits, labels)


def test_summary_of_predictions_refuses_classes_that_are_no_integers():
    whole, halves = np.array([0, 1]), np.array([0.0, 0.5])
    with pytest.raises(ValueError, match="predictions are float64; allowed: integers"):
        summarise_predictions(halves, whole, 2)
    with pytest.raises(ValueError, match="labels are float64; allowed: integers"):
        summarise_predictions(whole, halves, 2)


def test_metrics_raise_no_warning_on_degenerate_input():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = summarise(np.zeros((1, 1)), np.zeros(1, int))
    assert (found["n"], found["correct"], found["accuracy"], found["loss"]) == (1, 1, 1, 0)
    assert found["auc"] is None and found["top5"] is None
