"""All calibration numbers of one set of answers against scikit-learn and plain NumPy."""

import numpy as np
import pytest
from scipy import special
from sklearn import metrics as sklearn

from lqjax.metrics.calibration_summary import summarise_calibration
from lqjax.metrics.reliability import (
    adaptive_reliability_diagram,
    pooled_diagram,
    reliability_diagram,
)


def answers(n, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), labels] += rng.normal(1, 2, n)
    return (2 * logits).astype(np.float32), labels


def plain_error(confidences, correct, bins=15):
    """Put each answer into its bin (i / 15, (i + 1) / 15] by hand."""
    index = np.ceil(confidences * bins).astype(int) - 1
    return sum(
        abs(correct[index == b].sum() - confidences[index == b].sum()) / len(correct)
        for b in range(bins)
    )


def test_the_numbers_are_those_of_scikit_learn_and_of_numpy():
    logits, labels = answers(300)
    found = summarise_calibration(logits, labels)
    likely = special.softmax(logits.astype(np.float64), axis=1)
    correct, confidences = likely.argmax(1) == labels, likely.max(1)
    assert found.accuracy == pytest.approx(correct.mean())
    assert found.confidence == pytest.approx(confidences.mean())
    assert found.loss == pytest.approx(sklearn.log_loss(labels, likely))
    assert found.brier == pytest.approx(((likely - np.eye(4)[labels]) ** 2).sum(1).mean())
    assert found.parts.total == pytest.approx(found.brier)
    assert found.ece == pytest.approx(plain_error(confidences, correct))
    order = np.argsort(confidences)
    parts = np.array_split(order, 15)  # 300 answers, 20 a bin
    adaptive = np.mean([abs(correct[p].mean() - confidences[p].mean()) for p in parts])
    assert found.adaptive_ece == pytest.approx(adaptive)
    assert found.diagram.counts.sum() == 300


def test_impossible_scores_are_refused():
    logits, labels = answers(5)
    with pytest.raises(ValueError, match="not finite"):
        summarise_calibration(np.where(logits > 0, np.nan, logits), labels)


def test_pooled_diagrams_are_those_of_all_answers():
    rng = np.random.default_rng(1)
    parts = [(rng.beta(5, 1, n), rng.random(n) < 0.7) for n in (7, 200, 60)]
    pooled = pooled_diagram([reliability_diagram(c, r) for c, r in parts])
    whole = reliability_diagram(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    assert np.array_equal(pooled.counts, whole.counts) and (whole.counts == 0).any()
    np.testing.assert_allclose(pooled.confidence, whole.confidence)
    np.testing.assert_allclose(pooled.accuracy, whole.accuracy)


def test_diagrams_of_other_bins_are_not_pooled():
    rng = np.random.default_rng(2)
    found = [adaptive_reliability_diagram(rng.random(50), rng.random(50) < 0.5) for _ in range(2)]
    with pytest.raises(ValueError, match="different bins"):
        pooled_diagram(found)
    with pytest.raises(ValueError, match="at least one"):
        pooled_diagram([])
