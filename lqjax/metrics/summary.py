"""The metric fields of a result row, from scores and labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from lqjax.metrics.accuracy import predictions, top_k_correct
from lqjax.metrics.checks import check_scores
from lqjax.metrics.confusion import confusion_matrix
from lqjax.metrics.log_loss import log_loss
from lqjax.metrics.precision_recall import macro_scores
from lqjax.metrics.roc import roc_auc
from lqjax.metrics.wilson import wilson_interval

TOP = 5
"""The k of top-5; with that many classes or fewer it says nothing."""


def summarise(
    logits: Float[np.ndarray, "examples classes"], labels: Int[np.ndarray, " examples"]
) -> dict[str, Any]:
    """Compute the metric fields of a `Row`, under the names that it has for them.

    Args:
      logits: finite scores.
      labels: true classes, each in [0, classes).

    Returns:
      n, correct, accuracy, accuracy_low, accuracy_high, top5 (`None` below six classes),
      precision, recall, f1, auc (`None` where undefined) and loss.

    Raises:
      ValueError: no examples, shapes or labels that do not fit, scores that are not finite.
    """
    logits, labels = np.asarray(logits), np.asarray(labels)
    check_scores(logits, labels)
    n, classes = logits.shape
    predicted = predictions(logits)
    correct = int((predicted == labels).sum())
    interval = wilson_interval(correct, n)
    scores = macro_scores(confusion_matrix(labels, predicted, classes))
    return {
        "n": n,
        "correct": correct,
        "accuracy": correct / n,
        "accuracy_low": interval.low,
        "accuracy_high": interval.high,
        "top5": float(top_k_correct(logits, labels, TOP).mean()) if classes > TOP else None,
        **scores._asdict(),
        "auc": roc_auc(logits, labels),
        "loss": log_loss(logits, labels),
    }
