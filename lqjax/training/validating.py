"""What validation finds."""

from __future__ import annotations

import math

import numpy as np

from lqjax.metrics.log_loss import log_loss


def loss_and_accuracy(logits: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Compute the mean loss in nats, NaN where a score is not finite, and the accuracy."""
    if not np.isfinite(logits).all():
        return math.nan, 0.0
    return log_loss(logits, labels), float((logits.argmax(1) == labels).mean())
