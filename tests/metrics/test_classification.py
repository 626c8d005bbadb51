"""Classification metrics against scikit-learn, on random and degenerate inputs."""

import warnings

import numpy as np
import pytest
from sklearn import metrics as sklearn

from lqjax.metrics.accuracy import correct_vector, predictions, top_k_correct
from lqjax.metrics.confusion import confusion_matrix
from lqjax.metrics.log_loss import log_loss, log_probabilities
from lqjax.metrics.precision_recall import macro_scores
from lqjax.metrics.roc import binary_auc, roc_auc
from lqjax.metrics.summary import summarise
from lqjax.rows import Row

CASES = [(7, 2, 0), (60, 3, 1), (200, 10, 2), (500, 100, 3), (3, 6, 4), (1, 4, 5)]


def scores(n, classes, seed, dtype=np.float32):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n).astype(np.int32)
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), labels] += 1.0
    return logits.astype(dtype), labels


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


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("levels", [2, 4, 1000])
def test_auc_equals_scikit_learn_with_ties(classes, levels):
    rng = np.random.default_rng(levels)
    labels = np.arange(200) % classes
    logits = rng.integers(0, levels, (200, classes)) / levels + np.eye(classes)[labels] * 0.3
    probabilities = np.exp(log_probabilities(logits))
    # Rounding makes the ties of the two sides the same; ranks are all that counts.
    probabilities = np.round(probabilities, 9)
    if classes == 2:
        expected = sklearn.roc_auc_score(labels, np.round(logits[:, 1] - logits[:, 0], 9))
        got = roc_auc(
            np.stack([np.zeros(200), np.round(logits[:, 1] - logits[:, 0], 9)], 1), labels
        )
    else:
        expected = np.mean(
            [sklearn.roc_auc_score(labels == k, probabilities[:, k]) for k in range(classes)]
        )
        got = np.mean([binary_auc(probabilities[:, k], labels == k) for k in range(classes)])
        whole = roc_auc(logits, labels)
        assert whole == pytest.approx(
            sklearn.roc_auc_score(
                labels, probabilities / probabilities.sum(1, keepdims=True), multi_class="ovr"
            ),
            abs=2e-3 if levels < 1000 else 1e-6,
        )
    assert got == pytest.approx(expected, abs=1e-9)


def test_multiclass_auc_equals_scikit_learn():
    logits, labels = scores(300, 7, 11, np.float64)
    expected = sklearn.roc_auc_score(labels, np.exp(log_probabilities(logits)), multi_class="ovr")
    assert roc_auc(logits, labels) == pytest.approx(expected, abs=1e-9)


def test_auc_averages_over_the_classes_that_occur():
    logits, labels = scores(300, 7, 12)
    logits, labels = logits[labels != 3], labels[labels != 3]
    own = np.exp(log_probabilities(logits))
    expected = np.mean([sklearn.roc_auc_score(labels == k, own[:, k]) for k in range(7) if k != 3])
    assert roc_auc(logits, labels) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("classes", [2, 5])
def test_auc_of_one_class_only_is_undefined(classes):
    assert roc_auc(np.zeros((4, classes)), np.ones(4, int)) is None


def test_auc_of_constant_scores_is_one_half():
    assert roc_auc(np.zeros((10, 2)), np.arange(10) % 2) == 0.5


def test_macro_scores_leave_out_a_class_that_never_occurs():
    labels, predicted = np.array([0, 0, 1, 1]), np.array([0, 3, 1, 1])
    expected = sklearn.precision_recall_fscore_support(
        labels, predicted, average="macro", zero_division=0
    )
    assert macro_scores(confusion_matrix(labels, predicted, 9)) == pytest.approx(expected[:3])


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
    ],
)
def test_summary_refuses_what_has_no_metrics(logits, labels, message):
    with pytest.raises(ValueError, match=message):
        summarise(logits, labels)


def test_metrics_raise_no_warning_on_degenerate_input():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        summarise(np.zeros((1, 1)), np.zeros(1, int))
