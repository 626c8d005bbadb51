"""What every metric asks of its input."""

from __future__ import annotations

import numpy as np


def check_scores(logits: np.ndarray, labels: np.ndarray) -> None:
    """Refuse scores and labels that do not belong together.

    Raises:
      ValueError: no examples, shapes that differ, scores that are not finite, or a label that is
        no integer or no column of the scores.
    """
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise ValueError(
            f"logits {logits.shape} and labels {labels.shape} do not match; expected"
            " (examples, classes) and (examples,)"
        )
    _check_some(labels)
    _check_classes("labels", labels, logits.shape[1])
    if not np.isfinite(logits).all():
        first = int(np.argmin(np.isfinite(logits).all(axis=1)))
        raise ValueError(f"logits of example {first} are not finite; the network has diverged")


def check_labels(predicted: np.ndarray, labels: np.ndarray, classes: int) -> None:
    """Refuse predicted and true classes that do not belong together.

    Raises:
      ValueError: no examples, shapes that differ, or a class that is no integer or does not exist.
    """
    _check_pairs("predictions", predicted, "labels", labels)
    _check_classes("predictions", predicted, classes)
    _check_classes("labels", labels, classes)


def check_confidences(confidences: np.ndarray, outcomes: np.ndarray) -> None:
    """Refuse probabilities and yes-or-no outcomes that do not belong together.

    Raises:
      ValueError: no examples, shapes that differ, or a probability outside [0, 1].
    """
    _check_pairs("probabilities", confidences, "outcomes", outcomes)
    outside = ~((confidences >= 0) & (confidences <= 1))
    if outside.any():
        first = int(np.argmax(outside))
        raise ValueError(
            f"probability {confidences[first]} of example {first} is not possible;"
            " allowed: 0 to 1 (for logits, take their softmax first)"
        )


def _check_pairs(name: str, values: np.ndarray, other: str, others: np.ndarray) -> None:
    if values.ndim != 1 or others.shape != values.shape:
        raise ValueError(
            f"{name} {values.shape} and {other} {others.shape} do not match; expected (examples,)"
            " for both"
        )
    _check_some(values)


def _check_some(values: np.ndarray) -> None:
    if not values.size:
        raise ValueError("no examples; a metric needs at least one")


def _check_classes(name: str, values: np.ndarray, classes: int) -> None:
    if not np.issubdtype(values.dtype, np.integer):
        raise ValueError(
            f"{name} are {values.dtype}; allowed: integers from 0 to {classes - 1}; write"
            f" {name}.astype(int) if they are whole numbers"
        )
    if values.min() < 0 or values.max() >= classes:
        raise ValueError(
            f"{name} from {values.min()} to {values.max()} do not fit {classes} classes;"
            f" allowed: 0 to {classes - 1}"
        )
