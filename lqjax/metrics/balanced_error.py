"""The error rate with the same weight for every class, as MedMNIST-C counts it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int


def balanced_errors(
    correct: Bool[np.ndarray, "*conditions examples"],
    labels: Int[np.ndarray, " examples"],
    counts: Int[np.ndarray, "resamples examples"] | None = None,
) -> Float[np.ndarray, "*resampled_conditions"]:
    """Return one less the mean over classes of the share that is classified correctly.

    With `ErrorTable`, `corruption_errors` of these errors are the balanced errors BE, and
    `relative_corruption_errors` the relative ones, rBE, of MedMNIST-C. Of a multi-label set, call
    it label by label on the thresholded answers and take the mean.

    Args:
      correct: which examples are classified correctly, by condition.
      labels: true classes.
      counts: how often each example stands in each bootstrap sample; without it once. A class
        that a sample lacks is left out of that sample's mean.

    Returns:
      Errors in [0, 1] with the axes (conditions), or (resamples, conditions) with counts.

    Raises:
      ValueError: no examples, shapes that do not fit, or a sample without any example.

    Source: Di Salvo, Doerrich & Ledig 2024, "MedMNIST-C: comprehensive benchmark and improved
    classifier robustness by simulating realistic image corruptions".
    """
    correct, labels = np.asarray(correct), np.asarray(labels)
    weights = np.ones((1, labels.size)) if counts is None else np.asarray(counts, float)
    if not labels.size or correct.shape[-1:] != labels.shape or weights.shape[1:] != labels.shape:
        raise ValueError(
            f"correct {correct.shape} and labels {labels.shape} do not match; expected examples on"
            " the last axis of both, and of the counts"
        )
    if not weights.sum(axis=1).all():
        raise ValueError("a bootstrap sample has no example; draw as many as there are images")
    flat = correct.reshape(-1, labels.size)
    recalls = np.zeros((len(weights), len(flat)))
    present = np.zeros((len(weights), 1))
    for label in np.unique(labels):
        of_class = labels == label
        support = weights[:, of_class].sum(axis=1, keepdims=True)
        hits = weights[:, of_class] @ flat[:, of_class].T
        recalls += np.divide(hits, support, out=np.zeros_like(hits), where=support > 0)
        present += support > 0
    errors = 1 - recalls / present
    shape = correct.shape[:-1] if counts is None else (len(weights), *correct.shape[:-1])
    # Rounding may leave -1e-16, which is no share.
    return np.maximum(errors, 0).reshape(shape)
