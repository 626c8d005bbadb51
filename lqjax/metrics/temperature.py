"""Temperature scaling: one number, fitted on validation images, that calibrates confidences."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from lqjax.metrics.checks import check_scores

LOWEST, HIGHEST = 0.01, 100.0
"""Temperatures that are searched."""

TOLERANCE = 1e-12
"""Relative step at which the search has arrived."""

MOST_STEPS = 200
"""Far beyond what halving the range down to the tolerance takes."""


class Temperature(NamedTuple):
    """A fitted temperature and what to know about it; the note is empty where all is well."""

    value: float
    note: str = ""


def fit_temperature(
    logits: Float[np.ndarray, "examples classes"], labels: Int[np.ndarray, " examples"]
) -> Temperature:
    """Find the temperature T that minimises the log loss of `logits / T`.

    Above 1 the network is overconfident, below 1 too cautious. Fit on validation images and divide
    the test logits by it: predictions and accuracy stay, confidences change. The loss is convex in
    1 / T; Newton's method within a bracket finds its minimum.

    Args:
      logits: finite scores of the validation images.
      labels: their true classes, each in [0, classes).

    Returns:
      T in [`LOWEST`, `HIGHEST`]. At an end of the range where the loss still falls there, as it
      does towards 0 when every image is classified correctly, and 1 where all temperatures are
      equally good (one class; all scores of each image equal); the note then says so.

    Raises:
      ValueError: no examples, shapes or labels that do not fit, scores that are not finite.

    Source: Guo et al. 2017, "On calibration of modern neural networks".
    """
    logits, labels = np.asarray(logits), np.asarray(labels)
    check_scores(logits, labels)
    # Relative to the true class's own score, so that its terms are exactly zero.
    wide = logits.astype(np.float64)
    margins = wide - np.take_along_axis(wide, labels[:, None], axis=1)
    if not margins.any():
        return Temperature(1.0, "every temperature gives the same log loss; 1 is kept")
    if _derivatives(margins, 1 / LOWEST)[0] <= 0:
        return Temperature(LOWEST, _at_end(LOWEST, _all_correct(margins)))
    if _derivatives(margins, 1 / HIGHEST)[0] >= 0:
        return Temperature(HIGHEST, _at_end(HIGHEST, False))
    return Temperature(1 / _inverse_temperature(margins))


def _inverse_temperature(margins: np.ndarray) -> float:
    """Find the zero of the slope between the ends of the range, where its signs differ."""
    low, high, inverse = 1 / HIGHEST, 1 / LOWEST, 1.0
    for _ in range(MOST_STEPS):
        slope, curvature = _derivatives(margins, inverse)
        low, high = (low, inverse) if slope > 0 else (inverse, high)
        step = slope / curvature if curvature > 0 else math.inf
        if abs(step) <= TOLERANCE * inverse or high - low <= TOLERANCE * low:
            break
        # A Newton step that leaves the bracket is replaced by halving it, in the logarithm.
        inverse = inverse - step if low < inverse - step < high else math.sqrt(low * high)
    return inverse


def _derivatives(margins: np.ndarray, inverse: float) -> tuple[float, float]:
    """Return the first and second derivative of the log loss by the inverse temperature."""
    weights = inverse * margins
    weights -= weights.max(axis=1, keepdims=True)
    np.exp(weights, out=weights)
    weights /= weights.sum(axis=1, keepdims=True)
    means = np.einsum("ij,ij->i", weights, margins)
    variances = np.einsum("ij,ij->i", weights, (margins - means[:, None]) ** 2)
    return float(means.mean()), float(variances.mean())


def _all_correct(margins: np.ndarray) -> bool:
    return bool((margins <= 0).all())


def _at_end(end: float, all_correct: bool) -> str:
    reason = "every validation image is classified correctly; " if all_correct else ""
    return f"{reason}the log loss still falls at T = {end:g}, the end of the range searched"
