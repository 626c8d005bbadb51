"""What every metric asks of its input."""

from __future__ import annotations

import numpy as np


def check_scores(logits: np.ndarray, labels: np.ndarray) -> None:
    """Refuse scores and labels that do not belong together.

    Raises:
      ValueError: no examples, shapes that differ, scores that are not finite, or a label that is
        no column of the scores.
    """
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise ValueError(
            f"logits {logits.shape} and labels {labels.shape} do not match; expected"
            " (examples, classes) and (examples,)"
        )
    if not labels.size:
        raise ValueError("no examples; a metric needs at least one")
    if labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise ValueError(
            f"labels from {labels.min()} to {labels.max()} do not fit {logits.shape[1]} classes;"
            f" allowed: 0 to {logits.shape[1] - 1}"
        )
    if not np.isfinite(logits).all():
        first = int(np.argmin(np.isfinite(logits).all(axis=1)))
        raise ValueError(f"logits of example {first} are not finite; the network has diverged")


def check_labels(predicted: np.ndarray, labels: np.ndarray, classes: int) -> None:
    """Refuse predicted and true classes that do not belong together.

    Raises:
      ValueError: no examples, shapes that differ, or a class that does not exist.
    """
    if predicted.ndim != 1 or labels.shape != predicted.shape:
        raise ValueError(
            f"predictions {predicted.shape} and labels {labels.shape} do not match; expected"
            " (examples,) for both"
        )
    if not labels.size:
        raise ValueError("no examples; a metric needs at least one")
    for name, values in (("predictions", predicted), ("labels", labels)):
        if values.min() < 0 or values.max() >= classes:
            raise ValueError(
                f"{name} from {values.min()} to {values.max()} do not fit {classes} classes;"
                f" allowed: 0 to {classes - 1}"
            )


def check_confidences(confidences: np.ndarray, outcomes: np.ndarray) -> None:
    """Refuse probabilities and yes-or-no outcomes that do not belong together.

    Raises:
      ValueError: no examples, shapes that differ, or a probability outside [0, 1].
    """
    if confidences.ndim != 1 or outcomes.shape != confidences.shape:
        raise ValueError(
            f"probabilities {confidences.shape} and outcomes {outcomes.shape} do not match;"
            " expected (examples,) for both"
        )
    if not confidences.size:
        raise ValueError("no examples; a metric needs at least one")
    outside = ~((confidences >= 0) & (confidences <= 1))
    if outside.any():
        first = int(np.argmax(outside))
        raise ValueError(
            f"probability {confidences[first]} of example {first} is not possible;"
            " allowed: 0 to 1 (for logits, take their softmax first)"
        )
