"""Areas under ROC and precision-recall curves against scikit-learn, ties and absences included."""

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn import metrics as sklearn

from lqjax.metrics.average_precision import (
    average_precision,
    average_precision_by_class,
    binary_average_precision,
)
from lqjax.metrics.log_loss import log_probabilities
from lqjax.metrics.roc import binary_auc, roc_auc, roc_auc_by_class
from tests.metrics.hard_cases import HARD, hard, scores


def reference(logits):
    """Log probabilities without their last digits: what arithmetic makes equal is equal."""
    return np.round(log_softmax(logits, axis=1), 12)


@pytest.mark.parametrize("name", HARD)
def test_areas_by_class_equal_scikit_learn(name):
    logits, labels = hard(name)
    areas, precisions = roc_auc_by_class(logits, labels), average_precision_by_class(logits, labels)
    own = reference(logits)
    for k, (area, precision) in enumerate(zip(areas, precisions, strict=True)):
        positive = labels == k
        if not positive.any():
            assert area is None and precision is None  # scikit-learn: NaN and 0, with warnings
            continue
        expected = sklearn.average_precision_score(positive, own[:, k])
        assert precision == pytest.approx(expected, abs=1e-9)
        if positive.all():
            assert area is None and precision == 1
        else:
            assert area == pytest.approx(sklearn.roc_auc_score(positive, own[:, k]), abs=1e-9)


@pytest.mark.parametrize("name", HARD)
def test_average_precision_equals_scikit_learn(name):
    logits, labels = hard(name)
    own = reference(logits)
    classes = [1] if logits.shape[1] == 2 else np.unique(labels)
    if not np.isin(classes, labels).all():
        assert average_precision(logits, labels) is None
        return
    each = [sklearn.average_precision_score(labels == k, own[:, k]) for k in classes]
    assert average_precision(logits, labels) == pytest.approx(np.mean(each), abs=1e-9)
    if len(classes) == logits.shape[1]:
        whole = sklearn.average_precision_score(labels, np.exp(own))
        assert average_precision(logits, labels) == pytest.approx(whole, abs=1e-9)


def test_average_precision_of_a_short_list():
    # Positives at ranks 1 and 3: (1/1 + 2/3) / 2. A tie over all: the share of positives.
    positive = np.array([True, False, True, False])
    assert binary_average_precision(np.array([9.0, 7, 5, 3]), positive) == pytest.approx(5 / 6)
    assert binary_average_precision(np.zeros(4), positive) == pytest.approx(0.5)


def test_saturated_probabilities_keep_their_order():
    margin = np.array([40.0, 50.0, 60.0, 70.0])
    logits, labels = np.stack([-margin, margin], 1), np.array([0, 0, 1, 1])
    assert np.exp(log_softmax(logits, axis=1))[:, 1].min() == 1
    assert roc_auc(logits, labels) == 1 and average_precision(logits, labels) == 1


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("levels", [2, 4, 1000])
def test_auc_equals_scikit_learn_with_ties(classes, levels):
    rng = np.random.default_rng(levels)
    labels = np.arange(200) % classes
    logits = rng.integers(0, levels, (200, classes)) / levels + np.eye(classes)[labels] * 0.3
    if classes == 2:
        margin = np.round(logits[:, 1] - logits[:, 0], 9)
        expected = sklearn.roc_auc_score(labels, margin)
        found = roc_auc(np.stack([np.zeros(200), margin], 1), labels)
    else:
        own = reference(logits)
        for k in range(classes):
            assert binary_auc(own[:, k], labels == k) == pytest.approx(
                sklearn.roc_auc_score(labels == k, own[:, k]), abs=1e-9
            )
        each = [sklearn.roc_auc_score(labels == k, own[:, k]) for k in range(classes)]
        expected, found = np.mean(each), roc_auc(logits, labels)
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("classes", [3, 7])
@pytest.mark.parametrize("votes", [4, 20, 100])
def test_given_probabilities_tie_as_scikit_learn_sees_them(classes, votes):
    rng = np.random.default_rng(votes)
    labels = rng.integers(0, classes, 200)
    shares = 0.6 * rng.dirichlet(np.ones(classes), 200) + 0.4 * np.eye(classes)[labels]
    counts = np.array([rng.multinomial(votes, share) for share in shares])
    logits = np.log((counts + 1 / classes) / (votes + 1)).astype(np.float32)
    areas, precisions = roc_auc_by_class(logits, labels), average_precision_by_class(logits, labels)
    for k, (area, precision) in enumerate(zip(areas, precisions, strict=True)):
        expected = sklearn.roc_auc_score(labels == k, counts[:, k])
        assert area == pytest.approx(expected, abs=1e-9)
        expected = sklearn.average_precision_score(labels == k, counts[:, k])
        assert precision == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("order", [[2, 0, 1], [1, 2, 0]])
def test_the_order_of_the_classes_decides_nothing(order):
    rng = np.random.default_rng(0)
    labels, logits = rng.integers(0, 3, 100), rng.integers(-3, 4, (100, 3)).astype(np.float32)
    turned = np.argsort(order)[labels]
    assert roc_auc(logits[:, order], turned) == pytest.approx(roc_auc(logits, labels), abs=1e-12)


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
