"""The metric fields of a result row, from scores and labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from lqjax.metrics.accuracy import predictions, top_k_correct
from lqjax.metrics.average_precision import precision_at_positives
from lqjax.metrics.balanced_accuracy import balanced_accuracy
from lqjax.metrics.brier import brier_score
from lqjax.metrics.calibration_error import expected_calibration_error
from lqjax.metrics.checks import check_labels, check_scores
from lqjax.metrics.confusion import confusion_matrix
from lqjax.metrics.kappa import cohen_kappa
from lqjax.metrics.log_loss import negative_log_likelihood
from lqjax.metrics.matthews import matthews_correlation
from lqjax.metrics.precision_recall import macro_scores, weighted_scores
from lqjax.metrics.ranking import average_over_classes, class_rankings
from lqjax.metrics.roc import area_under_roc
from lqjax.metrics.softmax import softmax
from lqjax.metrics.wilson import wilson_interval

TOP = 5
"""The k of top-5; with that many classes or fewer it says nothing."""

NEED_SCORES = ("top5", "auc", "average_precision", "loss", "brier", "ece")
"""Fields that predicted classes alone do not give."""


def summarise(
    logits: Float[np.ndarray, "examples classes"], labels: Int[np.ndarray, " examples"]
) -> dict[str, Any]:
    """Compute the metric fields of a `Row`, under the names that it has for them.

    Args:
      logits: finite scores.
      labels: true classes, each in [0, classes).

    Returns:
      n, correct, accuracy, accuracy_low, accuracy_high, top5 (`None` below six classes),
      balanced_accuracy; precision, recall, f1, specificity (macro) and precision_weighted,
      recall_weighted, f1_weighted; mcc, kappa; auc, average_precision (`None` where undefined);
      loss, brier and ece. `Row` says what each is.

    Raises:
      ValueError: no examples, shapes or labels that do not fit, scores that are not finite.
    """
    logits, labels = np.asarray(logits), np.asarray(labels)
    check_scores(logits, labels)
    n, classes = logits.shape
    predicted = predictions(logits)
    likely = softmax(logits)
    rankings = class_rankings(logits, labels, likely.logs)
    return {
        "n": n,
        **_hits(labels, predicted),
        "top5": float(top_k_correct(logits, labels, TOP).mean()) if classes > TOP else None,
        **_from_counts(confusion_matrix(labels, predicted, classes)),
        "auc": average_over_classes(rankings, area_under_roc),
        "average_precision": average_over_classes(rankings, precision_at_positives),
        "loss": negative_log_likelihood(likely.logs, labels),
        "brier": brier_score(likely.probabilities, labels),
        "ece": expected_calibration_error(likely.confidences, predicted == labels),
    }


def summarise_predictions(
    predicted: Int[np.ndarray, " examples"], labels: Int[np.ndarray, " examples"], classes: int
) -> dict[str, Any]:
    """Compute the metric fields of a `Row` where only the predicted classes are known.

    Args:
      predicted, labels: classes, each in [0, classes).

    Returns:
      The fields of `summarise`; those that need scores (top5, auc, average_precision, loss, brier,
      ece) are `None`.

    Raises:
      ValueError: no examples, two different numbers of them, or a class that does not exist.
    """
    predicted, labels = np.asarray(predicted), np.asarray(labels)
    check_labels(predicted, labels, classes)
    return {
        "n": len(labels),
        **_hits(labels, predicted),
        **_from_counts(confusion_matrix(labels, predicted, classes)),
        **dict.fromkeys(NEED_SCORES),
    }


def _hits(labels: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    n, correct = len(labels), int((predicted == labels).sum())
    interval = wilson_interval(correct, n)
    return {
        "correct": correct,
        "accuracy": correct / n,
        "accuracy_low": interval.low,
        "accuracy_high": interval.high,
    }


def _from_counts(matrix: np.ndarray) -> dict[str, float]:
    weighted = weighted_scores(matrix)
    return {
        "balanced_accuracy": balanced_accuracy(matrix),
        **macro_scores(matrix)._asdict(),
        "precision_weighted": weighted.precision,
        "recall_weighted": weighted.recall,
        "f1_weighted": weighted.f1,
        "mcc": matthews_correlation(matrix),
        "kappa": cohen_kappa(matrix),
    }
