"""Metrics of the confusion matrix against scikit-learn, on random and degenerate inputs."""

import numpy as np
import pytest
from sklearn import metrics as sklearn

from lqjax.metrics.balanced_accuracy import balanced_accuracy
from lqjax.metrics.confusion import confusion_matrix
from lqjax.metrics.kappa import cohen_kappa
from lqjax.metrics.matthews import matthews_correlation
from lqjax.metrics.precision_recall import class_scores, macro_scores, weighted_scores
from tests.metrics.hard_cases import HARD, hard_matrix, quietly


def recall_of_the_rest(labels, predicted, k):
    """Return the share of the examples that are not of class k and are not called k."""
    return quietly(sklearn.recall_score, labels != k, predicted != k, zero_division=0)


@pytest.mark.parametrize("name", HARD)
def test_confusion_matrix_equals_scikit_learn(name):
    labels, predicted, classes, matrix = hard_matrix(name)
    expected = sklearn.confusion_matrix(labels, predicted, labels=np.arange(classes))
    assert np.array_equal(matrix, expected)


@pytest.mark.parametrize("name", HARD)
def test_class_scores_equal_scikit_learn(name):
    labels, predicted, classes, matrix = hard_matrix(name)
    got = class_scores(matrix)
    expected = sklearn.precision_recall_fscore_support(
        labels, predicted, labels=np.arange(classes), average=None, zero_division=0
    )
    for mine, theirs in zip((*got[:3], got.support), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-12)
    specificity = [recall_of_the_rest(labels, predicted, k) for k in range(classes)]
    np.testing.assert_allclose(got.specificity, specificity, atol=1e-12)


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize(
    "average, function", [("macro", macro_scores), ("weighted", weighted_scores)]
)
def test_average_scores_equal_scikit_learn(name, average, function):
    labels, predicted, _, matrix = hard_matrix(name)
    got = function(matrix)
    expected = sklearn.precision_recall_fscore_support(
        labels, predicted, average=average, zero_division=0
    )
    assert got[:3] == pytest.approx(expected[:3], abs=1e-12)
    occurring = np.union1d(labels, predicted)
    weights = [1 if average == "macro" else (labels == k).sum() for k in occurring]
    specificity = [recall_of_the_rest(labels, predicted, k) for k in occurring]
    assert got.specificity == pytest.approx(np.average(specificity, weights=weights), abs=1e-12)


@pytest.mark.parametrize("name", HARD)
def test_balanced_accuracy_equals_scikit_learn(name):
    labels, predicted, _, matrix = hard_matrix(name)
    expected = quietly(sklearn.balanced_accuracy_score, labels, predicted)
    assert balanced_accuracy(matrix) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", HARD)
def test_matthews_correlation_equals_scikit_learn(name):
    labels, predicted, _, matrix = hard_matrix(name)
    expected = quietly(sklearn.matthews_corrcoef, labels, predicted)
    assert -1 <= matthews_correlation(matrix) <= 1
    assert matthews_correlation(matrix) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", HARD)
def test_kappa_equals_scikit_learn_and_is_zero_where_that_has_none(name):
    labels, predicted, _, matrix = hard_matrix(name)
    expected = quietly(sklearn.cohen_kappa_score, labels, predicted)
    alone = len(np.union1d(labels, predicted)) == 1
    assert np.isnan(expected) == alone
    assert cohen_kappa(matrix) == pytest.approx(0.0 if alone else expected, abs=1e-12)


def test_agreement_of_textbook_tables():
    # Cohen's kappa of 50 cases of which 35 agree, 25 by chance: (0.7 - 0.5) / (1 - 0.5).
    assert cohen_kappa(np.array([[20, 5], [10, 15]])) == pytest.approx(0.4)
    # phi = (TP TN - FP FN) / sqrt((TP+FP)(TP+FN)(TN+FP)(TN+FN)) = (300 - 50) / sqrt(390000).
    assert matthews_correlation(np.array([[2, 0], [0, 3]])) == 1  # not 1 + 2e-16
    expected = 250 / np.sqrt(30 * 25 * 20 * 25)
    assert matthews_correlation(np.array([[20, 5], [10, 15]])) == pytest.approx(expected)


def test_macro_scores_leave_out_a_class_that_never_occurs():
    labels, predicted = np.array([0, 0, 1, 1]), np.array([0, 3, 1, 1])
    expected = sklearn.precision_recall_fscore_support(
        labels, predicted, average="macro", zero_division=0
    )
    assert macro_scores(confusion_matrix(labels, predicted, 9))[:3] == pytest.approx(expected[:3])
